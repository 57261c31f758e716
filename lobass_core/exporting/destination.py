"""The folder an export ends up in: all of it or nothing, and never over somebody's work."""

import contextlib
import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil

from lobass_core.errors import ExportError, InputFileError
from lobass_core.exporting.data_file import file_sha256
from lobass_core.files.atomic_file import sync_folder
from lobass_core.files.named_files import check_regular, irregular_kind

MANIFEST_NAME = "manifest.json"
MANIFEST_MARK = "lobass_manifest"
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class EarlierExport:
    """An export found on disk. `changed` and `missing` are files that no longer are what its manifest says;
    `foreign` are files that it never wrote."""

    manifest: dict
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    foreign: tuple[str, ...]

    @property
    def matches_disk(self) -> bool:
        return not (self.changed or self.missing)


def read_manifest(path: Path) -> dict:
    """The manifest at that path.

    Raises:
        ExportError: it is missing, damaged, or not one of ours.
    """
    try:
        check_regular(path)
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ExportError(
            "there is no such manifest", where=str(path), do="Use the manifest.json of an export."
        ) from None
    except InputFileError as error:
        raise ExportError(error.what, where=str(path), do="Use the manifest.json of an export.") from None
    except (OSError, ValueError) as error:
        raise ExportError(f"the manifest cannot be read: {error}", where=str(path)) from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get(MANIFEST_MARK), int):
        raise ExportError(
            "this is not the manifest of an export", where=str(path), do="Use the manifest.json of an export."
        )
    return manifest


def inspect(folder: Path) -> EarlierExport | None:
    """What stands in the folder, compared with the manifest there; None where there is no manifest of ours."""
    try:
        return compare(folder, read_manifest(folder / MANIFEST_NAME))
    except ExportError:
        return None


def compare(folder: Path, manifest: dict) -> EarlierExport:
    """What stands in the folder, compared with a manifest."""
    listed = {
        str(entry["name"]): entry for entry in manifest.get("files", []) if _is_inside(str(entry.get("name", "")))
    }
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    changed = [
        name
        for name, entry in listed.items()
        if name in present and _sha256(folder / name) != (entry.get("bytes"), entry.get("sha256"))
    ]
    return EarlierExport(
        manifest,
        changed=tuple(sorted(changed)),
        missing=tuple(sorted(set(listed) - present)),
        foreign=tuple(sorted(present - set(listed) - {MANIFEST_NAME})),
    )


def _sha256(path: Path) -> tuple[int, str] | None:
    """Bytes and sha256 of a file; None for what is no regular file, which may never end."""
    return None if irregular_kind(path) else file_sha256(path)


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts


def is_same_export(manifest: dict, selection: str, format: str) -> bool:
    """Whether a manifest is that of an earlier export of the same selection in the same format."""
    made = manifest.get("export")
    return isinstance(made, dict) and (made.get("selection"), made.get("format")) == (selection, format)


@dataclass(frozen=True, slots=True)
class Claim:
    """What is to be written into a folder. `replace`: also over an untouched export of something else."""

    selection: str
    format: str
    replace: bool = False


def check(to: Path, claim: Claim) -> None:
    """Refuse a destination that holds anything but an untouched earlier export of the same selection and format.

    Raises:
        ExportError: the path is a file, or a folder with something of the user's in it.
    """
    if not to.exists():
        return
    if not to.is_dir():
        raise ExportError("the destination is a file", where=str(to), do="Use a folder; it is created if missing.")
    if os.path.ismount(to):
        # It cannot be renamed, and what is staged beside it is on another file system.
        raise ExportError("the destination is a mount point", where=str(to), do="Use a folder inside it.")
    if not any(to.iterdir()):
        return
    earlier = inspect(to)
    another = "Use another folder, or move what is there."
    if earlier is None:
        raise ExportError(
            "the destination is not empty and does not contain a LoBaSS export", where=str(to), do=another
        )
    if earlier.foreign:
        raise ExportError(f"the destination also contains {_some(earlier.foreign)}", where=str(to), do=another)
    if earlier.changed:
        raise ExportError(
            f"the earlier export there has changed since it was written: {_some(earlier.changed)}",
            where=str(to),
            do=another,
        )
    if not claim.replace and not is_same_export(earlier.manifest, claim.selection, claim.format):
        raise ExportError(
            f"the destination contains another export, {_named(earlier.manifest)}",
            where=str(to),
            do="Use another folder, or replace that export (--replace).",
        )


def _named(manifest: dict) -> str:
    made = manifest.get("export")
    made = made if isinstance(made, dict) else {}
    return f"of selection {made.get('selection')!r} as {made.get('format')}"


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


@contextlib.contextmanager
def staging(to: Path, claim: Claim) -> Iterator[Path]:
    """A new folder beside the destination. Left without an error it takes the destination's place; else it is removed.

    The swap is two renames on one file system: a reader finds the old export, for an instant nothing, then the new one,
    and never half of either. What a killed process left behind is cleared by the next export to the same place.

    Raises:
        ExportError: the destination is refused, the disk is full, or it cannot be written.
    """
    to = Path(os.path.realpath(to))
    staged = to.parent / f".{to.name}.{os.getpid()}.{os.urandom(4).hex()}.lobass"
    try:
        check(to, claim)
        to.parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(to)
        staged.mkdir()
        yield staged
        _sync_folders(staged)
        check(to, claim)
        _take_place(staged, to)
    except OSError as error:
        raise _explained(error, to) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _take_place(staged: Path, to: Path) -> None:
    old = staged.with_suffix(".old.lobass")
    replaced = to.exists()
    if replaced:
        to.rename(old)
    try:
        staged.rename(to)
    except OSError:
        if replaced:
            old.rename(to)
        raise
    sync_folder(to.parent)
    if replaced:
        shutil.rmtree(old, ignore_errors=True)


def _clear_leftovers(to: Path) -> None:
    pattern = re.compile(rf"\.{re.escape(to.name)}\.(\d+)\.[0-9a-f]{{8}}(\.old)?\.lobass")
    for path in to.parent.iterdir():
        match = pattern.fullmatch(path.name)
        if match and not psutil.pid_exists(int(match[1])):
            shutil.rmtree(path, ignore_errors=True)


def _sync_folders(root: Path) -> None:
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        sync_folder(folder)


def _explained(error: OSError, to: Path) -> ExportError:
    if error.errno in _FULL:
        return ExportError(
            "the disk is full; nothing was written",
            where=str(to),
            do="Free some space, or use a folder on another disk.",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ExportError("the destination is not writable", where=str(to), do="Use a folder that you can write to.")
    return ExportError(f"the export could not be written: {error.strerror or error}", where=str(to))
