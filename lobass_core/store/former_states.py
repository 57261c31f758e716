"""What updates of datasets took away: enough to bring each former state back, and to name the rows that are gone."""

from dataclasses import dataclass

import duckdb

from lobass_core.store.connection import read_table

# Whatever an update keeps of a former state, in the order in which it is forgotten.
STATE_TABLES = ("former_datasets", "former_files", "former_rejects", "former_rows")


@dataclass(frozen=True, slots=True)
class GoneRow:
    """A row of a selection that its dataset has no more. `fate`: changed, gone or undone (see `change_tables.py`)."""

    row_key: int
    pick_rank: int
    dataset: str
    row_index: int
    sample_id: str
    fate: str
    prompt: str

    def to_dict(self) -> dict:
        return {name: getattr(self, name) for name in self.__slots__ if name != "row_key"}


def gone_rows(cursor: duckdb.DuckDBPyConnection, selection_id: int, limit: int = 1_000_000) -> list[GoneRow]:
    """The rows of a selection that updates took out of their datasets, by rank; prompts are cut to 200 characters."""
    rows = cursor.execute(
        """
        SELECT p.row_key, p.pick_rank, d.name, f.row_index, s.sample_id, f.fate, left(s.prompt_text, 200)
        FROM selection_picks p JOIN former_rows f USING (row_key) JOIN dataset_updates u USING (update_id)
        JOIN datasets d USING (dataset_id) JOIN samples s ON s.sample_key = f.sample_key
        WHERE p.selection_id = ? AND f.fate <> 'kept' ORDER BY p.pick_rank LIMIT ?
        """,
        [selection_id, limit],
    ).fetchall()
    return [GoneRow(*row) for row in rows]


def selections_that_lose(cursor: duckdb.DuckDBPyConnection, row_keys: str) -> list[tuple[str, int]]:
    """(name, rows) of each saved selection that holds rows of the query `row_keys`, which gives their keys."""
    table = read_table(
        cursor,
        f"""
        SELECT s.name, count(*) AS n FROM selections s JOIN selection_picks p USING (selection_id)
        WHERE s.deleted_at IS NULL AND p.row_key IN ({row_keys}) GROUP BY s.name ORDER BY s.name
        """,
    )
    return list(zip(table["name"].to_pylist(), table["n"].to_pylist(), strict=True))


def forget_updates(cursor: duckdb.DuckDBPyConnection, dataset_id: int) -> None:
    """Remove everything that is kept of the former states of a dataset."""
    for table in (*STATE_TABLES, "dataset_updates"):
        cursor.execute(
            f"DELETE FROM {table} WHERE update_id IN (SELECT update_id FROM dataset_updates WHERE dataset_id = ?)",
            [dataset_id],
        )
