"""Parquet: a Hugging Face dataset folder with its scores apart, or one table with everything in it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lobass_core.exporting.arrow_rows import arrow_record, sample_schema
from lobass_core.exporting.data_file import DataFile
from lobass_core.exporting.layout import Job, KindFile, Written
from lobass_core.exporting.plan import ExportPlan
from lobass_core.exporting.survey import RESERVED, survey

# pyarrow's own row groups of a million rows would hold them all in memory.
ROW_GROUP_ROWS = 10_000
_PICK_COLUMNS = (
    "row_index",
    "sample_id",
    "domain",
    "rank",
    "reason",
    "score",
    "learnability",
    "base_loss",
    "reference_loss",
    "n_response_tokens",
    "flags",
)


def huggingface(job: Job) -> Written:
    """Parquet under data/, the scores in a configuration of their own, so that a trainer never sees them."""
    found = survey(job.rows())
    written = Written(notes=found.notes())
    writers = {
        kind: _ParquetRows(job.folder, f"data/{KindFile(kind, 'parquet').name}", "rows", sample_schema(found, kind))
        for kind in found.kinds
    }
    try:
        for row in job.rows():
            writers[row.sample.kind].add(arrow_record(row.sample, row.extra, found))
    finally:
        for writer in writers.values():
            writer.close()
    for number, (kind, writer) in enumerate(writers.items()):
        written.files.append(writer.file.receipt())
        written.splits.append((kind if number else "default", writer.file.name))
        written.n_rows += writer.file.rows
    with DataFile(job.folder, "scores/train.parquet", "scores of the rows") as file:
        pq.write_table(scores_table(job.plan), file, row_group_size=ROW_GROUP_ROWS)
        file.rows = job.plan.picks.num_rows
    written.files.append(file.receipt())
    written.splits.append(("scores", file.name))
    return written


def parquet(job: Job) -> Written:
    """One table a kind with everything in it: turns, unknown fields, where each row came from and its scores."""
    beside = scores_table(job.plan).schema
    found = survey(job.rows(), RESERVED | frozenset(beside.names))
    written = Written(notes=found.notes())
    writers = {}
    for kind in found.kinds:
        schema = pa.schema([*sample_schema(found, kind, with_input=True), *beside])
        writers[kind] = _ParquetRows(job.folder, KindFile(kind, "parquet").name, "rows with their scores", schema)
    try:
        scores = (record for batch in scores_table(job.plan).to_batches(ROW_GROUP_ROWS) for record in batch.to_pylist())
        for row, numbers in zip(job.rows(), scores, strict=True):
            writers[row.sample.kind].add(arrow_record(row.sample, row.extra, found, with_input=True) | numbers)
    finally:
        for writer in writers.values():
            writer.close()
    for number, (kind, writer) in enumerate(writers.items()):
        written.files.append(writer.file.receipt())
        written.splits.append((kind if number else "default", writer.file.name))
        written.n_rows += writer.file.rows
    return written


class _ParquetRows:
    """Rows gathered into row groups of one Parquet file."""

    def __init__(self, folder: Path, name: str, holds: str, schema: pa.Schema) -> None:
        self.file = DataFile(folder, name, holds)
        self._schema = schema
        self._writer = pq.ParquetWriter(self.file, schema)
        self._batch: list[dict] = []

    def add(self, record: dict) -> None:
        self._batch.append(record)
        self.file.rows += 1
        if len(self._batch) == ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._batch:
            self._writer.write_table(pa.Table.from_pylist(self._batch, schema=self._schema))
            self._batch = []

    def close(self) -> None:
        try:
            self._flush()
            self._writer.close()
        finally:
            self.file.close()


def scores_table(plan: ExportPlan) -> pa.Table:
    """One row a pick: where it came from and what decided on it."""
    names = pa.array([source.dataset for source in plan.sources])
    dataset = names.take(plan.picks["source"].combine_chunks())
    columns = {"dataset": dataset} | {name: plan.picks[name] for name in _PICK_COLUMNS}
    return pa.table(columns)
