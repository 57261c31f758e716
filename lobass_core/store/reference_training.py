"""Which samples a reference was trained on, by the first 8 bytes of their ids."""

from pathlib import Path

import duckdb
import pyarrow as pa

from lobass_core.jobs.run_files import read_parquet
from lobass_core.store.connection import read_table


def register_training(cursor: duckdb.DuckDBPyConnection, reference_fp: str, trained_on: Path) -> None:
    """Keep what a run knew of its reference's training; a run that knew nothing takes nothing away.

    A sample need not be in the project: it may be imported later.
    """
    if not trained_on.is_file():
        return
    cursor.execute("DELETE FROM reference_training WHERE reference_fp = ?", [reference_fp])
    cursor.register("trained_on", read_parquet(trained_on, ["sample_id"]))
    cursor.execute(
        "INSERT INTO reference_training SELECT DISTINCT ?, ('0x' || sample_id[1:16])::UBIGINT FROM trained_on",
        [reference_fp],
    )
    cursor.unregister("trained_on")


def with_present_ids(cursor: duckdb.DuckDBPyConnection, sample_ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """The ids, and those that their samples have now where the record reads otherwise since an update."""
    cursor.register("trained_on", pa.table({"sample_id": sample_ids.cast(pa.string())}))
    table = read_table(
        cursor,
        """
        SELECT sample_id FROM trained_on
        UNION SELECT n.sample_id FROM trained_on t JOIN samples o USING (sample_id)
              JOIN earlier_samples e ON e.earlier_key = o.sample_key JOIN samples n ON n.sample_key = e.sample_key
        """,
    )
    cursor.unregister("trained_on")
    return table["sample_id"]


def is_training_known(cursor: duckdb.DuckDBPyConnection, reference_fp: str) -> bool:
    """Whether the store knows what the reference was trained on."""
    table = read_table(
        cursor,
        "SELECT 1 FROM reference_training WHERE reference_fp = $reference_fp LIMIT 1",
        {"reference_fp": reference_fp},
    )
    return table.num_rows > 0
