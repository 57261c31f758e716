"""Files as chunks of bytes, unpacked on the way when they are gzip or zstd."""

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Literal

import zstandard

from lobass_core.errors import EmptyFileError, InputFileError
from lobass_core.files.named_files import check_regular, size_text
from lobass_core.formats.record_limits import check_ratio

Compression = Literal["", "gzip", "zstd"]
CHUNK_BYTES = 1 << 20
PACKED_CHUNK_BYTES = 1 << 16
# zstd's objects unpack all that they are given: of these 2 KB at most 64 MB, at 4 bytes for a block of 128 KB.
ZSTD_CHUNK_BYTES = 1 << 11
# The largest window that zstd's own command unpacks unless told otherwise.
MAX_WINDOW_BYTES = 1 << 27


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
        """The unpacked bytes, about a megabyte at a time; stops early, with `torn` set, where the packed data are
        damaged or cut off.

        Raises:
            InputFileError: they unpack to far more than any text does, or need too much memory to be unpacked.
        """
        with self.path.open("rb") as file:
            kind = compression_of(file.read(4))
            file.seek(0)
            if kind == "":
                while chunk := file.read(CHUNK_BYTES):
                    self.n_read += len(chunk)
                    yield chunk
                return
            n_unpacked = 0
            for unpacked in self._gzip(file) if kind == "gzip" else self._zstd(file):
                n_unpacked += len(unpacked)
                check_ratio(n_unpacked, self.n_read, str(self.path))
                for start in range(0, len(unpacked), CHUNK_BYTES):
                    yield unpacked[start : start + CHUNK_BYTES]

    def _gzip(self, file: IO[bytes]) -> Iterator[bytes]:
        def unpack(unpacker: Any, packed: bytes) -> bytes:
            return unpacker.decompress(packed, CHUNK_BYTES)

        return self._unpack(file, PACKED_CHUNK_BYTES, lambda: zlib.decompressobj(wbits=31), unpack)

    def _zstd(self, file: IO[bytes]) -> Iterator[bytes]:
        new = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES).decompressobj
        return self._unpack(file, ZSTD_CHUNK_BYTES, new, lambda one, data: one.decompress(data))

    def _unpack(
        self, file: IO[bytes], n_at_once: int, new: Callable[[], Any], unpack: Callable[[Any, bytes], bytes]
    ) -> Iterator[bytes]:
        # gzip.open and stream_reader lose what they had unpacked when the end is missing; these objects do not.
        unpacker, touched = new(), False
        while packed := file.read(n_at_once):
            self.n_read += len(packed)
            while packed:
                try:
                    unpacked = unpack(unpacker, packed)
                except (zlib.error, zstandard.ZstdError) as error:
                    self._stop(error)
                    return
                touched = True
                if unpacked:
                    yield unpacked
                packed = getattr(unpacker, "unconsumed_tail", b"")
                if unpacker.eof:
                    packed, unpacker, touched = unpacker.unused_data.lstrip(b"\0"), new(), False
        while touched and (unpacked := unpack(unpacker, b"")):
            yield unpacked  # what stood beyond the megabyte of the last call
        if touched and not unpacker.eof:
            self.torn = "the compressed file ends early"

    def _stop(self, error: Exception) -> None:
        if "too much memory" in str(error):
            raise InputFileError(
                f"the file was compressed by zstd with a window larger than {size_text(MAX_WINDOW_BYTES)}",
                where=str(self.path),
                do="Decompress it with zstd -d --long=31 FILE, and import the result.",
            ) from None
        self.torn = f"the compressed data is damaged ({error})"


def compression_of(head: bytes) -> Compression:
    """Told by the first bytes, never by the name."""
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    return "zstd" if head[:4] == b"\x28\xb5\x2f\xfd" else ""


def check_readable(path: Path) -> bytes:
    """The file's first bytes, once it is known to be a readable file with something in it.

    Raises:
        InputFileError: missing, no regular file, no permission, empty, or a kind of file that holds no rows.
    """
    try:
        check_regular(path)
        with path.open("rb") as file:
            # Files of /proc have no length and may never end.
            head = file.read(64) if path.stat().st_size else b""
    except FileNotFoundError:
        raise InputFileError("the file does not exist", where=str(path), do="Check the path.") from None
    except OSError as error:
        raise InputFileError(
            f"the file cannot be read: {error.strerror}", where=str(path), do="Check its permissions."
        ) from None
    if not head:
        raise EmptyFileError("the file is empty", where=str(path), do="Check that it was written or copied completely.")
    what, do = _foreign(head)
    if what:
        raise InputFileError(f"the file is {what}", where=str(path), do=do)
    return head


def _foreign(head: bytes) -> tuple[str, str]:
    """What a file is that holds no rows, and what to do about it; empty for anything else."""
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the data itself", "Get the data with git lfs pull, or download the file again."
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:15].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page, not data", "Download the file itself. Sites often return a page if a file is not found."
    if start.startswith(b"<?xml"):
        return "an XML document", "Convert it to JSON lines or CSV first."
    for magic, kind in _FOREIGN.items():
        if head.startswith(magic):
            return kind, "Convert it first to JSON, JSONL, CSV, TSV, Parquet or Arrow, plain or as .gz or .zst."
    return "", ""
