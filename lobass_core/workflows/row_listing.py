"""A data file's rows without their texts, to compare with a dataset, and the column that identifies rows."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from lobass_core.formats.row_errors import RowError
from lobass_core.formats.wrapped_rows import row_of
from lobass_core.store.datasets import BATCH_ROWS
from lobass_core.store.row_matches import LISTING
from lobass_core.store.samples import storable
from lobass_core.workflows.source_file import ReadRow, SourceFile, kind_of

_ID_NAMES = ("id", "_id", "uid", "uuid", "guid", "key")


@dataclass(frozen=True, slots=True)
class FileListing:
    """The good rows of a file, and the rejects counted by reason.

    `ids` holds, for each column that names every row by a value of its own, that value by row index.
    """

    rows: pa.Table
    ids: dict[str, dict[int, str]]
    reasons: dict[str, int]

    @property
    def n_rejected(self) -> int:
        return sum(self.reasons.values())


@dataclass(slots=True)
class RowIds:
    """The columns that may name rows, each with the value of every row; one that fails to name a row leaves."""

    values: dict[str, dict[int, str]] = field(default_factory=dict)
    seen: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Iterable[str]) -> "RowIds":
        """Those columns, no row yet."""
        return cls({name: {} for name in columns}, {name: set() for name in columns})

    def add(self, key: int, row: dict[str, Any]) -> None:
        """One row, known by `key`."""
        for name in list(self.values):
            text = id_text(row.get(name))
            if not text or text in self.seen[name]:
                del self.values[name], self.seen[name]
            else:
                self.values[name][key] = text
                self.seen[name].add(text)


def id_columns(row: dict[str, Any]) -> list[str]:
    """The columns of a row that may name it, the plainest names first."""
    named = [name for name in row if is_id_name(name)]
    return sorted(named, key=lambda name: _ID_NAMES.index(name) if name in _ID_NAMES else len(_ID_NAMES))


def is_id_name(name: str) -> bool:
    """Whether a column of that name may name its rows: id, uuid, conversation_id and the like."""
    return name.lower() in _ID_NAMES or name.lower().endswith("_id")


def id_text(value: Any) -> str:
    """The value of an id as text; "" for one that cannot be an id."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def list_rows(source: SourceFile, on_progress: Callable[[int, int], None] | None = None) -> FileListing:
    """Read the file through once; `on_progress` gets rows read and the estimated number of rows."""
    batches: list[pa.RecordBatch] = []
    page: list[tuple] = []
    reasons: Counter[str] = Counter()
    ids: RowIds | None = None
    for n_read, row in enumerate(source.rows(), 1):
        if row.sample is None:
            reasons[kind_of(row.reason)] += 1
        else:
            page.append(_listed(row))
            columns = _columns(row.value)
            ids = ids or RowIds.of(id_columns(columns))
            ids.add(row.row_index, columns)
        if len(page) >= BATCH_ROWS:
            batches.append(_batch(page))
            page.clear()
        if on_progress and n_read % BATCH_ROWS == 0:
            on_progress(n_read, max(n_read, round(n_read / max(source.read_share(), 1e-9))))
    batches.append(_batch(page))
    values = ids.values if ids else {}
    return FileListing(pa.Table.from_batches(batches, LISTING), values, dict(reasons.most_common()))


def _listed(row: ReadRow) -> tuple:
    assert row.sample is not None
    digest = hashlib.md5(storable(row.source).encode(), usedforsecurity=False).hexdigest()
    return row.row_index, row.line, row.sample.sample_id, row.domain, digest


def _batch(page: Sequence[tuple]) -> pa.RecordBatch:
    columns: Iterable[Sequence] = zip(*page, strict=True) if page else [()] * len(LISTING)
    return pa.record_batch(
        [pa.array(column, kind.type) for column, kind in zip(columns, LISTING, strict=True)], schema=LISTING
    )


def _columns(value: Any) -> dict[str, Any]:
    try:
        return row_of(value)
    except RowError:
        return {}
