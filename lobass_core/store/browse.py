"""What browsing reads: which samples match, and the rows of one page by their keys.

Rows are asked for by key, never by offset: joining 50 keys costs 3 ms at a million rows, a deep offset hundreds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from lobass_core.errors import RequestError
from lobass_core.records import SampleKind
from lobass_core.store.connection import read_table
from lobass_core.store.history import HistoryAct, histories
from lobass_core.store.samples import storable
from lobass_core.store.scored_rows import identifier, loss_tables
from lobass_core.store.scorings import Scoring
from lobass_core.store.standing import Standing, standing_decisions_of, standing_notes_of, standing_tags_of

SCOPES = {
    "user": ("prompt_text",),
    "assistant": ("response_text",),
    "system": ("system_text",),
    "any": ("prompt_text", "response_text", "system_text"),
}
# Fewer hex digits of a sample id than this name too many samples at random.
SHORTEST_ID = 6


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One imported row with its sample; `turns`, `tools` and `rejected` are JSON text as the store keeps them.

    `author` is who decided, empty where nobody did or nobody knows; `history` has the latest acts first.
    """

    row_key: int
    row_index: int
    dataset: str
    domain: str
    is_duplicate: bool
    sample_key: int
    sample_id: str
    kind: SampleKind
    turns: str
    tools: str | None
    rejected: str | None
    n_chars: int
    verdict: str
    reason: str
    author: str
    tags: tuple[str, ...]
    note: str
    history: tuple[HistoryAct, ...] = ()


@dataclass(frozen=True, slots=True)
class LossPlace:
    """Where the token losses of one sample under one model lie."""

    model_fp: str
    run_id: str
    shard: str


def unscored_rows(cursor: duckdb.DuckDBPyConnection) -> pa.Table:
    """The columns of `score_rows` where nothing is scored, so without a loss."""
    return read_table(
        cursor,
        """
        SELECT r.row_key, r.sample_key, s.tie_key, r.dataset_id, r.row_index,
               r.domain, NULL::INTEGER AS n_prompt_tokens, NULL::INTEGER AS n_response_bytes,
               NULL::INTEGER AS vocabulary_size, NULL::BOOLEAN AS is_unseen,
               r.is_duplicate, o.sample_key IS NOT NULL AS is_in_evaluation
        FROM rows r JOIN samples s USING (sample_key)
        LEFT JOIN (SELECT DISTINCT sample_key FROM overlap_samples) o USING (sample_key)
        ORDER BY r.row_key
        """,
    )


def matching_samples(cursor: duckdb.DuckDBPyConnection, text: str, scope: str, match_case: bool) -> np.ndarray:
    """int64 keys of the samples that hold the text as it stands (no pattern) in the turns of that scope."""
    parts = [f"contains({column}, $text)" if match_case else f"contains(lower({column}), lower($text))"
             for column in SCOPES[scope]]  # fmt: skip
    return _keys(cursor, f"SELECT sample_key FROM samples WHERE {' OR '.join(parts)}", {"text": text})


def first_hits(cursor: duckdb.DuckDBPyConnection, texts: Sequence[str], text: str, match_case: bool) -> list[int]:
    """Where `matching_samples` would find the text in each of these, in characters from 0; -1 where it is not."""
    place = "strpos(t, $text)" if match_case else "strpos(lower(t), lower($text))"
    rows = cursor.execute(
        f"SELECT {place} - 1 FROM (SELECT unnest($texts) AS t, generate_subscripts($texts, 1) AS n) ORDER BY n",
        {"text": text, "texts": [storable(one) for one in texts]},
    ).fetchall()
    return [int(place_of_hit) for (place_of_hit,) in rows]


def tagged_samples(cursor: duckdb.DuckDBPyConnection, tags: Sequence[str]) -> np.ndarray:
    """int64 keys of the samples that carry any of the tags."""
    sql = "SELECT DISTINCT sample_key FROM tags WHERE removed_at IS NULL AND list_contains($tags, tag)"
    return _keys(cursor, sql, {"tags": list(tags)})


def picked_rows(cursor: duckdb.DuckDBPyConnection, selection_id: int) -> np.ndarray:
    """int64 row keys of a saved selection."""
    sql = "SELECT row_key AS sample_key FROM selection_picks WHERE selection_id = $selection_id"
    return _keys(cursor, sql, {"selection_id": selection_id})


def _keys(cursor: duckdb.DuckDBPyConnection, sql: str, values: dict) -> np.ndarray:
    return np.asarray(cursor.execute(sql, values).fetchnumpy()["sample_key"], np.int64)


def list_tags(cursor: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    """Every tag in use with its number of samples, alphabetical."""
    return cursor.execute(
        "SELECT tag, count(DISTINCT sample_key) FROM tags WHERE removed_at IS NULL GROUP BY tag ORDER BY tag"
    ).fetchall()


def read_rows(cursor: duckdb.DuckDBPyConnection, row_keys: Sequence[int]) -> list[StoredRow]:
    """The rows of those keys, in their order; a key that no row has is left out."""
    rows = cursor.execute(
        """
        WITH asked AS (SELECT unnest($row_keys::BIGINT[]) AS row_key),
        held AS (SELECT r.* EXCLUDE (source) FROM asked JOIN rows r USING (row_key))
        SELECT h.row_key, h.row_index, d.name, h.domain, h.is_duplicate, s.sample_key, s.sample_id, s.kind, s.turns,
               s.tools, s.rejected, s.n_chars
        FROM held h JOIN datasets d USING (dataset_id) JOIN samples s USING (sample_key)
        """,
        {"row_keys": [int(key) for key in row_keys]},
    ).fetchall()
    sample_keys = list({row[5] for row in rows})
    decisions = {one.sample_key: one for one in standing_decisions_of(cursor, sample_keys)}
    notes = {one.sample_key: one.text for one in standing_notes_of(cursor, sample_keys)}
    tags: dict[int, list[str]] = {}
    for one in standing_tags_of(cursor, sample_keys):
        tags.setdefault(one.sample_key, []).append(one.text)
    acts = histories(cursor, sample_keys)
    by_key = {}
    for row in rows:
        key = row[5]
        decision = decisions.get(key, Standing(key, "undecided", "", "", ""))
        stands = decision.text, decision.reason, decision.author, tuple(tags.get(key, ())), notes.get(key, "")
        by_key[row[0]] = StoredRow(*(*row, *stands, acts.get(key, ())))
    return [by_key[key] for key in row_keys if key in by_key]


def sample_keys(cursor: duckdb.DuckDBPyConnection, sample_ids: Sequence[str]) -> list[int]:
    """Keys of samples by id or by a beginning of one (6 digits or more); an id from before an update will do.

    Raises:
        RequestError: an id is too short, matches no sample, or names several.
    """
    keys = []
    for sample_id in sample_ids:
        if len(sample_id) < SHORTEST_ID:
            raise RequestError(f"sample id {sample_id!r} is too short", do=f"Use {SHORTEST_ID} digits or more.")
        keys_meant = cursor.execute(
            """
            WITH named AS (SELECT sample_key FROM samples WHERE starts_with(sample_id, $id)),
            meant AS (
                SELECT sample_key FROM named
                UNION SELECT e.sample_key FROM named n JOIN earlier_samples e ON e.earlier_key = n.sample_key)
            SELECT sample_key FROM meant SEMI JOIN rows USING (sample_key) LIMIT 2
            """,
            {"id": sample_id.lower()},
        ).fetchall()
        if len(keys_meant) != 1:
            several = "matches several samples" if keys_meant else "matches no sample"
            raise RequestError(f"{sample_id!r} {several}", do="Use more digits; lobass browse lists the ids.")
        keys.append(int(keys_meant[0][0]))
    return keys


def sample_id_of(cursor: duckdb.DuckDBPyConnection, sample_key: int) -> str:
    """The id of one sample; empty for no such key."""
    row = cursor.execute("SELECT sample_id FROM samples WHERE sample_key = ?", [sample_key]).fetchone()
    return str(row[0]) if row else ""


def sample_ids(cursor: duckdb.DuckDBPyConnection, sample_keys: np.ndarray) -> list[str]:
    """The ids of samples, in no order."""
    cursor.register("wanted", pa.table({"sample_key": sample_keys}))
    rows = cursor.execute("SELECT sample_id FROM samples SEMI JOIN wanted USING (sample_key)").fetchall()
    cursor.unregister("wanted")
    return [sample_id for (sample_id,) in rows]


def loss_places(cursor: duckdb.DuckDBPyConnection, scoring: Scoring, sample_key: int) -> dict[str, LossPlace]:
    """Where a sample's losses under a scoring came from, by the name of the column; a mean of several has no place."""
    tables, values = loss_tables(cursor, scoring)
    parts = [
        f"SELECT {k} AS place, model_fp, run_id, shard FROM {identifier(one.name)} WHERE sample_key = $sample_key"
        for k, one in enumerate(scoring.scored)
    ]
    query = f"WITH {tables} {' UNION ALL '.join(parts)}"
    rows = cursor.execute(query, {**values, "sample_key": sample_key}).fetchall()
    return {scoring.scored[k].name: LossPlace(*place) for k, *place in rows}


def runs_that_scored(cursor: duckdb.DuckDBPyConnection, sample_key: int, render_fp: str) -> list[str]:
    """Runs with a loss of the sample under this rendering, oldest first; one of them wrote its tokens."""
    rows = cursor.execute(
        "SELECT DISTINCT run_id FROM losses WHERE sample_key = ? AND render_fp = ? ORDER BY run_id",
        [sample_key, render_fp],
    ).fetchall()
    return [run_id for (run_id,) in rows]


def count_stored_samples(cursor: duckdb.DuckDBPyConnection) -> int:
    """Samples in the store, those that no row has any more included."""
    row = cursor.execute("SELECT count(*) FROM samples").fetchone()
    return int(row[0]) if row else 0
