"""Files as chunks of bytes, unpacked on the way when they are gzip or zstd."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import zstandard

from lobass_core.errors import InputFileError

Compression = Literal["", "gzip", "zstd"]
CHUNK_BYTES = 1 << 20
PACKED_CHUNK_BYTES = 1 << 16

_FOREIGN = {
    b"PK\x03\x04": "a ZIP archive",
    b"BZh": "bzip2 data",
    b"\xfd7zXZ\x00": "xz data",
    b"7z\xbc\xaf": "a 7z archive",
    b"ARROW1": "an Arrow file",
    b"\x89PNG": "a picture",
    b"%PDF": "a PDF",
    b"SQLite format 3": "an SQLite database",
}


class ByteStream:
    """One pass over a file's unpacked bytes.

    `n_read` counts bytes of the file itself; `torn` says why the data ended early.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n_bytes = path.stat().st_size
        self.n_read = 0
        self.torn = ""

    def chunks(self) -> Iterator[bytes]:
        """The unpacked bytes; stops early, with `torn` set, where the packed data are damaged or cut off."""
        with self.path.open("rb") as file:
            kind = compression_of(file.read(4))
            file.seek(0)
            if kind == "gzip":
                yield from self._unpack(file, lambda: zlib.decompressobj(wbits=31), zlib.error)
            elif kind == "zstd":
                yield from self._unpack(file, zstandard.ZstdDecompressor().decompressobj, zstandard.ZstdError)
            else:
                while chunk := file.read(CHUNK_BYTES):
                    self.n_read += len(chunk)
                    yield chunk

    def _unpack(self, file: Any, new: Any, failure: type[Exception]) -> Iterator[bytes]:
        # gzip.open and stream_reader lose what they had unpacked when the end is missing; the objects below do not.
        unpacker = new()
        touched = False
        while packed := file.read(PACKED_CHUNK_BYTES):
            self.n_read += len(packed)
            while packed:
                try:
                    unpacked = unpacker.decompress(packed)
                except failure as error:
                    self.torn = f"the compressed data are damaged ({error})"
                    return
                touched = True
                if unpacked:
                    yield unpacked
                packed = b""
                if unpacker.eof:
                    packed, unpacker, touched = unpacker.unused_data.lstrip(b"\0"), new(), False
        if touched:
            self.torn = "the compressed file ends early"


def compression_of(head: bytes) -> Compression:
    """Told by the first bytes, never by the name."""
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    return "zstd" if head[:4] == b"\x28\xb5\x2f\xfd" else ""


def check_readable(path: Path) -> bytes:
    """The file's first bytes, once it is known to be a readable file with something in it.

    Raises:
        InputFileError: missing, a folder, no permission, empty, or a kind of file that holds no rows.
    """
    try:
        if path.is_dir():
            raise InputFileError("this is a folder, not a file", where=str(path), do="Name one file in it.")
        with path.open("rb") as file:
            head = file.read(64)
    except FileNotFoundError:
        raise InputFileError("the file does not exist", where=str(path), do="Check the path.") from None
    except OSError as error:
        raise InputFileError(
            f"the file cannot be read: {error.strerror}", where=str(path), do="Check its permissions."
        ) from None
    if not head:
        raise InputFileError("the file is empty", where=str(path), do="Check that it was written or copied in full.")
    for magic, kind in _FOREIGN.items():
        if head.startswith(magic):
            raise InputFileError(
                f"the file is {kind}",
                where=str(path),
                do="JSON, JSONL, CSV, TSV and Parquet are read, plain or as .gz or .zst: unpack or convert it first.",
            )
    return head
