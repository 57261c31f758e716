"""What stands on samples: the decision, the tags and the note, each with its author and its time.

Which decision stands is told in one place, the view `standing_decisions`: the latest of a sample that is not undone.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

VERDICT_CODES = {"keep": 1, "drop": -1, "undecided": 0}


@dataclass(frozen=True, slots=True)
class Standing:
    """One decision, tag or note that stands; `reason` is a decision's. `text` is the verdict, the tag or the note.

    A note that was taken back stands as an empty text.
    """

    sample_key: int
    text: str
    reason: str
    author: str
    made_at: str


@dataclass(frozen=True, slots=True)
class SamplePlace:
    """A sample's id and the first row that has it; no dataset and row -1 where no row has it any more."""

    sample_key: int
    sample_id: str
    dataset: str
    row_index: int


STANDING_DECISIONS = """
CREATE VIEW standing_decisions AS
SELECT sample_key, verdict, reason, author, made_at FROM decisions WHERE undone_at IS NULL
QUALIFY row_number() OVER (PARTITION BY sample_key ORDER BY decision_number DESC) = 1;
"""
_DECISIONS = """
SELECT sample_key, verdict, reason, author, made_at FROM standing_decisions
WHERE {scope} ORDER BY sample_key
"""
_TAGS = """
SELECT sample_key, tag, '', author, made_at FROM tags
WHERE removed_at IS NULL AND {scope}
QUALIFY row_number() OVER (PARTITION BY sample_key, tag ORDER BY made_at, tag_id) = 1 ORDER BY sample_key, tag
"""
_REMOVED_TAGS = """
SELECT sample_key, tag, '', arg_max(removed_by, removed_at), max(removed_at) FROM tags
WHERE {scope}
GROUP BY sample_key, tag HAVING bool_and(removed_at IS NOT NULL) ORDER BY sample_key, tag
"""
_NOTES = """
SELECT sample_key, note, '', author, made_at FROM notes n
WHERE {scope}
QUALIFY row_number() OVER (PARTITION BY sample_key ORDER BY n.rowid DESC) = 1 ORDER BY sample_key
"""
_ALL = "true"
_ASKED = "sample_key IN (SELECT sample_key FROM asked_samples)"
# A list is looked for while the log is read: the samples of a page cost a tenth of a join with all that stands.
_LISTED = "list_contains($keys::BIGINT[], sample_key)"
_MOST_LISTED = 200


def standing_decisions_of(cursor: duckdb.DuckDBPyConnection, keys: Sequence[int] | None = None) -> list[Standing]:
    """The latest decision on each of the samples (None: on all), an undecided one included."""
    return _read(cursor, _DECISIONS, keys)


def verdict_codes(cursor: duckdb.DuckDBPyConnection) -> tuple[np.ndarray, np.ndarray]:
    """(sample_key int64[d], 1 keep, -1 drop or 0 undecided int8[d]) of every sample that was decided on."""
    codes = " ".join(f"WHEN '{verdict}' THEN {code}" for verdict, code in VERDICT_CODES.items())
    columns = cursor.execute(
        f"SELECT sample_key, CASE verdict {codes} END::TINYINT AS code FROM standing_decisions"
    ).fetchnumpy()
    return np.asarray(columns["sample_key"], np.int64), np.asarray(columns["code"], np.int8)


def standing_verdicts_of(cursor: duckdb.DuckDBPyConnection, keys: Sequence[int]) -> dict[int, str]:
    """The verdict on each of the samples, undecided where no decision stands; by key."""
    verdicts = {decision.sample_key: decision.text for decision in standing_decisions_of(cursor, keys)}
    return {key: verdicts.get(key, "undecided") for key in sorted(set(keys))}


def standing_tags_of(cursor: duckdb.DuckDBPyConnection, keys: Sequence[int] | None = None) -> list[Standing]:
    """The tags that the samples carry."""
    return _read(cursor, _TAGS, keys)


def standing_notes_of(cursor: duckdb.DuckDBPyConnection, keys: Sequence[int] | None = None) -> list[Standing]:
    """The latest note on each of the samples, one that was taken back as an empty text."""
    return _read(cursor, _NOTES, keys)


def removed_tags_of(cursor: duckdb.DuckDBPyConnection, keys: Sequence[int] | None = None) -> list[Standing]:
    """The tags that were taken off the samples and not put on again, with who did that and when."""
    return _read(cursor, _REMOVED_TAGS, keys)


def places_of(cursor: duckdb.DuckDBPyConnection, keys: Sequence[int]) -> list[SamplePlace]:
    """Where the samples stand, in the order of their keys."""
    with _asked(cursor, keys):
        rows = cursor.execute(
            """
            WITH first_rows AS (
                SELECT sample_key, min(row_key) AS row_key FROM rows SEMI JOIN asked_samples USING (sample_key)
                GROUP BY sample_key)
            SELECT s.sample_key, s.sample_id, coalesce(d.name, ''), coalesce(r.row_index, -1)
            FROM samples s SEMI JOIN asked_samples a USING (sample_key)
                 LEFT JOIN first_rows f USING (sample_key) LEFT JOIN rows r ON r.row_key = f.row_key
                 LEFT JOIN datasets d USING (dataset_id)
            ORDER BY s.sample_key
            """
        ).fetchall()
    return [SamplePlace(*row) for row in rows]


def _read(cursor: duckdb.DuckDBPyConnection, sql: str, keys: Sequence[int] | None) -> list[Standing]:
    if keys is None:
        return [Standing(*row) for row in cursor.execute(sql.format(scope=_ALL)).fetchall()]
    if len(keys) <= _MOST_LISTED:
        listed = {"keys": [int(key) for key in keys]}
        return [Standing(*row) for row in cursor.execute(sql.format(scope=_LISTED), listed).fetchall()]
    with _asked(cursor, keys):
        return [Standing(*row) for row in cursor.execute(sql.format(scope=_ASKED)).fetchall()]


@contextmanager
def _asked(cursor: duckdb.DuckDBPyConnection, keys: Sequence[int]) -> Iterator[None]:
    """The keys as the table `asked_samples` for the length of a block."""
    cursor.register("asked_samples", pa.table({"sample_key": pa.array(sorted(set(keys)), pa.int64())}))
    yield
    cursor.unregister("asked_samples")


def anything_stands(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Whether anything was decided and stands, or was ever tagged or noted: what was taken back travels too."""
    ((stands,),) = cursor.execute(
        """
        SELECT EXISTS (FROM decisions WHERE undone_at IS NULL) OR EXISTS (FROM tags) OR EXISTS (FROM notes)
        """
    ).fetchall()
    return bool(stands)
