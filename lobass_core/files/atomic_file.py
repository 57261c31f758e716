"""Files appear whole or not at all, also after a power cut: written under another name, put on the disk, renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def unfinished_file(path: Path) -> Iterator[Path]:
    """A name beside `path` to write under and to rename from; whatever stands there is removed if the block fails."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield unfinished
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name beside `path` to write under; at the end of the block what stands there takes the place of `path`."""
    with unfinished_file(path) as unfinished:
        yield unfinished
        put_in_place(unfinished, path)


def write_whole(path: Path, text: str) -> None:
    """Write a small file as it is given: no line end is changed, names of files that are no UTF-8 keep their bytes."""
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")


def put_in_place(unfinished: Path, path: Path) -> None:
    """Let a file that is complete take the place of another, once its bytes are on the disk."""
    with unfinished.open("rb+") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk: a rename is there once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
