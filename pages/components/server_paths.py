"""Which files of this machine the dashboard may read: those in allowed folders, whatever links a path contains.

The folders are those of LOBASS_IMPORT_DIRS (separated like PATH); unset, the project's, the one that the dashboard was
started in, and the home of the user who started it. The command line reads any file that its user can.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from lobass_core.errors import RequestError
from lobass_core.project import Project

DATA_ENDINGS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".arrow", ".feather", ".gz", ".zst")
MAX_LISTED = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder that a person may open."""

    path: Path
    is_folder: bool
    n_bytes: int


def start_folder() -> Path:
    """The folder in which the dashboard was started; Streamlit itself runs beside app.py, but PWD tells."""
    started = Path(os.environ.get("PWD") or Path.cwd())
    return (started if started.is_dir() else Path.cwd()).resolve()


def allowed_folders(project: Project) -> tuple[Path, ...]:
    """The folders, resolved, each once."""
    named = os.environ.get("LOBASS_IMPORT_DIRS", "")
    folders = [Path(part) for part in named.split(os.pathsep) if part] or [start_folder(), project.root, Path.home()]
    return tuple(dict.fromkeys(folder.expanduser().resolve() for folder in folders))


def checked(text: str, project: Project) -> Path:
    """The real path that a typed one names, links followed; relative ones start where the dashboard was started.

    Raises:
        RequestError: it lies outside the allowed folders, or is no path.
    """
    try:
        path = (start_folder() / Path(text.strip()).expanduser()).resolve()
    except (OSError, RuntimeError, ValueError):
        raise RequestError("not a valid path", where=repr(text[:200]), do="Give the path of a file.") from None
    folders = allowed_folders(project)
    if not any(path.is_relative_to(folder) for folder in folders):
        raise RequestError(
            "the path is outside the folders that the dashboard may read",
            where=str(path),
            do="Allowed: "
            + ", ".join(map(str, folders))
            + ". To allow others, set LOBASS_IMPORT_DIRS before you start it.",
        )
    return path


def is_file(text: str, project: Project) -> bool:
    """Whether a path that came by a link leads to a file in the allowed folders; nothing else is looked for."""
    try:
        return checked(text, project).is_file()
    except (RequestError, OSError):
        return False


def listing(folder: Path, project: Project) -> list[Entry]:
    """Folders and data files in a folder, folders first; hidden ones and those that lead outside are left out."""
    shown_entries = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if (shown := _entry(entry, project)) is not None:
                    shown_entries.append(shown)
                if len(shown_entries) >= 10 * MAX_LISTED:
                    break
    except OSError:
        return []
    return sorted(shown_entries, key=lambda entry: (not entry.is_folder, entry.path.name.lower()))[:MAX_LISTED]


def _entry(entry: os.DirEntry, project: Project) -> Entry | None:
    if entry.name.startswith("."):
        return None
    try:
        is_folder = entry.is_dir()
        if not is_folder and not entry.name.lower().endswith(DATA_ENDINGS):
            return None
        if entry.is_symlink():
            checked(entry.path, project)
        return Entry(Path(entry.path), is_folder, 0 if is_folder else entry.stat().st_size)
    except (OSError, RequestError):
        return None
