"""The runs of a project, those included that nobody can read."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from lobass_core.errors import RunError
from lobass_core.jobs.progress import ErrorNote
from lobass_core.jobs.run_files import RunFiles
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_ids import number_of


class DamagedRun(RunFiles):
    """A run whose spec.json cannot be read: its settings are unknown, but its shards can still be used."""

    def __init__(self, path: Path, error: RunError) -> None:
        super().__init__(path)
        self.note = ErrorNote(
            error.what,
            error.where,
            error.do or "Restore the file from a backup, or remove the run's folder if you do not need it.",
        )
        self.changed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")

    def is_live(self) -> bool:
        """Whether a worker is running."""
        return self.is_alive()


def list_runs(runs_dir: Path) -> list[RunFolder]:
    """All runs that can be read, oldest first; `scan_runs` has the others too."""
    return [run for run in scan_runs(runs_dir) if isinstance(run, RunFolder)]


def scan_runs(runs_dir: Path) -> list[RunFolder | DamagedRun]:
    """All runs, oldest first."""
    if not runs_dir.is_dir():
        return []
    numbers = [(number, path) for path in runs_dir.iterdir() if (number := number_of(path.name))]
    runs: list[RunFolder | DamagedRun] = []
    for _, path in sorted(numbers):
        # Another process may have removed it since the folder was listed.
        with suppress(FileNotFoundError):
            runs.append(open_any(path))
    return runs


def open_any(path: Path) -> RunFolder | DamagedRun:
    """The run in that folder, whether or not its spec.json can be read.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    try:
        return RunFolder(path)
    except RunError as error:
        return DamagedRun(path, error)
