"""A run's input.parquet as samples, a few thousand at a time."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from lobass_core.errors import RunError
from lobass_core.jobs.checksums import require_good
from lobass_core.jobs.run_files import read_parquet
from lobass_core.records import Sample, turns_from_json

ROWS_AT_ONCE = 2048


def read_sample_ids(path: Path) -> list[str]:
    """Ids of all samples, in the file's order.

    Raises:
        RunError: the run has no readable input.
    """
    try:
        return read_parquet(path, ["sample_id"])["sample_id"].to_pylist()
    except RunError as error:
        raise RunError(error.what, where=error.where, do="Start a new run.") from error


def read_samples(
    path: Path, columns: Sequence[str] = (), rows: int = ROWS_AT_ONCE
) -> Iterator[list[tuple[Sample, dict]]]:
    """Samples in the file's order, in lists of at most `rows`, each with the further `columns` asked for.

    Raises:
        RunError: the run's input is damaged.
    """
    require_good(path)
    file = pq.ParquetFile(path)
    wanted = [name for name in ("sample_id", "kind", "turns", "tools", *columns) if name in file.schema_arrow.names]
    for batch in file.iter_batches(batch_size=rows, columns=wanted):
        yield [(_sample(row), {name: row.get(name) for name in columns}) for row in batch.to_pylist()]


def _sample(row: dict) -> Sample:
    return Sample(row["sample_id"], turns_from_json(row["turns"]), row.get("kind") or "chat", row.get("tools") or None)
