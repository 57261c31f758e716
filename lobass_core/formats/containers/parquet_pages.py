"""What the pages of a Parquet file unpack to, read from their headers, before Arrow makes room for it.

A page's header is a struct in Thrift's compact protocol (parquet-format, parquet.thrift, PageHeader):

    1 type   2 uncompressed_page_size   3 compressed_page_size   5 / 7 / 8 header of a data, dictionary, v2 page,
                                                                 whose field 1 is its number of values
"""

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow.parquet as pq

from lobass_core.errors import InputFileError
from lobass_core.formats.record_limits import ReadLimits

_HEADER_BYTES = (1 << 10, 1 << 16, 1 << 24)  # as many as most headers have; as Arrow reads at most
_DICTIONARY = 2
_STRUCT = 12


@dataclass(frozen=True, slots=True)
class Page:
    """`n_bytes` when it is unpacked, `n_packed` in the file behind its header."""

    is_dictionary: bool
    n_bytes: int
    n_packed: int
    n_values: int


def rows_at_once(file: IO[bytes], path: Path, metadata: pq.FileMetaData, group: int, limits: ReadLimits) -> int:
    """How many rows of the row group may be read at once so that they stay under the limits, at least one.

    Raises:
        InputFileError: a page alone is too large; or a header is damaged.
    """
    rows = 1 << 20
    row_group = metadata.row_group(group)
    for number in range(row_group.num_columns):
        column = row_group.column(number)
        values_per_row = max(1.0, column.num_values / max(row_group.num_rows, 1))
        for page in _pages(file, column):
            if page.n_bytes > limits.held_bytes:
                do = "Write the file again with smaller pages (data_page_size and write_batch_size in pyarrow)."
                raise limits.unheld(f"a page of the column {column.path_in_schema!r}", str(path), do)
            # Each value of a dictionary may stand in every row; those of other pages stand in it once.
            n_values = 1 if page.is_dictionary else max(page.n_values, 1)
            rows = min(rows, int(limits.held_bytes * n_values / max(page.n_bytes, 1) / values_per_row))
    return max(rows, 1)


def _pages(file: IO[bytes], column: pq.ColumnChunkMetaData) -> Any:
    at = column.data_page_offset
    if column.has_dictionary_page and column.dictionary_page_offset:
        at = min(at, column.dictionary_page_offset)
    n_left = column.num_values
    while n_left > 0:
        page, n_header = _page(file, at)
        yield page
        at += n_header + page.n_packed
        n_left -= 0 if page.is_dictionary else page.n_values
        if not page.is_dictionary and not page.n_values:
            return


def _page(file: IO[bytes], at: int) -> tuple[Page, int]:
    for n_bytes in _HEADER_BYTES:
        file.seek(at)
        reader = _Compact(file.read(n_bytes))
        try:
            fields = reader.struct()
        except IndexError:
            continue
        except RecursionError:
            break
        inner: dict[int, Any] = next((fields[field] for field in (5, 7, 8) if isinstance(fields.get(field), dict)), {})
        n_unpacked, n_packed, n_values = fields.get(2, -1), fields.get(3, -1), inner.get(1, 0)
        if min(n_unpacked, n_packed, n_values) >= 0:
            return Page(fields.get(1) == _DICTIONARY, n_unpacked, n_packed, n_values), reader.at
        break
    raise InputFileError("a page's header cannot be read", do="Check that the file was written and copied completely.")


class _Compact:
    """Reads structs of Thrift's compact protocol: numbers, and structs in structs; all else is passed over."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def struct(self) -> dict[int, Any]:
        fields: dict[int, Any] = {}
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._number()
            fields[field] = self._value(head & 15)
        return fields

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
        return value | byte << shift

    def _number(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _value(self, kind: int) -> Any:
        if kind in (1, 2):
            return None
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._number()
        if kind == _STRUCT:
            return self.struct()
        if kind in (9, 10):
            return self._list()
        n_bytes = {7: 8, 8: self._varint() if kind == 8 else 0}.get(kind)
        if n_bytes is None:
            raise IndexError("a kind that no page's header has")
        self.at += n_bytes
        if self.at > len(self.data):
            raise IndexError("the header is longer")
        return None

    def _list(self) -> None:
        head = self._byte()
        n_items = head >> 4 if head >> 4 < 15 else self._varint()
        for _ in range(n_items):
            # A boolean in a list has a byte of its own.
            self._byte() if head & 15 in (1, 2) else self._value(head & 15)
