"""Look at a file before it is imported: its rows, and what they would become."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lobass_core.formats import FORMATS
from lobass_core.formats.detect import Detection
from lobass_core.formats.raw_records import RawRecord
from lobass_core.formats.wrapped_rows import rows_of
from lobass_core.project import Project
from lobass_core.records import Sample, turns_to_json
from lobass_core.specs import ImportSpec
from lobass_core.workflows.file_scan import SCAN_SECONDS, has_input, n_response_words
from lobass_core.workflows.source_file import (
    ReadRow,
    SourceFile,
    first_records,
    open_stream,
)

Pick = Literal["any", "longest", "input", "rejected"]


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One row: what stands in the file of that name, and the sample or the reason it gives."""

    row_index: int
    line: int
    source: str
    value: Any
    sample: Sample | None
    domain: str
    reason: str
    file: str = ""

    def to_dict(self) -> dict:
        """For the command line: the turns as data."""
        turns = json.loads(turns_to_json(self.sample.turns)) if self.sample else None
        return {
            "row_index": self.row_index,
            "file": self.file,
            "line": self.line,
            "domain": self.domain,
            "reason": self.reason,
            "turns": turns,
        }


@dataclass(frozen=True, slots=True)
class Preview:
    """How a file would be read, with some of its rows."""

    path: Path
    container: str
    compression: str
    encoding: str
    encoding_reason: str
    shape: str
    n_bytes: int
    detection: Detection
    columns: tuple[str, ...]
    rows: tuple[PreviewRow, ...]
    n_files: int = 1

    def to_dict(self) -> dict:
        return {
            "path": str(self.path),
            "container": self.container,
            "compression": self.compression,
            "encoding": self.encoding,
            "shape": self.shape,
            "n_bytes": self.n_bytes,
            "n_files": self.n_files,
            "format": self.detection.format,
            "reason": self.detection.reason,
            "mapping": self.detection.mapping,
            "rows": [row.to_dict() for row in self.rows],
        }


def format_labels() -> dict[str, str]:
    """The formats that an import can be asked for, by name, with the name that people write."""
    return {name: form.label for name, form in FORMATS.items()}


def format_fields(name: str) -> tuple[str, ...]:
    """The fields that a mapping of this format may name."""
    return FORMATS[name].fields


def preview(project: Project | None, spec: ImportSpec, limit: int = 7, pick: Pick = "any", at: int = 0) -> Preview:
    """Rows of the file as they would be imported: `limit` of them from row `at`, or the longest, those with input,
    or the rejected ones; `project` is not needed and nothing is written.

    Raises:
        InputFileError: the file cannot be read.
        RequestError: settings that this file cannot have.
    """
    source = SourceFile.open(spec, looks=True)
    rows = _picked(source, limit, pick, max(at, 0))
    names = [one.file.name for one in source.stream.opened]
    return Preview(
        path=source.path,
        container=source.stream.container,
        compression=source.stream.compression,
        encoding=source.stream.encoding.name,
        encoding_reason=source.stream.encoding.reason,
        shape=source.stream.shape,
        n_bytes=source.stream.n_bytes,
        detection=source.detection,
        columns=source.columns,
        rows=tuple(
            PreviewRow(
                row.row_index,
                row.line,
                row.source,
                row.value,
                row.sample,
                row.domain,
                row.reason,
                names[row.file_number],
            )
            for row in rows
        ),
        n_files=len(names),
    )


def columns_of(spec: ImportSpec) -> tuple[str, ...]:
    """The keys of the file's first records, whether or not a format fits them.

    Raises:
        InputFileError: the file cannot be read at all.
        RequestError: settings that this file cannot have.
    """
    heads = first_records(open_stream(spec, looks=True))
    rows = rows_of([record.value for head in heads for record in head if isinstance(record, RawRecord)])
    return tuple(dict.fromkeys(key for row in rows for key in row))


def _picked(source: SourceFile, limit: int, pick: Pick, at: int) -> list[ReadRow]:
    if pick == "any":
        return list(source.rows(at, at + limit))
    deadline = time.monotonic() + SCAN_SECONDS
    kept: list[ReadRow] = []
    n_before = 0
    for row in source.rows():
        if pick == "longest":
            kept = sorted([*kept, row], key=_n_words, reverse=True)[:limit] if row.sample else kept
        elif (row.sample is None) if pick == "rejected" else has_input(row.sample):
            if n_before >= at:
                kept.append(row)
            n_before += 1
        if (pick != "longest" and len(kept) >= limit) or time.monotonic() > deadline:
            break
    return kept


def _n_words(row: ReadRow) -> int:
    return n_response_words(row.sample) if row.sample else 0
