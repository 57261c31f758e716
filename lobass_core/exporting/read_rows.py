"""The picked records as samples again, read from their untouched text in the way they were imported.

A layout that looks at all rows before it writes them reads them twice. Parsing a record is what costs: it is done once,
and what came of it is kept for the later readings.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from lobass_core.errors import ExportError
from lobass_core.exporting.plan import ExportPlan, ExportRow, ReadTexts, SourceFile, Split
from lobass_core.formats import ParsedSample
from lobass_core.formats.detect import Detection, parse_row
from lobass_core.formats.raw_records import decode_line, json_text
from lobass_core.formats.row_errors import RowError
from lobass_core.records import Sample, Turn, turn_to_dict

BATCH_ROWS = 10_000
_READ_BYTES = 1 << 20


class PickedRows:
    """The rows of the picks, from the first one on at every call; what was parsed is kept once all of it was.

    It is kept in a file without a name in `folder`, which goes when this is closed: of a million rows it is gigabytes.
    `on_kept` is called for each row that is read from there.
    """

    def __init__(
        self, plan: ExportPlan, read_texts: ReadTexts, folder: Path, on_kept: Callable[[], None] = lambda: None
    ) -> None:
        self._plan, self._read_texts, self._folder, self._on_kept = plan, read_texts, folder, on_kept
        self._kept: IO[bytes] | None = None

    def close(self) -> None:
        """Let go of what was kept."""
        if self._kept:
            self._kept.close()

    def __call__(self) -> Iterator[ExportRow]:
        """Raises ExportError as `read_rows`."""
        return self._read_again(self._kept) if self._kept else self._read_first()

    def _read_first(self) -> Iterator[ExportRow]:
        kept = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 (it stays open for the later readings)
        try:
            for row in read_rows(self._plan, self._read_texts):
                kept.write(_written(row))
                yield row
            kept.flush()
        except BaseException:
            kept.close()
            raise
        self._kept = kept

    def _read_again(self, kept: IO[bytes]) -> Iterator[ExportRow]:
        for (number, row_index, _, domain, split), line in zip(_picks(self._plan), _lines(kept), strict=True):
            sample, extra = _read_back(line)
            self._on_kept()
            yield ExportRow(self._plan.sources[number].dataset, row_index, domain, sample, extra, split)


def read_rows(plan: ExportPlan, read_texts: ReadTexts) -> Iterator[ExportRow]:
    """The rows of the picks in their order; each is checked to be the very sample that was picked.

    Raises:
        ExportError: a record is missing, or reads as another sample than the one that was scored.
    """
    readers = [_readers(source) for source in plan.sources]
    texts = read_texts(plan.picks)
    for number, row_index, sample_id, domain, split in _picks(plan):
        parsed, dataset = _read(next(texts), sample_id, readers[number]), plan.sources[number].dataset
        if parsed is None:
            raise ExportError(
                "a record no longer gives the sample that was scored",
                where=f"{dataset}, row {row_index:,}",
                do="It was imported by another version of LoBaSS. Import the file again, then score and select.",
            )
        yield ExportRow(dataset, row_index, domain, parsed.sample, parsed.extra, split)


def _picks(plan: ExportPlan) -> Iterator[tuple[int, int, str, str, Split]]:
    """Number of the source, row index, sample id, domain and split of each pick."""
    splits = iter(plan.splits)
    for batch in plan.picks.to_batches(max_chunksize=BATCH_ROWS):
        columns = (batch.column(name).to_pylist() for name in ("source", "row_index", "sample_id", "domain"))
        for number, row_index, sample_id, domain in zip(*columns, strict=True):
            yield number, row_index, sample_id, domain, next(splits)


def _readers(source: SourceFile) -> tuple[Detection, ...]:
    """How the source was read: one way, or two where an older manifest does not say if its format was asked for."""
    detected = Detection(source.format, source.mapping, reason="", confidence=1.0)
    asked = (False, True) if source.format_asked is None else (source.format_asked,)
    return tuple(replace(detected, asked=one) for one in asked)


def _read(text: str, sample_id: str, readers: tuple[Detection, ...]) -> ParsedSample | None:
    """The record read in the way that gives the wanted sample; None if none does."""
    try:
        value = decode_line(text)
    except (ValueError, RecursionError):
        return None
    for detection in readers:
        with contextlib.suppress(RowError):
            parsed = parse_row(value, detection)
            if parsed.sample.sample_id == sample_id:
                return parsed
    return None


def _written(row: ExportRow) -> bytes:
    """The row as one line, in ASCII: turns may hold unpaired surrogates, and numbers keep their spelling."""
    sample = row.sample
    turns, rejected = ([turn_to_dict(turn) for turn in side] for side in (sample.turns, sample.rejected))
    extra = json_text(row.extra) if row.extra else ""
    return json.dumps([sample.sample_id, turns, sample.kind, sample.tools, rejected, extra]).encode("ascii") + b"\n"


def _read_back(line: bytes) -> tuple[Sample, dict]:
    sample_id, turns, kind, tools, rejected, extra = json.loads(line)
    turns, rejected = (tuple(Turn(**turn) for turn in side) for side in (turns, rejected))
    return Sample(sample_id, turns, kind, tools, rejected), decode_line(extra) if extra else {}


def _lines(kept: IO[bytes]) -> Iterator[bytes]:
    """The lines of the file; every reading has a place of its own in it."""
    place, rest = 0, b""
    while data := os.pread(kept.fileno(), _READ_BYTES, place):
        place += len(data)
        *lines, rest = (rest + data).split(b"\n")
        yield from lines
