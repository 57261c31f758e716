"""Compare a dataset with newer files, update it to them, and undo the update."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import duckdb
import pyarrow as pa

from lobass_core.errors import RequestError
from lobass_core.formats.raw_records import decode_line
from lobass_core.formats.row_errors import RowError
from lobass_core.formats.wrapped_rows import row_of
from lobass_core.project import Project
from lobass_core.specs import ImportSpec
from lobass_core.store.counts import count_decided
from lobass_core.store.dataset_writer import DatasetInfo
from lobass_core.store.datasets import Dataset, find_dataset
from lobass_core.store.domain_changes import DomainChange, list_domain_changes
from lobass_core.store.follow import give_folds
from lobass_core.store.former_states import selections_that_lose
from lobass_core.store.row_matches import other_rows, records_of, row_places, unchanged_rows
from lobass_core.store.updates import LoggedUpdate, NewState, UpdateWriter, counts_in_words, undo_last_update
from lobass_core.workflows.author import author_name
from lobass_core.workflows.import_rows import OnProgress, files_with_rows, nothing_fits, write_rows
from lobass_core.workflows.import_settings import settings_as_json, settings_of
from lobass_core.workflows.row_listing import FileListing, RowIds, list_rows
from lobass_core.workflows.row_pairs import pair_by_id, pair_by_place
from lobass_core.workflows.source_file import SourceFile
from lobass_core.workflows.update_settings import update_settings

SHOWN_ROWS = 20


@dataclass(frozen=True, slots=True)
class UpdateCounts:
    """What an update does, in rows of the dataset.

    `n_unchanged` rows keep their text, wherever they stand; other fields of `n_other_fields` of them differ.
    `n_changed` rows are replaced by another text, `n_new` come and `n_gone` go. `matched_by` says what a changed row
    was found by: the name of an id column, or "place". `n_decided` of the changed and gone rows had been kept or
    dropped by a person. `selections` are the saved ones that lose rows, with how many.
    """

    n_unchanged: int
    n_other_fields: int
    n_changed: int
    n_new: int
    n_gone: int
    n_rejected: int
    n_rejected_before: int
    n_decided: int = 0
    matched_by: str = "place"
    selections: tuple[tuple[str, int], ...] = ()

    @property
    def words(self) -> str:
        """The counts in a few words."""
        return counts_in_words(self.to_dict())

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Update:
    """A dataset beside a newer state of its files; nothing is written yet.

    `is_same`: the dataset holds these very bytes under these settings, and has lost none of its rows. `notes` are
    sentences without their points: where format or columns are not those of before, or lack what a domain is told by.
    """

    dataset: str
    spec: ImportSpec
    counts: UpdateCounts
    file_sha256: str
    is_same: bool = False
    notes: tuple[str, ...] = ()
    reasons: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    listing: FileListing | None = field(default=None, repr=False)

    def to_dict(self) -> dict:
        return {
            "dataset": self.dataset,
            **self.counts.to_dict(),
            "is_same": self.is_same,
            "notes": self.notes,
            "reasons": self.reasons,
            "seconds": self.seconds,
        }


def compare_dataset(project: Project, name: str, asked: dict, on_progress: OnProgress | None = None) -> Update:
    """Read the newer files and count what an update would do; nothing is written.

    `asked` holds fields of `ImportSpec` that differ from the dataset's own (see `update_settings`).

    Raises:
        RequestError: no such dataset, or settings that the files cannot have.
        InputFileError: a file cannot be read, or not one of the rows can.
    """
    started = time.monotonic()
    with project.store() as store:
        dataset = find_dataset(store.cursor(), name)
    spec = update_settings(dataset, asked)
    source = SourceFile.open(spec)
    sha256 = source.stream.sha256(source.stream.sha256s())
    listing = list_rows(source, on_progress)
    if not listing.rows.num_rows:
        raise nothing_fits(source, listing.reasons)
    with project.store() as store:
        cursor = store.cursor()
        counts = _match(cursor, dataset, listing).counts
        changes = [one for one in list_domain_changes(cursor) if one.dataset_id == dataset.dataset_id]
    return Update(
        dataset=name,
        spec=spec,
        counts=counts,
        file_sha256=sha256,
        is_same=(sha256, settings_of(spec, source)) == (dataset.file_sha256, dataset.spec) and not counts.n_new,
        notes=(*_read_otherwise(dataset, source), *_lost_columns(changes, source)),
        reasons=listing.reasons,
        seconds=time.monotonic() - started,
        listing=listing,
    )


def update_dataset(project: Project, update: Update, on_progress: OnProgress | None = None) -> UpdateCounts:
    """Bring the dataset to the state that was compared, whole or not at all; returns what was done.

    Raises:
        RequestError: the files or the dataset have changed since they were compared.
        StoreError: the store is in use or refused; nothing was kept.
    """
    source = SourceFile.open(update.spec)
    of_files = source.stream.sha256s()
    if source.stream.sha256(of_files) != update.file_sha256 or update.listing is None:
        raise RequestError("the files have changed since they were compared", do="Compare them again.")
    with project.store() as store, store.transaction() as cursor:
        dataset = find_dataset(cursor, update.dataset)
        matched = _match(cursor, dataset, update.listing)
        if matched.counts != update.counts:
            raise RequestError(
                f"{dataset.name!r}, or a selection or decision on it, has changed since it was compared",
                do="Compare again.",
            )
        info = DatasetInfo(
            name=dataset.name,
            path=str(source.path),
            file_sha256=update.file_sha256,
            format=source.detection.format,
            container=source.stream.container,
            encoding=source.stream.encoding.name,
            mapping=json.dumps(source.detection.mapping, ensure_ascii=False),
            spec=settings_of(update.spec, source),
            import_spec=settings_as_json(update.spec),
            format_asked=source.detection.asked,
        )
        state = NewState(info, update.listing.rows, matched.unchanged, matched.changed)
        writer = UpdateWriter(cursor, dataset, state, author_name(), matched.counts.to_dict())
        rows = write_rows(writer, source, on_progress)
        writer.finish_update(files_with_rows(source, of_files, rows))
        give_folds(cursor, writer.update_id, project.models_dir)
    return matched.counts


def undo_update(project: Project, name: str) -> LoggedUpdate:
    """Bring a dataset back to what it was before its latest update; decisions made since stay.

    Raises:
        RequestError: no such dataset, or no update of it stands.
    """
    with project.store() as store, store.transaction() as cursor:
        return undo_last_update(cursor, find_dataset(cursor, name))


@dataclass(frozen=True, slots=True)
class _Matched:
    counts: UpdateCounts
    unchanged: pa.Table
    changed: pa.Table


def _match(cursor: duckdb.DuckDBPyConnection, dataset: Dataset, listing: FileListing) -> _Matched:
    unchanged = unchanged_rows(cursor, dataset.dataset_id, listing.rows)
    going = other_rows(cursor, dataset.dataset_id, unchanged)
    kept = set(unchanged["row_index"].to_pylist())
    coming = [index for index in listing.rows["row_index"].to_pylist() if index not in kept]
    pairs, matched_by = _pairs(cursor, dataset, listing, unchanged, going, coming)
    changed = pa.table(
        {
            "row_key": pa.array([row_key for row_key, _ in pairs], pa.int64()),
            "row_index": pa.array([row_index for _, row_index in pairs], pa.int64()),
        }
    )
    n_same = sum(unchanged["is_same"].to_pylist())
    counts = UpdateCounts(
        n_unchanged=unchanged.num_rows,
        n_other_fields=unchanged.num_rows - n_same,
        n_changed=len(pairs),
        n_new=len(coming) - len(pairs),
        n_gone=going.num_rows - len(pairs),
        n_rejected=listing.n_rejected,
        n_rejected_before=dataset.n_rejected,
        n_decided=count_decided(cursor, going),
        matched_by=matched_by,
        selections=tuple(selections_that_lose(cursor, going)),
    )
    return _Matched(counts, unchanged, changed)


def _pairs(
    cursor: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    listing: FileListing,
    unchanged: pa.Table,
    going: pa.Table,
    coming: Sequence[int],
) -> tuple[list[tuple[int, int]], str]:
    """(row_key that goes, row_index that comes), and what they were matched by."""
    if not (going.num_rows and coming):
        return [], next(iter(listing.ids), "place")
    keys = going["row_key"].to_pylist()
    named = RowIds.of(listing.ids)
    for key, record in records_of(cursor, going["row_key"]):
        if not named.values:
            break
        named.add(key, _columns(record))
    if column := next(iter(named.values), ""):
        return pair_by_id(named.values[column], {index: listing.ids[column][index] for index in coming}), column
    places = row_places(cursor, dataset.dataset_id)
    matched = [
        (places[key], index)
        for key, index in zip(unchanged["row_key"].to_pylist(), unchanged["row_index"].to_pylist(), strict=True)
    ]
    key_at = dict(zip(going["row_index"].to_pylist(), keys, strict=True))
    paired = pair_by_place(list(key_at), coming, matched)
    return [(key_at[old], new) for old, new in paired], "place"


def _columns(text: str) -> dict:
    try:
        return row_of(decode_line(text))
    except (RowError, ValueError, RecursionError):
        return {}


def _read_otherwise(dataset: Dataset, source: SourceFile) -> list[str]:
    now, before = source.detection, json.loads(dataset.mapping)
    if (now.format, now.mapping) == (dataset.format, before):
        return []
    was = f"before as {dataset.format} {_said(before)}"
    return [f"the files are read as {now.format} {_said(now.mapping)}, {was}"]


def _lost_columns(changes: Sequence[DomainChange], source: SourceFile) -> list[str]:
    """Domains that were set by a column which the files lack."""
    return [
        f"the domains set by {change.spec.words!r} need the column {column!r}, which the files do not have"
        for change in changes
        if change.undone_at is None
        for column in change.spec.columns
        if column not in source.columns
    ]


def _said(mapping: dict) -> str:
    return "(" + ", ".join(f"{name}={column}" for name, column in mapping.items()) + ")"
