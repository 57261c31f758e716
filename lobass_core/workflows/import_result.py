"""The result of an import."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import duckdb

from lobass_core.formats.detect import Detection
from lobass_core.store.counts import rows_by_domain
from lobass_core.store.dataset_files import DatasetFile, list_files
from lobass_core.store.datasets import Dataset
from lobass_core.store.rejects import reject_reasons
from lobass_core.workflows.source_file import SourceFile, kind_of


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


def counts_of(files: Sequence[DatasetFile]) -> tuple[FileCount, ...]:
    """The rows of each file, where there are several."""
    counts = tuple(FileCount(file.name, file.n_rows, file.n_rejected) for file in files)
    return counts if len(counts) > 1 else ()


def already_imported(
    cursor: duckdb.DuckDBPyConnection, same: Dataset, source: SourceFile, seconds: float
) -> ImportResult:
    """What there is to say where the dataset `same` holds the files already."""
    reasons = Counter(map(kind_of, reject_reasons(cursor, same.dataset_id)))
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
        domains=rows_by_domain(cursor, same.dataset_id),
        already_imported=True,
        files=counts_of(list_files(cursor)[same.dataset_id]),
    )
