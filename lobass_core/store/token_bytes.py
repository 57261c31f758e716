"""Bytes of the responses of losses that are older than the column for them, from the token files of their runs."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lobass_core.jobs.checksums import is_good
from lobass_core.learnability.response_bytes import n_response_bytes

BATCH_ROWS = 2_000
COLUMNS = ("sample_id", "render_fp", "text", "token_starts", "token_ends", "response_mask")


def fill_response_bytes(cursor: duckdb.DuckDBPyConnection, runs_dir: Path) -> int:
    """Fill `losses.n_response_bytes` where it is null and a run kept the tokens; returns how many stay unknown."""
    # No token, no text; such samples have no line in a token file.
    cursor.execute("UPDATE losses SET n_response_bytes = 0 WHERE n_response_bytes IS NULL AND n_tokens = 0")
    if _n_unknown(cursor):
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE token_bytes (sample_id VARCHAR, render_fp VARCHAR, n_bytes INTEGER)"
        )
        for path in sorted(runs_dir.glob("r-*/tokens/*.parquet")):
            for table in _bytes_in(path):
                cursor.from_arrow(table).insert_into("token_bytes")
        cursor.execute(
            """
            UPDATE losses SET n_response_bytes = t.n_bytes
            FROM (SELECT s.sample_key, b.render_fp, any_value(b.n_bytes) AS n_bytes
                  FROM token_bytes b JOIN samples s USING (sample_id) GROUP BY ALL) t
            WHERE losses.sample_key = t.sample_key AND losses.render_fp = t.render_fp
                  AND losses.n_response_bytes IS NULL
            """
        )
        cursor.execute("DROP TABLE token_bytes")
    return _n_unknown(cursor)


def _n_unknown(cursor: duckdb.DuckDBPyConnection) -> int:
    ((n_unknown,),) = cursor.execute("SELECT count(*) FROM losses WHERE n_response_bytes IS NULL").fetchall()
    return int(n_unknown)


def _bytes_in(path: Path) -> Iterator[pa.Table]:
    """The samples of a token file with their bytes; what cannot be read stays unknown."""
    if not is_good(path):
        return
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(COLUMNS)):
                yield _bytes_of(batch)
    except (OSError, pa.ArrowException, KeyError, ValueError, IndexError):
        return


def _bytes_of(batch: pa.RecordBatch) -> pa.Table:
    lists = [_slices(batch[name]) for name in ("token_starts", "token_ends", "response_mask")]
    n_bytes = [n_response_bytes(text, *parts) for text, *parts in zip(batch["text"].to_pylist(), *lists, strict=True)]
    columns = {
        "sample_id": batch["sample_id"],
        "render_fp": batch["render_fp"],
        "n_bytes": pa.array(n_bytes, pa.int32()),
    }
    return pa.table(columns)


def _slices(column: pa.ListArray) -> Iterator[np.ndarray]:
    values = column.flatten().to_numpy(zero_copy_only=False)
    ends = np.cumsum(np.diff(column.offsets.to_numpy()))
    start = 0
    for end in ends.tolist():
        yield values[start:end]
        start = end
