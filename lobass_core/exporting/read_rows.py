"""The picked records as samples again, read from their untouched text in the way they were imported."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from lobass_core.errors import ExportError
from lobass_core.exporting.plan import ExportPlan, ExportRow, ReadTexts, SourceFile
from lobass_core.formats import ParsedSample
from lobass_core.formats.detect import Detection, parse_row
from lobass_core.formats.raw_records import decode_line
from lobass_core.formats.row_errors import RowError

BATCH_ROWS = 10_000


def read_rows(plan: ExportPlan, read_texts: ReadTexts) -> Iterator[ExportRow]:
    """The rows of the picks in their order; each is checked to be the very sample that was picked.

    Raises:
        ExportError: a record is missing, or reads as another sample than the one that was scored.
    """
    readers = [_readers(source) for source in plan.sources]
    texts, splits = read_texts(plan.picks), iter(plan.splits)
    for batch in plan.picks.to_batches(max_chunksize=BATCH_ROWS):
        columns = (batch.column(name).to_pylist() for name in ("source", "row_index", "sample_id", "domain"))
        for number, row_index, sample_id, domain in zip(*columns, strict=True):
            text = next(texts)
            parsed = _read(text, sample_id, readers[number])
            if parsed is None:
                raise ExportError(
                    "a record no longer reads as the sample that was scored",
                    where=f"{plan.sources[number].dataset}, row {row_index:,}",
                    do="It was imported by another version of LoBaSS. Import the file again, score and select.",
                )
            dataset, split = plan.sources[number].dataset, next(splits)
            yield ExportRow(dataset, row_index, domain, parsed.sample, parsed.extra, text, split)


def _readers(source: SourceFile) -> tuple[Detection, Detection]:
    """The source's format as it was detected and, the store does not say which, as a person asked for it."""
    detected = Detection(source.format, source.mapping, reason="", confidence=1.0)
    return detected, replace(detected, asked=True)


def _read(text: str, sample_id: str, readers: tuple[Detection, Detection]) -> ParsedSample | None:
    """The record read in the way that gives the wanted sample; None if neither does."""
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
