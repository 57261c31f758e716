"""Look at a file before it is imported: what it would become, row by row and in numbers."""

import itertools
import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lobass_core.formats import FORMATS
from lobass_core.formats.detect import Detection
from lobass_core.formats.raw_records import RawRecord
from lobass_core.formats.wrapped_rows import rows_of
from lobass_core.project import Project
from lobass_core.records import Sample, response_turns, turns_to_json
from lobass_core.specs import ImportSpec
from lobass_core.store.counts import count_known
from lobass_core.workflows.source_file import (
    ReadRow,
    SourceFile,
    first_records,
    has_empty_response,
    kind_of,
    open_stream,
)

Pick = Literal["any", "longest", "input", "rejected"]

# A preview answers while a person waits; the import itself reads every row.
SCAN_SECONDS = 8.0
MAX_REJECTS_SHOWN = 1000

# Kana and Han characters, which are written without spaces between words.
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")


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


@dataclass(frozen=True, slots=True)
class FileScan:
    """A file in numbers. `complete` is False where it was too long to read through; the counts are then of its start.

    `n_words` and `n_filled` concern rows that import: words of the response by row, rows in which a column holds
    something. Row lists are row indices in ascending order.
    """

    n_rows: int
    n_importable: int
    n_rejected: int
    n_seen_before: int
    n_duplicates: int
    n_empty_response: int
    n_one_word: int
    median_words: int
    longest_words: int
    longest_row: int
    complete: bool
    read_share: float
    reasons: dict[str, int] = field(default_factory=dict)
    domains: dict[str, int] = field(default_factory=dict)
    n_filled: dict[str, int] = field(default_factory=dict)
    rejected_rows: tuple[int, ...] = ()
    input_rows: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    n_mended: int = 0
    dropped_media: dict[str, int] = field(default_factory=dict)


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


def n_response_words(sample: Sample) -> int:
    """Words of the response. Text without spaces between words (Chinese) counts its characters."""
    response = response_turns(sample.turns, sample.kind)
    return sum(count_words(turn.content) for turn in itertools.compress(sample.turns, response))


def _n_words(row: ReadRow) -> int:
    return n_response_words(row.sample) if row.sample else 0


def count_words(text: str) -> int:
    """Runs of text between spaces, except that each Chinese or Japanese character is one."""
    if text.isascii():
        return len(text.split())
    spaced, n_characters = _UNSPACED.subn(" ", text)
    return n_characters + len(spaced.split())


def has_input(sample: Sample | None) -> bool:
    """Whether a turn carries Alpaca's second field."""
    return sample is not None and any(turn.input is not None for turn in sample.turns)


def scan(project: Project | None, spec: ImportSpec, max_seconds: float = SCAN_SECONDS) -> FileScan:
    """Read the file through, as far as the time goes, and count what an import would do.

    Raises: as `preview`.
    """
    source = SourceFile.open(spec, looks=True)
    deadline = time.monotonic() + max_seconds
    reasons: Counter[str] = Counter()
    domains: Counter[str] = Counter()
    filled: Counter[str] = Counter()
    media: Counter[str] = Counter()
    rejected: list[int] = []
    with_input: list[int] = []
    words: list[int] = []
    word_rows: list[int] = []
    sample_ids: list[str] = []
    n_rows, n_mended, n_empty, complete = 0, 0, 0, True
    for row in source.rows():
        n_rows += 1
        if isinstance(row.value, dict):
            filled.update(key for key, value in row.value.items() if value not in (None, "", []))
        if row.sample is None:
            reasons[kind_of(row.reason)] += 1
            if len(rejected) < MAX_REJECTS_SHOWN:
                rejected.append(row.row_index)
        else:
            domains[row.domain] += 1
            n_mended += row.mended
            n_empty += has_empty_response(row.sample)
            media.update(row.media or {})
            words.append(n_response_words(row.sample))
            word_rows.append(row.row_index)
            sample_ids.append(row.sample.sample_id)
            if has_input(row.sample):
                with_input.append(row.row_index)
        if n_rows % 1000 == 0 and time.monotonic() > deadline:
            complete = False
            break
    lengths = np.array(words or [0])
    n_distinct = len(set(sample_ids))
    return FileScan(
        n_rows=n_rows,
        n_importable=len(words),
        n_rejected=n_rows - len(words),
        n_seen_before=_count_known(project, sample_ids),
        n_duplicates=len(sample_ids) - n_distinct,
        n_empty_response=n_empty,
        n_one_word=words.count(1),
        median_words=round(float(np.median(lengths))),
        longest_words=int(lengths.max()),
        longest_row=word_rows[int(lengths.argmax())] if word_rows else 0,
        complete=complete,
        read_share=1.0 if complete else source.read_share(),
        reasons=dict(reasons.most_common()),
        domains=dict(sorted(domains.items())),
        n_filled=dict(filled),
        rejected_rows=tuple(rejected),
        input_rows=np.array(with_input, dtype=np.int64),
        n_mended=n_mended,
        dropped_media=dict(media),
    )


def _count_known(project: Project | None, sample_ids: list[str]) -> int:
    """How many of the rows hold a sample that a row of the project has already."""
    if project is None or not sample_ids:
        return 0
    with project.store() as store:
        return count_known(store.cursor(), sample_ids)
