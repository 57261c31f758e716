"""Half-written files and folders that killed processes left in a project, or where they wrote for it."""

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from lobass_core.jobs.run_files import RunFiles
from lobass_core.project import Project
from lobass_core.words.clock import age_of
from lobass_core.workflows.outputs import WRITING, killed_outputs

# A process that is running renames its files within moments.
STALE_SECONDS = 60.0
# A run that was being prepared or removed; copies of the store on their way into a bundle.
_FOLDERS = ("runs/.new-run-*", "runs/.r-*-removed-*", ".lobass-*")
# DuckDB puts a log beside a store that it is writing. Beside the project's own folders there may be anything.
_UNFINISHED = (".*.tmp", ".*.tmp.wal")
_OWN = ("sample_data", "uploads", "runs", "models", "validation", WRITING)
_FILES = (*_UNFINISHED, *(f"{own}/**/{name}" for own in _OWN for name in _UNFINISHED))
_STAGED = re.compile(r"\.(?P<name>.+)\.(?P<pid>\d+)\.[0-9a-f]{8}(?P<old>\.old)?\.lobass")
_SPILLED = re.compile(r"duckdb_temp_(?P<pid>\d+)_.+")


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file or folder that can go; `belongs` is where it has to be put back instead, None for nearly all."""

    path: Path
    n_bytes: int
    belongs: Path | None = None

    @property
    def is_note(self) -> bool:
        """Whether it only says where a killed process was writing."""
        return self.path.parent.name == WRITING


def leftovers(project: Project) -> list[Leftover]:
    """What is left, in the order of the paths. Files of a worker that is running are not."""
    left = [*_stale_files(project), *_stale_folders(project), *_staged_exports(project), *_spilled(project)]
    left += _outside(project)
    return sorted(left, key=lambda item: item.path)


def clear(items: list[Leftover]) -> list[Leftover]:
    """Remove these, and put back what belongs elsewhere; returns those for which it worked.

    Notes of killed outputs stay as long as something could not be removed: nothing else says where it is.
    """
    done: list[Leftover] = []
    for n_before, item in enumerate(sorted(items, key=lambda one: one.is_note)):
        if item.is_note and len(done) < n_before:
            continue
        with suppress(OSError):
            if item.belongs:
                item.path.rename(item.belongs)
            elif item.path.is_dir() and not item.path.is_symlink():
                shutil.rmtree(item.path)
            else:
                item.path.unlink()
            done.append(item)
    return done


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; links count as nothing."""
    if path.is_symlink():
        return 0
    total = 0
    for one in path.rglob("*") if path.is_dir() else (path,):
        with suppress(OSError):
            total += one.lstat().st_size if one.is_file() and not one.is_symlink() else 0
    return total


def _stale_files(project: Project) -> Iterator[Leftover]:
    for pattern in _FILES:
        for path in project.root.glob(pattern):
            run = next((parent for parent in path.parents if parent.parent == project.runs_dir), None)
            if path.is_file() and _is_stale(path) and not (run and RunFiles(run).is_alive()):
                yield Leftover(path, size_of(path))


def _stale_folders(project: Project) -> Iterator[Leftover]:
    for pattern in _FOLDERS:
        for path in project.root.glob(pattern):
            if path.is_dir() and _is_stale(path) and not RunFiles(path).is_alive():
                yield Leftover(path, size_of(path))


def _staged_exports(project: Project) -> Iterator[Leftover]:
    """An export that was being written; and one that was to be replaced, put back where nothing has taken its place."""
    for path in project.exports_dir.rglob(".*.lobass"):
        match = _STAGED.fullmatch(path.name)
        if match and path.is_dir() and not psutil.pid_exists(int(match["pid"])) and _is_stale(path):
            home = path.with_name(match["name"])
            yield Leftover(path, size_of(path), home if match["old"] and not home.exists() else None)


def _outside(project: Project) -> Iterator[Leftover]:
    """What was being written outside of the project, and the notes of it."""
    for killed in killed_outputs(project):
        if _is_stale(killed.note):
            yield Leftover(killed.note, size_of(killed.note))
            for path in killed.left:
                match = _STAGED.fullmatch(path.name)
                home = path.with_name(match["name"]) if match else path
                yield Leftover(path, size_of(path), home if match and match["old"] and not home.exists() else None)


def _spilled(project: Project) -> Iterator[Leftover]:
    """What queries of a killed process put on the disk for lack of memory; DuckDB never clears it."""
    for path in project.root.glob(f"{project.store_path.name}.tmp/*"):
        match = _SPILLED.fullmatch(path.name)
        if match and path.is_file() and not psutil.pid_exists(int(match["pid"])) and _is_stale(path):
            yield Leftover(path, size_of(path))


def _is_stale(path: Path) -> bool:
    with suppress(OSError):
        return age_of(path) > STALE_SECONDS
    return False
