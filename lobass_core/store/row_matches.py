"""Which rows of a dataset stand in a newer state of its files, and what the others are."""

from collections.abc import Iterator

import duckdb
import pyarrow as pa

from lobass_core.store.connection import read_table
from lobass_core.store.datasets import BATCH_ROWS

LISTING = pa.schema(
    [
        ("row_index", pa.int64()),
        ("line", pa.int64()),
        ("sample_id", pa.string()),
        ("domain", pa.string()),
        ("digest", pa.string()),
    ]
)
"""A file's good rows without their texts; `digest` is the md5 of the record's text."""

# Equal samples are paired in the order of the files, those with equal records first.
_UNCHANGED = """
WITH old AS (
    SELECT r.row_key, r.row_index, s.sample_id, md5(r.source) AS digest
    FROM rows r JOIN samples s USING (sample_key) WHERE r.dataset_id = $dataset_id),
same AS (
    SELECT o.row_key, n.row_index, true AS is_same
    FROM (SELECT *, row_number() OVER (PARTITION BY sample_id, digest ORDER BY row_index) AS nth FROM old) o
    JOIN (SELECT *, row_number() OVER (PARTITION BY sample_id, digest ORDER BY row_index) AS nth FROM listing) n
    USING (sample_id, digest, nth)),
rest AS (
    SELECT o.row_key, n.row_index, false AS is_same
    FROM (SELECT *, row_number() OVER (PARTITION BY sample_id ORDER BY row_index) AS nth
          FROM old ANTI JOIN same USING (row_key)) o
    JOIN (SELECT *, row_number() OVER (PARTITION BY sample_id ORDER BY row_index) AS nth
          FROM listing ANTI JOIN same USING (row_index)) n
    USING (sample_id, nth))
SELECT row_key, row_index, is_same FROM (FROM same UNION ALL FROM rest) ORDER BY row_index
"""


def unchanged_rows(cursor: duckdb.DuckDBPyConnection, dataset_id: int, listing: pa.Table) -> pa.Table:
    """The dataset's rows whose sample the listing holds: row_key, row_index (in the listing), is_same (record).

    A sample that stands in several rows is matched as often as both sides have it.
    """
    cursor.register("listing", listing)
    table = read_table(cursor, _UNCHANGED, {"dataset_id": dataset_id})
    cursor.unregister("listing")
    return table


def other_rows(cursor: duckdb.DuckDBPyConnection, dataset_id: int, unchanged: pa.Table) -> pa.Table:
    """The dataset's rows that are not among the unchanged ones, in their order: row_key, row_index."""
    cursor.register("unchanged", unchanged)
    table = read_table(
        cursor,
        """
        SELECT row_key, row_index FROM rows
        WHERE dataset_id = $dataset_id AND row_key NOT IN (SELECT row_key FROM unchanged) ORDER BY row_index
        """,
        {"dataset_id": dataset_id},
    )
    cursor.unregister("unchanged")
    return table


def records_of(cursor: duckdb.DuckDBPyConnection, row_keys: pa.ChunkedArray) -> Iterator[tuple[int, str]]:
    """(row key, untouched record) of those rows, a page in memory at a time."""
    for start in range(0, len(row_keys), BATCH_ROWS):
        cursor.register("asked", pa.table({"row_key": row_keys.slice(start, BATCH_ROWS)}))
        page = cursor.execute("SELECT row_key, source FROM asked JOIN rows USING (row_key) ORDER BY row_key").fetchall()
        cursor.unregister("asked")
        yield from page


def row_places(cursor: duckdb.DuckDBPyConnection, dataset_id: int) -> dict[int, int]:
    """The row index of each row of a dataset, by its key."""
    return dict(cursor.execute("SELECT row_key, row_index FROM rows WHERE dataset_id = ?", [dataset_id]).fetchall())
