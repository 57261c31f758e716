"""A data file's rows without their texts: what an update compares with a dataset, and which column names each row."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from lobass_core.formats.row_errors import RowError
from lobass_core.formats.wrapped_rows import row_of
from lobass_core.store.datasets import BATCH_ROWS
from lobass_core.store.samples import storable
from lobass_core.store.updates import LISTING
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
class _Ids:
    """The columns that may name rows, and the values seen; a column leaves once a row has no value of its own."""

    columns: list[str] | None = None
    values: dict[str, dict[int, str]] = field(default_factory=dict)
    seen: dict[str, set[str]] = field(default_factory=dict)

    def add(self, row_index: int, row: dict[str, Any]) -> None:
        if self.columns is None:
            self.columns = [name for name in row if is_id_name(name)]
            self.columns.sort(key=lambda name: _ID_NAMES.index(name) if name in _ID_NAMES else len(_ID_NAMES))
            self.values = {name: {} for name in self.columns}
            self.seen = {name: set() for name in self.columns}
        for name in list(self.values):
            text = id_text(row.get(name))
            if not text or text in self.seen[name]:
                del self.values[name], self.seen[name]
            else:
                self.values[name][row_index] = text
                self.seen[name].add(text)


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
    ids = _Ids()
    for n_read, row in enumerate(source.rows(), 1):
        if row.sample is None:
            reasons[kind_of(row.reason)] += 1
        else:
            page.append(_listed(row))
            ids.add(row.row_index, _columns(row.value))
        if len(page) >= BATCH_ROWS:
            batches.append(_batch(page))
            page.clear()
        if on_progress and n_read % BATCH_ROWS == 0:
            on_progress(n_read, max(n_read, round(n_read / max(source.read_share(), 1e-9))))
    batches.append(_batch(page))
    return FileListing(pa.Table.from_batches(batches, LISTING), ids.values, dict(reasons.most_common()))


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
