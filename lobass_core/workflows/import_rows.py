"""Write the rows of a data file to the store, and count them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lobass_core.errors import InputFileError
from lobass_core.store.dataset_files import DatasetFile
from lobass_core.store.dataset_writer import ImportedRow, RejectedRow
from lobass_core.store.datasets import BATCH_ROWS
from lobass_core.words.plural import plural
from lobass_core.workflows.source_file import SourceFile, has_empty_response, kind_of

# Long rows (2 MB each are known) must not add up to a batch of gigabytes.
MAX_BATCH_CHARS = 64 << 20

OnProgress = Callable[[int, int], None]


class RowSink(Protocol):
    """Takes the rows of a file in batches."""

    def add(self, rows: Sequence[ImportedRow]) -> None: ...

    def add_rejects(self, rejects: Sequence[RejectedRow]) -> None: ...


@dataclass(slots=True)
class RowTally:
    """What the rows of a file turned out to be, counted while they stream by."""

    reasons: Counter[str] = field(default_factory=Counter)
    domains: Counter[str] = field(default_factory=Counter)
    media: Counter[str] = field(default_factory=Counter)
    n_good: Counter[int] = field(default_factory=Counter)  # by number of the file
    n_bad: Counter[int] = field(default_factory=Counter)
    n_mended: int = 0
    n_empty_response: int = 0


def write_rows(sink: RowSink, source: SourceFile, on_progress: OnProgress | None) -> RowTally:
    """Stream the file's rows and rejects to the sink in batches.

    `on_progress` gets rows read and the estimated number of rows.
    """
    tally = RowTally()
    good: list[ImportedRow] = []
    bad: list[RejectedRow] = []
    n_done = n_chars = 0

    def flush() -> None:
        sink.add(good)
        sink.add_rejects(bad)
        good.clear()
        bad.clear()
        if on_progress:
            on_progress(n_done, max(n_done, round(n_done / max(source.read_share(), 1e-9))))

    for row in source.rows():
        n_done += 1
        n_chars += len(row.source)
        if row.sample is None:
            tally.reasons[kind_of(row.reason)] += 1
            tally.n_bad[row.file_number] += 1
            bad.append(RejectedRow(row.row_index, row.line, row.reason, row.source))
        else:
            tally.n_good[row.file_number] += 1
            tally.domains[row.domain] += 1
            tally.n_mended += row.mended
            tally.n_empty_response += has_empty_response(row.sample)
            if row.media:
                tally.media.update(row.media)
            good.append(ImportedRow(row.row_index, row.line, row.sample, row.domain, row.source))
        if len(good) + len(bad) >= BATCH_ROWS or n_chars >= MAX_BATCH_CHARS:
            flush()
            n_chars = 0
    flush()
    return tally


def files_with_rows(source: SourceFile, of_files: list[str], tally: RowTally) -> list[DatasetFile]:
    """The files with their rows, which are numbered through them."""
    files, first_row = [], 0
    for number, (one, digest) in enumerate(zip(source.stream.opened, of_files, strict=True)):
        n_good, n_bad = tally.n_good[number], tally.n_bad[number]
        place = (number, one.file.name, str(one.file.path), digest, one.container, one.encoding.name)
        files.append(DatasetFile(*place, first_row, n_good, n_bad))
        first_row += n_good + n_bad
    return files


def nothing_fits(source: SourceFile, reasons: Mapping[str, int]) -> InputFileError:
    """The error for a file of which no row can be imported."""
    reason, n_rows = max(reasons.items(), key=lambda item: item[1])
    return InputFileError(
        f"none of its {sum(reasons.values()):,} rows can be imported; {plural(n_rows, 'time')}: {reason}",
        where=f"{source.path}, read as {source.detection.format}",
        do="Nothing was imported. Use another format or mapping.",
    )
