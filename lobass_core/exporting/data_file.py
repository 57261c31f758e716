"""Files that are counted and hashed while they are written, and on the disk before they have their name."""

import hashlib
import json
import os
from pathlib import Path
from typing import IO, Self

from lobass_core.exporting.plan import FileReceipt


class DataFile:
    """A new file: `write` bytes, then `close`, which syncs it. Counts bytes and rows, hashes on the way.

    Looks enough like a file object for pyarrow and csv to write into.
    """

    def __init__(self, folder: Path, name: str, holds: str) -> None:
        self.name, self.holds = name, holds
        self.path = folder / name
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.n_bytes = self.rows = 0
        self._hash = hashlib.sha256()
        self._file: IO[bytes] = self.path.open("xb")

    def write(self, data: bytes) -> int:
        self._file.write(data)
        self._hash.update(data)
        self.n_bytes += memoryview(data).nbytes
        return memoryview(data).nbytes

    def tell(self) -> int:
        return self.n_bytes

    def flush(self) -> None:
        self._file.flush()

    @property
    def closed(self) -> bool:
        return self._file.closed

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        if not self._file.closed:
            try:
                self._file.flush()
                os.fsync(self._file.fileno())
            finally:
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def receipt(self) -> FileReceipt:
        """What was written; call it after `close`."""
        return FileReceipt(self.name, self.holds, self.n_bytes, self._hash.hexdigest(), self.rows)


class JsonRows:
    """JSON records into a file: one a line, or as the elements of one array (one a line too, for the sake of diffs)."""

    def __init__(self, file: DataFile, *, array: bool) -> None:
        self._file, self._array = file, array

    def add(self, record: dict) -> None:
        self.add_text(json_line(record))

    def add_text(self, text: bytes) -> None:
        if self._array:
            self._file.write(b",\n" if self._file.rows else b"[\n")
            self._file.write(text)
        else:
            self._file.write(text + b"\n")
        self._file.rows += 1

    def end(self) -> None:
        if self._array:
            self._file.write(b"\n]\n" if self._file.rows else b"[]\n")


def json_line(record: object) -> bytes:
    """JSON in UTF-8 without line ends; half a surrogate pair stays the escape that it came as, NaN is refused."""
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(record, ensure_ascii=True, allow_nan=False).encode("ascii")


def write_text(folder: Path, name: str, holds: str, text: str) -> FileReceipt:
    """A small text file, written and synced like the rest."""
    with DataFile(folder, name, holds) as file:
        file.write(text.encode("utf-8", "backslashreplace"))
    return file.receipt()


def file_sha256(path: Path) -> tuple[int, str]:
    """Bytes and sha256 of a file as the disk gives it back."""
    digest, n_bytes = hashlib.sha256(), 0
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            digest.update(data)
            n_bytes += len(data)
    return n_bytes, digest.hexdigest()
