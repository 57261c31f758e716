"""Reads for an export: where chosen rows stand in their files, and the untouched text of records."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from lobass_core.store.connection import read_table


def rows_of(cursor: duckdb.DuckDBPyConnection, row_keys: pa.Array) -> pa.Table:
    """The rows of those keys, dataset by dataset (by name), each in the order of its file.

    Columns: row_key, dataset_id, row_index, domain, sample_id. Keys that are not there any more are left out.
    """
    cursor.register("asked_rows", pa.table({"row_key": row_keys.cast(pa.int64())}))
    table = read_table(
        cursor,
        """
        SELECT r.row_key, r.dataset_id, r.row_index, r.domain, s.sample_id
        FROM asked_rows a JOIN rows r USING (row_key) JOIN samples s USING (sample_key)
             JOIN datasets d USING (dataset_id)
        ORDER BY d.name, r.row_index
        """,
    )
    cursor.unregister("asked_rows")
    return table


def texts_of(
    cursor: duckdb.DuckDBPyConnection, dataset_ids: Sequence[int], row_indices: Sequence[int]
) -> list[str | None]:
    """The untouched text of each record, in the order asked; None where there is no such row."""
    asked = pa.table(
        {
            "place": pa.array(range(len(row_indices)), pa.int64()),
            "dataset_id": pa.array(dataset_ids, pa.int32()),
            "row_index": pa.array(row_indices, pa.int64()),
        }
    )
    cursor.register("asked_records", asked)
    table = read_table(
        cursor,
        """
        SELECT a.place, r.source FROM asked_records a LEFT JOIN rows r
        ON r.dataset_id = a.dataset_id AND r.row_index = a.row_index ORDER BY a.place
        """,
    )
    cursor.unregister("asked_records")
    return table["source"].to_pylist()


def kinds_and_turns(cursor: duckdb.DuckDBPyConnection, sample_ids: Sequence[str]) -> pa.Table:
    """The kind and the turns (as JSON text) of samples, in the order asked."""
    asked = pa.table(
        {"place": pa.array(range(len(sample_ids)), pa.int64()), "sample_id": pa.array(sample_ids, pa.string())}
    )
    cursor.register("asked_samples", asked)
    table = read_table(
        cursor, "SELECT s.kind, s.turns FROM asked_samples a JOIN samples s USING (sample_id) ORDER BY a.place"
    )
    cursor.unregister("asked_samples")
    return table


def cut_samples(cursor: duckdb.DuckDBPyConnection, model_fp: str, render_fp: str) -> dict[str, int]:
    """Sample id -> tokens that it lost because it was too long, for the samples that lost some."""
    rows = cursor.execute(
        """
        SELECT s.sample_id, l.n_dropped_tokens FROM losses l JOIN samples s USING (sample_key)
        WHERE l.model_fp = ? AND l.render_fp = ? AND l.n_dropped_tokens > 0
        """,
        [model_fp, render_fp],
    )
    return dict(rows.fetchall())


def standing_decisions(cursor: duckdb.DuckDBPyConnection) -> list[dict[str, str]]:
    """Every decision that stands, with its reason and author, by sample id.

    Without times: those say nothing about the rows.
    """
    rows = cursor.execute(
        """
        SELECT s.sample_id, d.verdict, d.reason, d.author
        FROM standing_decisions d JOIN samples s USING (sample_key)
        WHERE d.verdict <> 'undecided' ORDER BY s.sample_id
        """
    ).fetchall()
    return [dict(zip(("sample_id", "verdict", "reason", "author"), row, strict=True)) for row in rows]
