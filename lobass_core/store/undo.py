"""Take back a decision with its batch, or all that a file brought in."""

from dataclasses import dataclass, field

import duckdb

from lobass_core.errors import RequestError
from lobass_core.store.decision_imports import DecisionImport, latest_import, standing_import, take_back
from lobass_core.store.decisions import LoggedDecision, find_decisions
from lobass_core.words.clock import utc_now


@dataclass(frozen=True, slots=True)
class Undone:
    """The decisions that were taken back; `imported` is the file that had brought them, with its tags and notes."""

    decisions: list[LoggedDecision] = field(default_factory=list)
    imported: DecisionImport | None = None


def undo_decision(cursor: duckdb.DuckDBPyConnection, act_id: str = "") -> Undone:
    """Undo a decision or an import (the latest if none is named); a decision goes with its whole batch.

    A batch may be named by the id of any of its decisions or by its own.

    Raises:
        RequestError: there is nothing to undo, or no such act.
    """
    imported = standing_import(cursor, act_id) if act_id else latest_import(cursor)
    condition, value = ("batch_id", imported.batch_id) if imported else _batch_of(cursor, act_id)
    if imported is None and condition == "batch_id":
        imported = standing_import(cursor, value)
    undone = find_decisions(cursor, f"WHERE d.undone_at IS NULL AND d.{condition} = $value", {"value": value})
    cursor.execute(
        f"UPDATE decisions SET undone_at = $now WHERE undone_at IS NULL AND {condition} = $value",
        {"now": utc_now(), "value": value},
    )
    if imported:
        take_back(cursor, imported.batch_id)
    return Undone(undone, imported)


def _batch_of(cursor: duckdb.DuckDBPyConnection, decision_id: str) -> tuple[str, str]:
    """The column and the value that the decision shares with what is undone with it."""
    row = cursor.execute(
        """
        SELECT decision_id, batch_id FROM decisions
        WHERE undone_at IS NULL AND ($decision_id = '' OR $decision_id IN (decision_id, batch_id))
        ORDER BY decision_number DESC LIMIT 1
        """,
        {"decision_id": decision_id},
    ).fetchone()
    if row is None:
        raise RequestError(f"there is no decision {decision_id} to undo" if decision_id else "there is nothing to undo")
    act_id, batch_id = row
    return ("batch_id", batch_id) if batch_id else ("decision_id", act_id)
