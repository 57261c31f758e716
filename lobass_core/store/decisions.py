"""A person's decisions, tags and notes: append-only, known by UUIDs so that sending one twice does it once."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import duckdb
import pyarrow as pa

from lobass_core.records import Verdict
from lobass_core.store.sequences import take_ids
from lobass_core.words.clock import utc_now


@dataclass(frozen=True, slots=True)
class DecisionAct:
    """One verdict on its way into the log; `batch_id` ties the acts of one bulk decision together."""

    decision_id: str
    sample_key: int
    verdict: Verdict
    reason: str = ""
    batch_id: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class LoggedDecision:
    """One line of the log, latest first; `file` names the file that it was imported from, if it was."""

    decision_id: str
    sample_id: str
    sample_key: int
    verdict: str
    reason: str
    made_at: str
    batch_id: str
    undone_at: str | None
    author: str
    file: str

    def to_dict(self) -> dict:
        return asdict(self)


def append_decisions(cursor: duckdb.DuckDBPyConnection, acts: Sequence[DecisionAct]) -> int:
    """Add acts in order; those whose id is in the log already are passed over. Returns how many are new."""
    if not acts:
        return 0
    table = pa.Table.from_pylist([{**asdict(act), "position": number} for number, act in enumerate(acts)])
    cursor.register("new_acts", table)
    inserted = cursor.execute(
        """
        INSERT INTO decisions
        SELECT $first + row_number() OVER (ORDER BY position) - 1, decision_id, sample_key, verdict, reason, $now,
               batch_id, NULL, author
        FROM (SELECT DISTINCT ON (decision_id) * FROM new_acts ORDER BY position) n
        WHERE NOT EXISTS (SELECT 1 FROM decisions d WHERE d.decision_id = n.decision_id)
        """,
        {"first": take_ids(cursor, "decision_numbers", len(acts)), "now": utc_now()},
    ).fetchone()
    cursor.unregister("new_acts")
    return int(inserted[0]) if inserted else 0


def decision_log(cursor: duckdb.DuckDBPyConnection, limit: int = 200) -> list[LoggedDecision]:
    """The latest acts, undone ones included."""
    return find_decisions(cursor, "", {}, limit)


def decisions_of(cursor: duckdb.DuckDBPyConnection, sample_key: int) -> list[LoggedDecision]:
    """Every act on one sample, undone ones included, latest first."""
    return find_decisions(cursor, "WHERE d.sample_key = $sample_key", {"sample_key": sample_key})


def find_decisions(
    cursor: duckdb.DuckDBPyConnection, where: str, values: dict, limit: int = 1_000_000
) -> list[LoggedDecision]:
    """The acts that meet a condition of this program's own, latest first."""
    rows = cursor.execute(
        f"""
        SELECT d.decision_id, s.sample_id, d.sample_key, d.verdict, d.reason, d.made_at, d.batch_id, d.undone_at,
               d.author, coalesce(i.file, '')
        FROM decisions d JOIN samples s USING (sample_key) LEFT JOIN decision_imports i USING (batch_id) {where}
        ORDER BY d.decision_number DESC LIMIT $limit
        """,
        {**values, "limit": limit},
    ).fetchall()
    return [LoggedDecision(*row) for row in rows]


def add_tag(cursor: duckdb.DuckDBPyConnection, tag_id: str, sample_key: int, tag: str, author: str = "") -> None:
    """Tag a sample; the same tag twice is one."""
    cursor.execute(
        """
        INSERT INTO tags (tag_id, sample_key, tag, made_at, author)
        SELECT $tag_id, $sample_key, $tag, $now, $author
        WHERE NOT EXISTS (SELECT 1 FROM tags
                          WHERE tag_id = $tag_id OR (sample_key = $sample_key AND tag = $tag AND removed_at IS NULL))
        """,
        {"tag_id": tag_id, "sample_key": sample_key, "tag": tag, "now": utc_now(), "author": author},
    )


def remove_tag(cursor: duckdb.DuckDBPyConnection, sample_key: int, tag: str, author: str = "") -> None:
    """Take a tag off a sample."""
    cursor.execute(
        "UPDATE tags SET removed_at = ?, removed_by = ? WHERE sample_key = ? AND tag = ? AND removed_at IS NULL",
        [utc_now(), author, sample_key, tag],
    )


def set_note(cursor: duckdb.DuckDBPyConnection, note_id: str, sample_key: int, note: str, author: str = "") -> None:
    """Write a sample's note; the latest stands, an empty one takes it back."""
    cursor.execute(
        "INSERT INTO notes SELECT $note_id, $sample_key, $note, $now, $author "
        "WHERE NOT EXISTS (SELECT 1 FROM notes WHERE note_id = $note_id)",
        {"note_id": note_id, "sample_key": sample_key, "note": note, "now": utc_now(), "author": author},
    )
