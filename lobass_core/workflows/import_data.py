"""Import a file, or several as one dataset: rows stream into the store in one transaction, each is counted."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import duckdb

from lobass_core.errors import InputFileError, RequestError
from lobass_core.formats.detect import Detection
from lobass_core.formats.media import counted
from lobass_core.formats.turns import MAX_SHOWN_ROLE
from lobass_core.project import Project
from lobass_core.records import Sample
from lobass_core.specs import ImportSpec
from lobass_core.store.dataset_files import DatasetFile, list_files
from lobass_core.store.dataset_writer import (
    DatasetInfo,
    DatasetWriter,
    ImportedRow,
    RejectedRow,
)
from lobass_core.store.datasets import (
    BATCH_ROWS,
    Dataset,
    find_same_file,
    free_name,
    list_datasets,
)
from lobass_core.store.removals import remove_dataset
from lobass_core.workflows.preview_import import (
    FileScan,
    Preview,
    PreviewRow,
    columns_of,
    format_fields,
    format_labels,
    preview,
    scan,
)
from lobass_core.workflows.rejects import list_rejects, rejects_csv, rejects_of, write_rejects
from lobass_core.workflows.source_file import SourceFile, files_of, has_empty_response, kind_of

__all__ = [
    "MAX_SHOWN_ROLE",
    "FileScan",
    "ImportResult",
    "Preview",
    "PreviewRow",
    "columns_of",
    "counted",
    "dataset_name",
    "files_of",
    "format_fields",
    "format_labels",
    "import_file",
    "list_rejects",
    "preview",
    "read_sample",
    "rejects_csv",
    "rejects_of",
    "scan",
    "undo_import",
    "write_rejects",
]

# Long rows (2 MB each are known) must not add up to a batch of gigabytes.
MAX_BATCH_CHARS = 64 << 20

_ENDINGS = re.compile(r"(\.(jsonl|ndjson|json|csv|tsv|tab|parquet|arrow|feather|txt))?(\.(gz|zst))?$", re.IGNORECASE)

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class FileCount:
    """Rows of one of several files."""

    name: str
    n_imported: int
    n_rejected: int


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of the rows; `n_rows` = `n_imported` + `n_rejected` the first time.

    `n_seen_before`: imported rows whose sample an earlier file holds; `n_duplicates`: those that repeat one of this
    file. `already_imported`: the same bytes had been imported with the same settings, so nothing was done: every row
    that imports counts as seen before, none as imported.

    `n_mended`: imported rows in which unpaired surrogates became U+FFFD. `n_empty_response`: imported rows of which
    only the end of the turn can be learnt. `dropped_media`: pictures, videos and sounds left out of imported rows.
    `shape` says how the files hold their rows; `files` are there where there are several.
    """

    dataset: str
    n_rows: int
    n_imported: int
    n_rejected: int
    n_seen_before: int
    n_duplicates: int
    detection: Detection
    seconds: float
    reasons: dict[str, int] = field(default_factory=dict)
    domains: dict[str, int] = field(default_factory=dict)
    already_imported: bool = False
    n_mended: int = 0
    n_empty_response: int = 0
    dropped_media: dict[str, int] = field(default_factory=dict)
    shape: str = ""
    files: tuple[FileCount, ...] = ()

    def to_dict(self) -> dict:
        return asdict(self)


def import_file(project: Project, spec: ImportSpec, on_progress: OnProgress | None = None) -> ImportResult:
    """Import a file, or several as one dataset, whole or not at all.

    `on_progress` gets rows read and the estimated number of rows.

    Raises:
        InputFileError: a file cannot be read, or not one of the rows can; the files are of several formats.
        RequestError: settings that this file cannot have, or a name that is taken.
        StoreError: the store is in use or refused; nothing was kept.
    """
    started = time.monotonic()
    source = SourceFile.open(spec)
    of_files = source.stream.sha256s()
    sha256 = source.stream.sha256(of_files)
    settings = _settings(spec, source)
    with project.store() as store:
        same = find_same_file(store.cursor(), sha256, settings)
        if same is not None:
            return _already_imported(store.cursor(), same, source, time.monotonic() - started)
        with store.transaction() as cursor:
            name = _free_name(cursor, spec, source)
            info = DatasetInfo(
                name=name,
                path=str(source.path),
                file_sha256=sha256,
                format=source.detection.format,
                container=source.stream.container,
                encoding=source.stream.encoding.name,
                mapping=json.dumps(source.detection.mapping, ensure_ascii=False),
                spec=settings,
            )
            writer = DatasetWriter(cursor, info)
            found = _write_rows(writer, source, on_progress)
            files = _files(source, of_files, found)
            counts = writer.finish(files)
            if not counts.n_imported:
                raise _nothing_fits(source, found.reasons)
    return ImportResult(
        dataset=name,
        n_rows=counts.n_imported + counts.n_rejected,
        n_imported=counts.n_imported,
        n_rejected=counts.n_rejected,
        n_seen_before=counts.n_seen_before,
        n_duplicates=counts.n_duplicates,
        detection=source.detection,
        seconds=time.monotonic() - started,
        reasons=dict(found.reasons.most_common()),
        domains=dict(sorted(found.domains.items())),
        n_mended=found.n_mended,
        n_empty_response=found.n_empty_response,
        dropped_media=dict(found.media),
        shape=source.stream.shape,
        files=_counts_of(files),
    )


@dataclass(slots=True)
class _Found:
    """What the rows of a file turned out to be, counted while they stream by."""

    reasons: Counter[str] = field(default_factory=Counter)
    domains: Counter[str] = field(default_factory=Counter)
    media: Counter[str] = field(default_factory=Counter)
    n_good: Counter[int] = field(default_factory=Counter)  # by number of the file
    n_bad: Counter[int] = field(default_factory=Counter)
    n_mended: int = 0
    n_empty_response: int = 0


def _write_rows(writer: DatasetWriter, source: SourceFile, on_progress: OnProgress | None) -> _Found:
    """Stream the file through the writer in batches."""
    found = _Found()
    good: list[ImportedRow] = []
    bad: list[RejectedRow] = []
    n_done = n_chars = 0

    def flush() -> None:
        writer.add(good)
        writer.add_rejects(bad)
        good.clear()
        bad.clear()
        if on_progress:
            on_progress(n_done, max(n_done, round(n_done / max(source.read_share(), 1e-9))))

    for row in source.rows():
        n_done += 1
        n_chars += len(row.source)
        if row.sample is None:
            found.reasons[kind_of(row.reason)] += 1
            found.n_bad[row.file_number] += 1
            bad.append(RejectedRow(row.row_index, row.line, row.reason, row.source))
        else:
            found.n_good[row.file_number] += 1
            found.domains[row.domain] += 1
            found.n_mended += row.mended
            found.n_empty_response += has_empty_response(row.sample)
            if row.media:
                found.media.update(row.media)
            good.append(ImportedRow(row.row_index, row.line, row.sample, row.domain, row.source))
        if len(good) + len(bad) >= BATCH_ROWS or n_chars >= MAX_BATCH_CHARS:
            flush()
            n_chars = 0
    flush()
    return found


def _files(source: SourceFile, of_files: list[str], found: _Found) -> list[DatasetFile]:
    """The files with their rows, which are numbered through them."""
    files, first_row = [], 0
    for number, (one, digest) in enumerate(zip(source.stream.opened, of_files, strict=True)):
        n_good, n_bad = found.n_good[number], found.n_bad[number]
        place = (number, one.file.name, str(one.file.path), digest, one.container, one.encoding.name)
        files.append(DatasetFile(*place, first_row, n_good, n_bad))
        first_row += n_good + n_bad
    return files


def _counts_of(files: Sequence[DatasetFile]) -> tuple[FileCount, ...]:
    counts = tuple(FileCount(file.name, file.n_rows, file.n_rejected) for file in files)
    return counts if len(counts) > 1 else ()


def _settings(spec: ImportSpec, source: SourceFile) -> str:
    """The settings that decide what the file's rows become, as one JSON text: equal for equal imports."""
    # Left out where they are not set, as in the imports of the versions that did not know them.
    lines = {"skip_lines": spec.skip_lines} if spec.skip_lines else {}
    lists = {"row_list": spec.row_list} if spec.row_list else {}
    return json.dumps(
        {
            **lines,
            **lists,
            "format": source.detection.format,
            "mapping": source.detection.mapping,
            "domain": spec.domain,
            "domain_column": spec.domain_column,
            "domain_rules": spec.domain_rules,
            "encoding": source.stream.encoding.name,
        },
        ensure_ascii=False,
        sort_keys=True,
    )


def _free_name(cursor: duckdb.DuckDBPyConnection, spec: ImportSpec, source: SourceFile) -> str:
    if not spec.name:
        return free_name(cursor, dataset_name(Path(source.stream.files.name)))
    if spec.name != dataset_name(Path(spec.name), keep_suffix=True):
        raise RequestError(
            f"the name {spec.name!r} cannot be used",
            do="Letters, digits, spaces, points, hyphens and underscores may stand in a name.",
        )
    if any(dataset.name == spec.name for dataset in list_datasets(cursor)):
        raise RequestError(f"there is a dataset named {spec.name!r} already", do="Choose another --name.")
    return spec.name


def dataset_name(path: Path, *, keep_suffix: bool = False) -> str:
    """The file's name without its endings, fit to be typed in a comma-separated list."""
    name = path.name if keep_suffix else _ENDINGS.sub("", path.name)
    return re.sub(r"[^\w .\-]+", "_", name).strip() or "data"


def _already_imported(
    cursor: duckdb.DuckDBPyConnection, same: Dataset, source: SourceFile, seconds: float
) -> ImportResult:
    by_domain = cursor.execute(
        "SELECT domain, count(*) FROM rows WHERE dataset_id = ? GROUP BY domain ORDER BY domain", [same.dataset_id]
    ).fetchall()
    reasons = Counter(
        kind_of(reason)
        for (reason,) in cursor.execute("SELECT reason FROM rejects WHERE dataset_id = ?", [same.dataset_id]).fetchall()
    )
    return ImportResult(
        dataset=same.name,
        n_rows=same.n_rows + same.n_rejected,
        n_imported=0,
        n_rejected=same.n_rejected,
        n_seen_before=same.n_rows,
        n_duplicates=0,
        detection=source.detection,
        seconds=seconds,
        reasons=dict(reasons.most_common()),
        domains=dict(by_domain),
        already_imported=True,
        files=_counts_of(list_files(cursor)[same.dataset_id]),
    )


def _nothing_fits(source: SourceFile, reasons: Counter[str]) -> InputFileError:
    reason, n_rows = reasons.most_common(1)[0]
    return InputFileError(
        f"none of its {sum(reasons.values()):,} rows can be imported; {n_rows:,} times: {reason}",
        where=f"{source.path}, read as {source.detection.format}",
        do="Choose another format or mapping; nothing was kept.",
    )


def read_sample(spec: ImportSpec, row: int) -> Sample:
    """The sample that row `row` (counted from 0) of the file would become.

    Raises:
        InputFileError: the file has no such row, or the row is a reject.
    """
    source = SourceFile.open(spec)
    found = next(source.rows(row, row + 1), None) if row >= 0 else None
    if found is None:
        raise InputFileError(f"the file has no record {row:,}", where=str(source.path), do="Records count from 0.")
    if found.sample is None:
        raise InputFileError(f"record {row:,} is rejected: {found.reason}", where=f"{source.path}, line {found.line:,}")
    return found.sample


def undo_import(project: Project, dataset: str) -> int:
    """Take an imported dataset out again, with its rejects; returns the number of its rows.

    Raises:
        StoreError: there is no such dataset, or a selection holds rows of it.
    """
    with project.store() as store, store.transaction() as cursor:
        return remove_dataset(cursor, dataset)
