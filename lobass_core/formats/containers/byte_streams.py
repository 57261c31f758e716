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
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"BZh": "bzip2 data",
    b"\xfd7zXZ\x00": "xz data",
    b"7z\xbc\xaf": "a 7z archive",
    b"FEA1": "a Feather file of the first version",
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
    b"\x80\x04": "a Python pickle, which may run code when it is read",
    b"\x80\x05": "a Python pickle, which may run code when it is read",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
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
    what, do = _foreign(head)
    if what:
        raise InputFileError(f"the file is {what}", where=str(path), do=do)
    return head


def _foreign(head: bytes) -> tuple[str, str]:
    """What a file is that holds no rows, and what to do about it; empty for anything else."""
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the data itself", "Fetch the data with git lfs pull, or download the file anew."
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:15].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page, not data", "Download the file itself: a page often stands in for one that was not found."
    if start.startswith(b"<?xml"):
        return "an XML document", "Convert it to JSON lines or CSV first."
    for magic, kind in _FOREIGN.items():
        if head.startswith(magic):
            return kind, "JSON, JSONL, CSV, TSV, Parquet and Arrow are read, also as .gz or .zst: convert it first."
    return "", ""
