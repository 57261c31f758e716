"""What updates of datasets took away: enough to bring each former state back, and to name the rows that are gone."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from lobass_core.store.connection import read_table
from lobass_core.store.dataset_files import DatasetFile
from lobass_core.store.home import Home

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


def selections_that_lose(cursor: duckdb.DuckDBPyConnection, row_keys: pa.Table) -> list[tuple[str, int]]:
    """(name, rows) of each saved selection that holds rows of the column `row_key`."""
    cursor.register("going", row_keys)
    table = read_table(
        cursor,
        """
        SELECT s.name, count(*) AS n FROM selections s JOIN selection_picks p USING (selection_id)
        WHERE s.deleted_at IS NULL AND p.row_key IN (SELECT row_key FROM going) GROUP BY s.name ORDER BY s.name
        """,
    )
    cursor.unregister("going")
    return list(zip(table["name"].to_pylist(), table["n"].to_pylist(), strict=True))


def forget_updates(cursor: duckdb.DuckDBPyConnection, dataset_id: int) -> None:
    """Remove everything that is kept of the former states of a dataset."""
    for table in (*STATE_TABLES, "dataset_updates"):
        cursor.execute(
            f"DELETE FROM {table} WHERE update_id IN (SELECT update_id FROM dataset_updates WHERE dataset_id = ?)",
            [dataset_id],
        )


def former_files(cursor: duckdb.DuckDBPyConnection) -> list[tuple[int, int, DatasetFile]]:
    """(dataset_id, update_id, file) of every file that a dataset was made of before an update, latest update first."""
    rows = cursor.execute(
        """
        SELECT u.dataset_id, update_id, f.* EXCLUDE (update_id)
        FROM former_files f JOIN dataset_updates u USING (update_id) ORDER BY update_id DESC, file_number
        """
    ).fetchall()
    home = Home.of(cursor)
    return [
        (dataset_id, update_id, DatasetFile(number, name, home.path(path), *values))
        for dataset_id, update_id, number, name, path, *values in rows
    ]


# A row's state before an update is what the first update from that one on wrote down of it, or what it is today.
_STATE_BEFORE = """
WITH own AS (FROM dataset_updates WHERE update_id = $update_id),
later AS (
    SELECT f.* FROM former_rows f JOIN dataset_updates u USING (update_id), own
    WHERE u.dataset_id = own.dataset_id AND update_id >= $update_id AND f.fate <> 'undone'
        AND f.row_key < own.first_row),
places AS (SELECT row_key, arg_min(row_index, update_id) AS row_index FROM later GROUP BY row_key),
records AS (SELECT row_key, arg_min(source, update_id) AS source FROM later WHERE source IS NOT NULL GROUP BY row_key),
today AS (
    SELECT r.row_key, r.row_index, r.source FROM rows r, own
    WHERE r.dataset_id = own.dataset_id AND r.row_key < own.first_row),
former AS (
    SELECT coalesce(p.row_index, t.row_index) AS row_index, coalesce(c.source, t.source) AS source
    FROM today t FULL JOIN places p USING (row_key) LEFT JOIN records c USING (row_key))
SELECT a.place, f.source FROM asked_rows a LEFT JOIN former f USING (row_index) ORDER BY a.place
"""


def former_texts(cursor: duckdb.DuckDBPyConnection, update_id: int, row_indices: Sequence[int]) -> list[str | None]:
    """The untouched records of a dataset as it was before an update; None where there was no such row."""
    asked = pa.table(
        {"place": pa.array(range(len(row_indices)), pa.int64()), "row_index": pa.array(row_indices, pa.int64())}
    )
    cursor.register("asked_rows", asked)
    table = read_table(cursor, _STATE_BEFORE, {"update_id": update_id})
    cursor.unregister("asked_rows")
    return table["source"].to_pylist()
