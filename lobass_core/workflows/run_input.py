"""The samples of a run as its worker reads them: input.parquet."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from lobass_core.jobs.run_files import RunFiles, write_batches, write_parquet
from lobass_core.records import Sample, turns_to_json

INPUT_SCHEMA = pa.schema(
    [
        ("sample_id", pa.string()),
        ("kind", pa.string()),
        ("turns", pa.string()),
        ("tools", pa.string()),
        ("domain", pa.string()),
        ("dataset", pa.string()),
    ]
)


def input_batch(samples: Iterable[tuple[Sample, str]]) -> pa.RecordBatch:
    """Samples with their domains that are in no dataset of the project."""
    records = [
        {
            "sample_id": sample.sample_id,
            "kind": sample.kind,
            "turns": turns_to_json(sample.turns),
            "tools": sample.tools,
            "domain": domain,
            "dataset": "",
        }
        for sample, domain in samples
    ]
    return pa.RecordBatch.from_pylist(records, schema=INPUT_SCHEMA)


def write_samples(path: Path, samples: Iterable[tuple[Sample, str]]) -> int:
    """Write such samples as a worker's input.parquet, and return their number."""
    batch = input_batch(samples)
    write_parquet(path, pa.Table.from_batches([batch]))
    return batch.num_rows


def write_input(run: RunFiles, batches: Iterable[pa.RecordBatch]) -> int:
    """Write samples as the run's input.parquet, a batch at a time; returns their number."""
    return write_batches(run.input_path, batches, INPUT_SCHEMA)
