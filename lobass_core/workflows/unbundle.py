"""Unpack a bundle into a new project. An archive may come from anybody, so anything unexpected is refused."""

import hashlib
import os
import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import msgspec

from lobass_core.errors import InputFileError, ProjectError, RequestError
from lobass_core.files.named_files import check_regular, size_text
from lobass_core.project import Project
from lobass_core.store.file_kind import check_kind
from lobass_core.store.migrations import SCHEMA_VERSION
from lobass_core.workflows.bundle_format import (
    FORMAT,
    LIST,
    MOST_LIST_BYTES,
    STORE,
    BundledFile,
    BundleList,
    may_be_bundled,
)

CHUNK_BYTES = 1 << 20
# A store packs to a tenth or so; what unpacks to so much more is made to fill a disk.
MOST_RATIO = 200
RATIO_FROM_BYTES = 1 << 30
SPARE_BYTES = 64 << 20
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
# What zipfile raises for archives that are cut off, damaged or forged.
_UNREADABLE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError,
    ValueError, OverflowError,
)  # fmt: skip


def unbundle(file: Path, to: Path) -> Project:
    """Make a project of a bundle; the folder is there whole or not at all.

    Raises:
        InputFileError: the file is no bundle, is damaged, or is made to do harm.
        RequestError: there is something at `to` already.
        ProjectError: a newer LoBaSS made it, or it cannot be written.
    """
    file, to = file.expanduser(), to.expanduser().absolute()
    if to.is_symlink() or (to.exists() and not (to.is_dir() and not any(to.iterdir()))):
        raise RequestError("this path already exists", where=str(to), do="Use a new or empty folder.")
    try:
        check_regular(file)
        with zipfile.ZipFile(file) as archive:
            listed, infos = _checked(archive, file)
            return _unpack(archive, listed, infos, file, to)
    except FileNotFoundError:
        raise InputFileError("the file does not exist", where=str(file), do="Check the path.") from None
    except _UNREADABLE as error:
        raise _no_bundle(file, f"it is damaged, or not a zip archive: {error}") from error
    except OSError as error:
        raise ProjectError(
            f"the bundle cannot be unpacked: {error.strerror or error}", where=str(to), do="Use another path."
        ) from error


def _checked(archive: zipfile.ZipFile, file: Path) -> tuple[BundleList, dict[str, zipfile.ZipInfo]]:
    """What the bundle says it holds, once that is what it holds, under names and of sizes that it may have."""
    infos = {info.filename: info for info in archive.infolist()}
    if LIST not in infos:
        raise _no_bundle(file, f"it contains no {LIST}")
    if len(infos) < len(archive.infolist()):
        raise _no_bundle(file, "it contains a file twice")
    for info in infos.values():
        _check_entry(info, file)
    listed = _read_list(archive, infos[LIST], file)
    names = {one.name: one for one in listed.files}
    if len(names) < len(listed.files) or names.keys() != infos.keys() - {LIST}:
        raise _no_bundle(file, f"its files are not those that {LIST} names")
    if STORE not in names:
        raise _no_bundle(file, "it contains no store")
    wrong = next((name for name, one in names.items() if one.n_bytes != infos[name].file_size), "")
    if wrong:
        raise _no_bundle(file, f"{wrong} does not have the size that {LIST} gives")
    _check_sizes(infos, file)
    if listed.schema_version > SCHEMA_VERSION:
        raise ProjectError(
            f"a newer version of LoBaSS made this bundle: its store has version {listed.schema_version}; this "
            f"program reads up to {SCHEMA_VERSION}",
            where=str(file),
            do="Update LoBaSS.",
        )
    return listed, infos


def _check_entry(info: zipfile.ZipInfo, file: Path) -> None:
    name = info.filename
    if name != LIST and not may_be_bundled(name):
        raise _no_bundle(file, f"it contains a file that does not belong in a bundle: {name[:120]!r}")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise _no_bundle(file, f"{name} is a link, or not a regular file")
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _PACKED:
        raise _no_bundle(file, f"{name} is encrypted, or compressed in an unexpected way")


def _read_list(archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: Path) -> BundleList:
    with archive.open(info) as source:
        data = source.read(MOST_LIST_BYTES + 1)
    if len(data) > MOST_LIST_BYTES:
        raise _no_bundle(file, f"its {LIST} is larger than {size_text(MOST_LIST_BYTES)}")
    try:
        known = msgspec.json.decode(data, type=dict)
        if known.get("format") != FORMAT:
            raise ProjectError(
                f"the bundle has format {str(known.get('format'))[:20]}; this program reads {FORMAT}",
                where=str(file),
                do="Update LoBaSS.",
            )
        return msgspec.convert(known, BundleList)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_bundle(file, f"its {LIST} cannot be read: {error}") from error


def _check_sizes(infos: dict[str, zipfile.ZipInfo], file: Path) -> None:
    n_packed = file.stat().st_size
    n_bytes = sum(info.file_size for info in infos.values())
    if sum(info.compress_size for info in infos.values()) > n_packed:
        raise _no_bundle(file, "its files overlap")
    if n_bytes > max(MOST_RATIO * n_packed, RATIO_FROM_BYTES):
        raise _no_bundle(
            file, f"{size_text(n_packed)} would unpack to {size_text(n_bytes)}, more than {MOST_RATIO} times as much"
        )


def _unpack(
    archive: zipfile.ZipFile, listed: BundleList, infos: dict[str, zipfile.ZipInfo], file: Path, to: Path
) -> Project:
    to.parent.mkdir(parents=True, exist_ok=True)
    n_bytes, free = sum(one.n_bytes for one in listed.files), shutil.disk_usage(to.parent).free
    if n_bytes + SPARE_BYTES > free:
        raise ProjectError(
            f"the project needs {size_text(n_bytes)}, but only {size_text(free)} are free",
            where=str(to.parent),
            do="Free some space, or use another path.",
        )
    unfinished = to.with_name(f".{to.name}.{os.getpid()}.unbundle")
    try:
        unfinished.mkdir()
        for folder in ("runs", "models", "exports"):
            (unfinished / folder).mkdir()
        for one in listed.files:
            _write(archive, infos[one.name], one, unfinished / one.name, file)
        check_kind(unfinished / STORE)
        if to.exists():
            to.rmdir()
        unfinished.rename(to)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return Project.open(to)


def _write(archive: zipfile.ZipFile, info: zipfile.ZipInfo, one: BundledFile, path: Path, file: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, n_left = hashlib.sha256(), one.n_bytes
    with archive.open(info) as source, path.open("xb") as target:
        while chunk := source.read(CHUNK_BYTES):
            n_left -= len(chunk)
            if n_left < 0:
                raise _no_bundle(file, f"{one.name} is larger than the size that {LIST} gives")
            digest.update(chunk)
            target.write(chunk)
    if n_left or digest.hexdigest() != one.sha256:
        raise _no_bundle(file, f"{one.name} does not match its checksum")


def _no_bundle(file: Path, why: str) -> InputFileError:
    return InputFileError(
        f"the bundle cannot be opened: {why}",
        where=str(file),
        do="Nothing was written. Get a new copy of the bundle.",
    )
