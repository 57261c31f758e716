"""Read back what was just written: same bytes, and as many records as it should hold, every one of them readable."""

import json
from collections.abc import Sequence
from pathlib import Path

from lobass_core.errors import ExportError, LobassError
from lobass_core.exporting.data_file import file_sha256
from lobass_core.exporting.plan import FileReceipt
from lobass_core.formats.raw_records import BadRecord
from lobass_core.formats.read_files import open_records
from lobass_core.formats.record_limits import UNLIMITED

_DATA_SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".tab", ".parquet", ".pq")


def verify(folder: Path, files: Sequence[FileReceipt]) -> None:
    """Check each file against its receipt.

    Raises:
        ExportError: the disk gave back something else than was written, or a record does not parse.
    """
    for file in files:
        path = folder / file.name
        if file_sha256(path) != (file.n_bytes, file.sha256):
            raise _failed(file, "the disk returns other bytes than were written")
        if file.rows and path.suffix.lower() in _DATA_SUFFIXES:
            _count_records(path, file)
        elif path.suffix == ".json":
            json.loads(path.read_bytes())


def _count_records(path: Path, file: FileReceipt) -> None:
    n_rows = 0
    try:
        for record in open_records(path, encoding="utf-8", limits=UNLIMITED):
            if isinstance(record, BadRecord):
                raise _failed(file, f"record {record.row_index:,} {record.reason}")
            n_rows += 1
    except LobassError as error:
        raise _failed(file, error.what) from error
    if n_rows != file.rows:
        raise _failed(file, f"{n_rows:,} records were found, but {file.rows:,} were written")


def _failed(file: FileReceipt, why: str) -> ExportError:
    return ExportError(
        f"the export failed verification: {why}",
        where=file.name,
        do="Nothing was kept. Check the disk and export again.",
    )
