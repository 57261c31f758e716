"""The checksums of a model that was trained here, in one file of its folder that `sha256sum -c` reads.

Files with a checksum of their own beside them are left to that one: an update of the store may extend them.
"""

import hashlib
import os
from pathlib import Path

from lobass_core.files.atomic_file import write_whole
from lobass_core.jobs.checksums import SUFFIX, CheckedFile, check_file, checksum_path

SUMS = "SHA256SUMS"


def write_sums(folder: Path) -> None:
    """Write the checksums of all files of a folder that is complete, and put it all on the disk."""
    lines = []
    for path in _own_files(folder):
        with path.open("rb+") as file:
            os.fsync(file.fileno())
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.relative_to(folder).as_posix()}\n")
    write_whole(folder / SUMS, "".join(lines))


def read_sums(folder: Path) -> dict[Path, str]:
    """The sha256 of each file by its path; empty for a folder that has no list, or one that cannot be read."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.split("  ", 1) for line in lines)
    return {folder / pair[1]: pair[0] for pair in pairs if len(pair) == 2}


def verify_folder(folder: Path) -> list[CheckedFile]:
    """Read every file of a model's folder whole and compare it with its checksum, in the order of their paths.

    A file that the list names and that is gone is damaged; one that it does not name is unchecked.
    """
    sums = read_sums(folder)
    tables = [path for path in folder.rglob("*.parquet") if checksum_path(path).exists()]
    own = {*_own_files(folder), *sums}
    return sorted([*(check_file(path, sums.get(path)) for path in {*own, *tables})], key=lambda checked: checked.path)


def _own_files(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != SUFFIX and path.name != SUMS)
    return sorted(path for path in files if not checksum_path(path).exists())
