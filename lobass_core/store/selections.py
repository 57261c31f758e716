"""Saved selections: settings, result and picks under a name; deleted ones can be brought back."""

import json
from dataclasses import asdict, dataclass

import duckdb
import pyarrow as pa

from lobass_core.errors import SelectionError
from lobass_core.store.connection import read_table
from lobass_core.store.sequences import take_ids
from lobass_core.words.clock import utc_now

# The `scoring_id` of a selection that was made without losses; those of scorings begin at 1.
NO_SCORING = 0


@dataclass(frozen=True, slots=True)
class SavedSelection:
    """A selection as it was saved; `result` holds what each domain asked for and got.

    `n_gone` of its `n_kept` rows are no more in the project: updates took them out (`store/former_states.py`).
    """

    selection_id: int
    name: str
    scoring_id: int
    spec: dict
    result: dict
    n_kept: int
    tokens_kept: int
    made_at: str
    deleted_at: str | None
    n_gone: int = 0

    @property
    def n_held(self) -> int:
        """Rows that it holds today."""
        return self.n_kept - self.n_gone

    @property
    def known_tokens(self) -> int | None:
        """Its response tokens; None where those of some row were not counted when it was saved."""
        return None if self.scoring_id == NO_SCORING else self.result.get("tokens_kept", self.tokens_kept)

    def to_dict(self) -> dict:
        return asdict(self) | {"tokens_kept": self.known_tokens}


_COLUMNS = """selection_id, name, scoring_id, spec, result, n_kept, tokens_kept, made_at, deleted_at,
    (SELECT count(*) FROM selection_picks p WHERE p.selection_id = selections.selection_id
     AND p.row_key IN (SELECT row_key FROM former_rows WHERE fate <> 'kept'))"""


def save_selection(
    cursor: duckdb.DuckDBPyConnection,
    *,
    name: str,
    scoring_id: int,
    spec: dict,
    result: dict,
    tokens_kept: int,
    picks: pa.Table,
    replace: bool = False,
) -> int:
    """Save a selection and return its id; `picks` has row_key, sample_key, pick_rank, reason, score.

    Raises:
        SelectionError: the name is empty or taken, and `replace` is not asked.
    """
    if not name.strip():
        raise SelectionError("a selection needs a name", do="Use --name NAME.")
    taken = cursor.execute(
        "SELECT selection_id FROM selections WHERE name = ? AND deleted_at IS NULL", [name]
    ).fetchone()
    if taken and not replace:
        raise SelectionError(
            f"a selection {name!r} already exists", do="Use another name, or replace it with --replace."
        )
    if taken:
        cursor.execute("UPDATE selections SET deleted_at = ? WHERE selection_id = ?", [utc_now(), taken[0]])
    selection_id = take_ids(cursor, "selection_ids")
    cursor.execute(
        "INSERT INTO selections VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        [
            selection_id,
            name,
            scoring_id,
            json.dumps(spec),
            json.dumps(result),
            picks.num_rows,
            tokens_kept,
            utc_now(),
        ],
    )
    cursor.register("picks", picks)
    cursor.execute(
        "INSERT INTO selection_picks SELECT $id, row_key, sample_key, pick_rank, reason, score FROM picks",
        {"id": selection_id},
    )
    cursor.unregister("picks")
    return selection_id


def list_selections(cursor: duckdb.DuckDBPyConnection, *, deleted: bool = False) -> list[SavedSelection]:
    """Selections, latest first; with `deleted` those that can be brought back."""
    state = "IS NOT NULL" if deleted else "IS NULL"
    rows = cursor.execute(
        f"SELECT {_COLUMNS} FROM selections WHERE deleted_at {state} ORDER BY selection_id DESC"
    ).fetchall()
    return [_saved(row) for row in rows]


def find_selection(cursor: duckdb.DuckDBPyConnection, name: str) -> SavedSelection:
    """The selection of that name.

    Raises:
        SelectionError: there is none; the message lists those there are.
    """
    row = cursor.execute(f"SELECT {_COLUMNS} FROM selections WHERE name = ? AND deleted_at IS NULL", [name]).fetchone()
    if row is None:
        names = ", ".join(selection.name for selection in list_selections(cursor))
        raise SelectionError(
            f"there is no selection {name!r}",
            do=f"The saved selections are {names}." if names else "Save one with lobass select --name NAME.",
        )
    return _saved(row)


def n_dropped(cursor: duckdb.DuckDBPyConnection, selection_id: int) -> int:
    """How many rows of a selection were dropped by hand after it was saved, of those that it still holds."""
    (found,) = cursor.execute(
        """
        SELECT count(*) FROM selection_picks p JOIN rows USING (row_key)
        WHERE p.selection_id = ?
        AND p.sample_key IN (SELECT sample_key FROM standing_decisions WHERE verdict = 'drop')
        """,
        [selection_id],
    ).fetchall()
    return int(found[0])


def selection_picks(cursor: duckdb.DuckDBPyConnection, selection_id: int) -> pa.Table:
    """The picks in rank order: row_key, sample_key, pick_rank, reason, score."""
    return read_table(
        cursor,
        "SELECT row_key, sample_key, pick_rank, reason, score FROM selection_picks "
        "WHERE selection_id = ? ORDER BY pick_rank",
        [selection_id],
    )


def picked_rows(cursor: duckdb.DuckDBPyConnection) -> dict[int, dict[tuple[int, str], int]]:
    """selection_id -> rows that it holds in each (dataset_id, domain), by the domains of today."""
    rows_of: dict[int, dict[tuple[int, str], int]] = {}
    for selection_id, dataset_id, domain, n_rows in cursor.execute(
        "SELECT selection_id, dataset_id, domain, count(*) FROM selection_picks JOIN rows USING (row_key) GROUP BY ALL"
    ).fetchall():
        rows_of.setdefault(selection_id, {})[dataset_id, domain] = n_rows
    return rows_of


def rename_selection(cursor: duckdb.DuckDBPyConnection, name: str, new_name: str) -> None:
    """Give a selection another name.

    Raises:
        SelectionError: no such selection, or the new name is taken or empty.
    """
    selection = find_selection(cursor, name)
    taken = cursor.execute("SELECT 1 FROM selections WHERE name = ? AND deleted_at IS NULL", [new_name]).fetchone()
    if taken or not new_name.strip():
        raise SelectionError(f"the name {new_name!r} is taken or empty", do="Use another name.")
    cursor.execute("UPDATE selections SET name = ? WHERE selection_id = ?", [new_name, selection.selection_id])


def delete_selection(cursor: duckdb.DuckDBPyConnection, name: str) -> int:
    """Put a selection aside and return its id, by which it can be brought back."""
    selection = find_selection(cursor, name)
    cursor.execute("UPDATE selections SET deleted_at = ? WHERE selection_id = ?", [utc_now(), selection.selection_id])
    return selection.selection_id


def undelete_selection(cursor: duckdb.DuckDBPyConnection, selection_id: int) -> str:
    """Bring a deleted selection back and return its name.

    Raises:
        SelectionError: no such deleted selection, or its name is taken by now.
    """
    row = cursor.execute(
        "SELECT name FROM selections WHERE selection_id = ? AND deleted_at IS NOT NULL", [selection_id]
    ).fetchone()
    if row is None:
        raise SelectionError("no deleted selection has this id")
    taken = cursor.execute("SELECT 1 FROM selections WHERE name = ? AND deleted_at IS NULL", [row[0]]).fetchone()
    if taken:
        raise SelectionError(f"the name {row[0]!r} is already taken", do="Rename the other selection first.")
    cursor.execute("UPDATE selections SET deleted_at = NULL WHERE selection_id = ?", [selection_id])
    return str(row[0])


def _saved(row: tuple) -> SavedSelection:
    selection_id, name, scoring_id, spec, result, *others = row
    return SavedSelection(selection_id, name, scoring_id, json.loads(spec), json.loads(result), *others)
