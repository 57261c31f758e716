"""A person's decisions, tags and notes: append-only, known by UUIDs so that sending one twice does it once."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import duckdb
import pyarrow as pa

from lobass_core.errors import RequestError
from lobass_core.jobs.run_folder import utc_now
from lobass_core.records import Verdict


@dataclass(frozen=True, slots=True)
class DecisionAct:
    """One verdict on its way into the log; `batch_id` ties the acts of one bulk decision together."""

    decision_id: str
    sample_key: int
    verdict: Verdict
    reason: str = ""
    batch_id: str = ""


@dataclass(frozen=True, slots=True)
class LoggedDecision:
    """One line of the log, latest first."""

    decision_id: str
    sample_id: str
    sample_key: int
    verdict: str
    reason: str
    made_at: str
    batch_id: str
    undone_at: str | None

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
        SELECT (SELECT coalesce(max(decision_number), 0) FROM decisions) + row_number() OVER (ORDER BY position),
               decision_id, sample_key, verdict, reason, $now, batch_id, NULL
        FROM (SELECT DISTINCT ON (decision_id) * FROM new_acts ORDER BY position) n
        WHERE NOT EXISTS (SELECT 1 FROM decisions d WHERE d.decision_id = n.decision_id)
        """,
        {"now": utc_now()},
    ).fetchone()
    cursor.unregister("new_acts")
    return int(inserted[0]) if inserted else 0


def undo_decision(cursor: duckdb.DuckDBPyConnection, decision_id: str = "") -> list[LoggedDecision]:
    """Undo one act (the latest if none is named) and, if it was part of a batch, the whole batch.

    Raises:
        RequestError: there is nothing to undo, or no such act.
    """
    row = cursor.execute(
        """
        SELECT decision_id, batch_id FROM decisions
        WHERE undone_at IS NULL AND ($decision_id = '' OR decision_id = $decision_id)
        ORDER BY decision_number DESC LIMIT 1
        """,
        {"decision_id": decision_id},
    ).fetchone()
    if row is None:
        raise RequestError(f"there is no decision {decision_id} to undo" if decision_id else "there is nothing to undo")
    act_id, batch_id = row
    condition, value = ("batch_id = $value", batch_id) if batch_id else ("decision_id = $value", act_id)
    undone = _log(cursor, f"WHERE d.undone_at IS NULL AND d.{condition}", {"value": value})
    cursor.execute(
        f"UPDATE decisions SET undone_at = $now WHERE undone_at IS NULL AND {condition}",
        {"now": utc_now(), "value": value},
    )
    return undone


def decision_log(cursor: duckdb.DuckDBPyConnection, limit: int = 200) -> list[LoggedDecision]:
    """The latest acts, undone ones included."""
    return _log(cursor, "", {}, limit)


def standing_verdicts(cursor: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """sample_id -> keep or drop, where a decision stands."""
    rows = cursor.execute(
        """
        SELECT s.sample_id, arg_max(d.verdict, d.decision_number) AS verdict
        FROM decisions d JOIN samples s USING (sample_key) WHERE d.undone_at IS NULL
        GROUP BY s.sample_id HAVING verdict <> 'undecided' ORDER BY s.sample_id
        """
    ).fetchall()
    return dict(rows)


def _log(cursor: duckdb.DuckDBPyConnection, where: str, values: dict, limit: int = 1_000_000) -> list[LoggedDecision]:
    rows = cursor.execute(
        f"""
        SELECT d.decision_id, s.sample_id, d.sample_key, d.verdict, d.reason, d.made_at, d.batch_id, d.undone_at
        FROM decisions d JOIN samples s USING (sample_key) {where}
        ORDER BY d.decision_number DESC LIMIT $limit
        """,
        {**values, "limit": limit},
    ).fetchall()
    return [LoggedDecision(*row) for row in rows]


def add_tag(cursor: duckdb.DuckDBPyConnection, tag_id: str, sample_key: int, tag: str) -> None:
    """Tag a sample; the same tag twice is one."""
    cursor.execute(
        """
        INSERT INTO tags SELECT $tag_id, $sample_key, $tag, $now, NULL
        WHERE NOT EXISTS (SELECT 1 FROM tags
                          WHERE tag_id = $tag_id OR (sample_key = $sample_key AND tag = $tag AND removed_at IS NULL))
        """,
        {"tag_id": tag_id, "sample_key": sample_key, "tag": tag, "now": utc_now()},
    )


def remove_tag(cursor: duckdb.DuckDBPyConnection, sample_key: int, tag: str) -> None:
    """Take a tag off a sample."""
    cursor.execute(
        "UPDATE tags SET removed_at = ? WHERE sample_key = ? AND tag = ? AND removed_at IS NULL",
        [utc_now(), sample_key, tag],
    )


def set_note(cursor: duckdb.DuckDBPyConnection, note_id: str, sample_key: int, note: str) -> None:
    """Write a sample's note; the latest stands, an empty one takes it back."""
    cursor.execute(
        "INSERT INTO notes SELECT $note_id, $sample_key, $note, $now "
        "WHERE NOT EXISTS (SELECT 1 FROM notes WHERE note_id = $note_id)",
        {"note_id": note_id, "sample_key": sample_key, "note": note, "now": utc_now()},
    )
