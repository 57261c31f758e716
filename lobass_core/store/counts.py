"""How many rows and samples the project has, by what they are."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa


def rows_by_domain(cursor: duckdb.DuckDBPyConnection, dataset_id: int | None = None) -> dict[str, int]:
    """Rows of the project, or of one dataset, by domain in alphabetical order."""
    rows = cursor.execute(
        """
        SELECT domain, count(*) FROM rows WHERE $dataset_id IS NULL OR dataset_id = $dataset_id
        GROUP BY domain ORDER BY domain
        """,
        {"dataset_id": dataset_id},
    ).fetchall()
    return dict(rows)


def rows_by_dataset(cursor: duckdb.DuckDBPyConnection) -> dict[int, int]:
    """Rows of each dataset by its id."""
    return dict(cursor.execute("SELECT dataset_id, count(*) FROM rows GROUP BY dataset_id").fetchall())


def count_samples(cursor: duckdb.DuckDBPyConnection) -> int:
    """Different samples of the rows."""
    return _number(cursor, "SELECT count(DISTINCT sample_key) FROM rows")


def count_samples_of(cursor: duckdb.DuckDBPyConnection, datasets: Sequence[str]) -> int:
    """Different samples of the rows of these datasets; of all when none is named."""
    ((n,),) = cursor.execute(
        "SELECT count(DISTINCT r.sample_key) FROM rows r JOIN datasets d USING (dataset_id) "
        "WHERE len($datasets) = 0 OR list_contains($datasets, d.name)",
        {"datasets": list(datasets)},
    ).fetchall()
    return int(n)


def count_pairs(cursor: duckdb.DuckDBPyConnection) -> int:
    """Different samples of the rows that are preference pairs."""
    return _number(cursor, "SELECT count(*) FROM samples SEMI JOIN rows USING (sample_key) WHERE kind = 'preference'")


def count_known(cursor: duckdb.DuckDBPyConnection, sample_ids: Sequence[str]) -> int:
    """How many of these, counted as often as they are named, are samples of the rows."""
    cursor.register("asked_ids", pa.table({"sample_id": pa.array(sample_ids, pa.string())}))
    try:
        return _number(
            cursor,
            "SELECT count(*) FROM asked_ids"
            " WHERE sample_id IN (SELECT sample_id FROM samples SEMI JOIN rows USING (sample_key))",
        )
    finally:
        cursor.unregister("asked_ids")


def count_decided(cursor: duckdb.DuckDBPyConnection, row_keys: pa.Table) -> int:
    """How many of the rows in the column `row_key` have a sample that is kept or dropped by hand."""
    cursor.register("asked_rows", row_keys)
    try:
        return _number(
            cursor,
            """
            SELECT count(*) FROM asked_rows JOIN rows USING (row_key)
            SEMI JOIN (SELECT sample_key FROM standing_decisions WHERE verdict <> 'undecided') USING (sample_key)
            """,
        )
    finally:
        cursor.unregister("asked_rows")


def _number(cursor: duckdb.DuckDBPyConnection, sql: str) -> int:
    ((number,),) = cursor.execute(sql).fetchall()
    return int(number)
