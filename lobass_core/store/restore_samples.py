"""Samples that the store has lost, read again from the untouched records of their rows, under their old keys."""

import json
from collections.abc import Iterator

import duckdb

from lobass_core.formats.detect import Detection
from lobass_core.records import Sample
from lobass_core.store.datasets import list_datasets
from lobass_core.store.reread import PAGE_ROWS, RecordReader, StoredRecord
from lobass_core.store.samples import sample_table
from lobass_core.store.versions import raise_content

_WITHOUT = "FROM rows r ANTI JOIN samples s USING (sample_key)"


def n_without_sample(cursor: duckdb.DuckDBPyConnection) -> int:
    """Rows whose sample is not in the store."""
    ((n_rows,),) = cursor.execute(f"SELECT count(*) {_WITHOUT}").fetchall()
    return int(n_rows)


def restore_samples(cursor: duckdb.DuckDBPyConnection) -> int:
    """Read the records of rows that have lost their sample, as an import would; returns the rows that still lack one.

    What hangs on a sample (losses, decisions, tags, notes, picks) finds it again, for its key is the same.
    """
    for dataset in list_datasets(cursor):
        mapping = json.loads(dataset.mapping)
        reader = RecordReader(Detection(dataset.format, mapping, "", 1.0, asked=dataset.format_asked))
        for page in _lost(cursor, dataset.dataset_id):
            read = {record.sample_key: reader.read(record) for record in page}
            samples = {key: sample for key, sample in read.items() if isinstance(sample, Sample)}
            if samples:
                table = sample_table(list(samples.values()), 0)
                table = table.set_column(0, "sample_key", [list(samples)])
                cursor.from_arrow(table).insert_into("samples")
    raise_content(cursor)
    return n_without_sample(cursor)


def _lost(cursor: duckdb.DuckDBPyConnection, dataset_id: int) -> Iterator[list[StoredRecord]]:
    """The rows that lack their sample, one a sample; a page after the other, whatever was restored meanwhile."""
    last = -1
    while True:
        rows = cursor.execute(
            f"SELECT min(r.row_key), r.sample_key, arg_min(r.source, r.row_key) {_WITHOUT}"
            " WHERE r.dataset_id = ? AND r.sample_key > ? GROUP BY r.sample_key ORDER BY r.sample_key LIMIT ?",
            [dataset_id, last, PAGE_ROWS],
        ).fetchall()
        if not rows:
            return
        last = rows[-1][1]
        yield [StoredRecord(row_key, sample_key, "", source) for row_key, sample_key, source in rows]
