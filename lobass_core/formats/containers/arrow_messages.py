"""What the packed batches of an Arrow file or stream unpack to, read from their messages, before Arrow makes room.

A message is a flatbuffer (Message.fbs, File.fbs of Arrow's format) with a body of buffers behind it; each buffer of a
packed body begins with its size when it is unpacked, -1 where it is not packed.

    continuation -1 | length of the metadata | metadata: Message | body
"""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from lobass_core.formats.record_limits import ReadLimits

_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_BLOCK = struct.Struct("<qi4xq")  # offset, length of the metadata, length of the body


def check_batches(path: Path, *, is_stream: bool, limits: ReadLimits) -> None:
    """Refuse a file with a batch that unpacks to more than may be held.

    Raises:
        InputFileError: there is such a batch.
        pa.ArrowInvalid: the messages cannot be read.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            for at in _stream_messages(data) if is_stream else _file_messages(data):
                if _n_unpacked(data, *_message(data, at)) > limits.held_bytes:
                    do = "Write the table again with smaller batches (chunksize in pyarrow.feather)."
                    raise limits.unheld("a batch of the Arrow table", str(path), do)
        except (struct.error, IndexError):
            raise pa.ArrowInvalid("its messages are damaged") from None


def _stream_messages(data: mmap.mmap) -> Iterator[int]:
    at = 0
    while at + 8 <= len(data):
        start, n_metadata = _prefix(data, at)
        if not n_metadata:
            return
        yield at
        n_body = _Table.root(data, start).number(3, "<q")
        if n_body < 0:
            raise IndexError("a negative length")
        at = start + n_metadata + n_body + -n_body % 8


def _file_messages(data: mmap.mmap) -> Iterator[int]:
    """The batches that the footer names: Arrow reads these and no others."""
    (n_footer,) = struct.unpack_from("<i", data, len(data) - 10)
    footer = _Table.root(data, len(data) - 10 - n_footer)
    for field in (2, 3):
        first, n_blocks = footer.vector(field)
        for number in range(n_blocks):
            yield _BLOCK.unpack_from(data, first + number * _BLOCK.size)[0]


def _prefix(data: mmap.mmap, at: int) -> tuple[int, int]:
    """Where a message's metadata begin, and their length; before Arrow 0.15 the length alone stood before them."""
    first, second = struct.unpack_from("<ii", data, at)
    start, n_metadata = (at + 8, second) if first == -1 else (at + 4, first)
    if n_metadata < 0:
        raise IndexError("a negative length")
    return start, n_metadata


def _message(data: mmap.mmap, at: int) -> tuple["_Table", int, int]:
    """The message there, its kind, and where its body begins."""
    start, n_metadata = _prefix(data, at)
    message = _Table.root(data, start)
    return message, message.number(1, "<B"), start + n_metadata


def _n_unpacked(data: mmap.mmap, message: "_Table", kind: int, body: int) -> int:
    if kind not in (_DICTIONARY_BATCH, _RECORD_BATCH):
        return 0
    header = message.table(2)
    batch = header.table(1) if header and kind == _DICTIONARY_BATCH else header
    if batch is None or batch.table(3) is None:
        return 0  # its buffers lie in the file as they are in memory
    total = 0
    first, n_buffers = batch.vector(2)
    for number in range(n_buffers):
        offset, length = struct.unpack_from("<qq", data, first + 16 * number)
        if length >= 8:
            (n_bytes,) = struct.unpack_from("<q", data, body + offset)
            total += max(n_bytes, 0)
    return total


class _Table:
    """A table of a flatbuffer: its fields are found through the offsets of its vtable."""

    def __init__(self, data: mmap.mmap, at: int) -> None:
        self._data, self._at = data, at
        self._vtable = at - struct.unpack_from("<i", data, at)[0]

    @classmethod
    def root(cls, data: mmap.mmap, start: int) -> "_Table":
        if start < 0:
            raise IndexError("before the file's start")
        return cls(data, start + struct.unpack_from("<I", data, start)[0])

    def _field(self, number: int) -> int:
        """Where the field lies; 0 where it is left out."""
        (n_vtable,) = struct.unpack_from("<H", self._data, self._vtable)
        if 4 + 2 * number >= n_vtable:
            return 0
        (offset,) = struct.unpack_from("<H", self._data, self._vtable + 4 + 2 * number)
        return self._at + offset if offset else 0

    def number(self, number: int, form: str) -> int:
        at = self._field(number)
        return struct.unpack_from(form, self._data, at)[0] if at else 0

    def table(self, number: int) -> "_Table | None":
        at = self._field(number)
        return _Table(self._data, at + struct.unpack_from("<I", self._data, at)[0]) if at else None

    def vector(self, number: int) -> tuple[int, int]:
        """Where the vector's items begin, and how many they are."""
        at = self._field(number)
        if not at:
            return 0, 0
        start = at + struct.unpack_from("<I", self._data, at)[0]
        return start + 4, struct.unpack_from("<I", self._data, start)[0]
