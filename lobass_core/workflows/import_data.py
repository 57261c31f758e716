"""Import one or more files as a dataset: rows stream into the store in one transaction and are counted."""

import json
import time

from lobass_core.errors import InputFileError
from lobass_core.formats.media import counted
from lobass_core.formats.turns import MAX_SHOWN_ROLE
from lobass_core.project import Project
from lobass_core.records import Sample
from lobass_core.specs import ImportSpec
from lobass_core.store.dataset_writer import DatasetInfo, DatasetWriter
from lobass_core.store.datasets import find_same_file
from lobass_core.store.removals import remove_dataset
from lobass_core.workflows.file_scan import FileScan, scan
from lobass_core.workflows.import_result import FileCount, ImportResult, already_imported, counts_of
from lobass_core.workflows.import_rows import OnProgress, files_with_rows, nothing_fits, write_rows
from lobass_core.workflows.import_settings import dataset_name, name_for, settings_as_json, settings_of
from lobass_core.workflows.preview_import import (
    Preview,
    PreviewRow,
    columns_of,
    format_fields,
    format_labels,
    preview,
)
from lobass_core.workflows.rejects import list_rejects, rejects_csv, rejects_of, write_rejects
from lobass_core.workflows.source_file import SourceFile, files_of

__all__ = [
    "MAX_SHOWN_ROLE",
    "FileCount",
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
    settings = settings_of(spec, source)
    with project.store() as store:
        same = find_same_file(store.cursor(), sha256, settings)
        if same is not None:
            return already_imported(store.cursor(), same, source, time.monotonic() - started)
        with store.transaction() as cursor:
            name = name_for(cursor, spec, source)
            info = DatasetInfo(
                name=name,
                path=str(source.path),
                file_sha256=sha256,
                format=source.detection.format,
                container=source.stream.container,
                encoding=source.stream.encoding.name,
                mapping=json.dumps(source.detection.mapping, ensure_ascii=False),
                spec=settings,
                import_spec=settings_as_json(spec),
                format_asked=source.detection.asked,
            )
            writer = DatasetWriter(cursor, info)
            tally = write_rows(writer, source, on_progress)
            files = files_with_rows(source, of_files, tally)
            counts = writer.finish(files)
            if not counts.n_imported:
                raise nothing_fits(source, tally.reasons)
    return ImportResult(
        dataset=name,
        n_rows=counts.n_imported + counts.n_rejected,
        n_imported=counts.n_imported,
        n_rejected=counts.n_rejected,
        n_seen_before=counts.n_seen_before,
        n_duplicates=counts.n_duplicates,
        detection=source.detection,
        seconds=time.monotonic() - started,
        reasons=dict(tally.reasons.most_common()),
        domains=dict(sorted(tally.domains.items())),
        n_mended=tally.n_mended,
        n_empty_response=tally.n_empty_response,
        dropped_media=dict(tally.media),
        shape=source.stream.shape,
        files=counts_of(files),
    )


def read_sample(spec: ImportSpec, row: int) -> Sample:
    """The sample that row `row` (counted from 0) of the file would become.

    Raises:
        InputFileError: the file has no such row, or the row is a reject.
    """
    source = SourceFile.open(spec, looks=True)
    read = next(source.rows(row, row + 1), None) if row >= 0 else None
    if read is None:
        raise InputFileError(
            f"the file has no record number {row:,}", where=str(source.path), do="Records are counted from 0."
        )
    if read.sample is None:
        raise InputFileError(f"record {row:,} is rejected: {read.reason}", where=f"{source.path}, line {read.line:,}")
    return read.sample


def undo_import(project: Project, dataset: str) -> int:
    """Take an imported dataset out again, with its rejects; returns the number of its rows.

    Raises:
        StoreError: there is no such dataset, or a selection holds rows of it.
    """
    with project.store() as store, store.transaction() as cursor:
        return remove_dataset(cursor, dataset)
