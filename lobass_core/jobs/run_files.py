"""The files of a run folder, whether or not its settings can be read: lock, cancel request, shards."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from lobass_core.errors import RunError

# Whoever asks whether a run is alive holds its lock for some microseconds: one refusal is no answer yet.
PROBE_SECONDS = 0.05
LOCK_SECONDS = 1.0
# Sample ids that a reference was trained on, in its own folder and in those of the runs that score with it.
TRAINED_ON = "trained_on.parquet"


class RunFiles:
    """One run's files. Whoever holds `worker.lock` is its worker; finished shards are its resume log."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run_id = path.name

    @property
    def input_path(self) -> Path:
        return self.path / "input.parquet"

    @property
    def known_path(self) -> Path:
        return self.path / "known.parquet"

    @property
    def folds_path(self) -> Path:
        return self.path / "folds.parquet"

    @property
    def trained_on_path(self) -> Path:
        return self.path / TRAINED_ON

    @property
    def shards_dir(self) -> Path:
        return self.path / "shards"

    @property
    def tokens_dir(self) -> Path:
        return self.path / "tokens"

    @property
    def log_path(self) -> Path:
        return self.path / "log"

    @property
    def result_path(self) -> Path:
        return self.path / "result.json"

    @property
    def progress_path(self) -> Path:
        return self.path / "progress.json"

    def request_cancel(self) -> None:
        """Ask the worker to stop at its next shard."""
        (self.path / "CANCEL").touch()

    def cancel_requested(self) -> bool:
        return (self.path / "CANCEL").exists()

    def clear_cancel(self) -> None:
        """Take the request back, before a resume."""
        (self.path / "CANCEL").unlink(missing_ok=True)

    @property
    def _lock_path(self) -> Path:
        return self.path / "worker.lock"

    @contextmanager
    def hold_lock(self) -> Iterator[None]:
        """Be this run's worker for the length of the block.

        Raises:
            RunError: another worker holds it.
        """
        lock = FileLock(self._lock_path)
        try:
            lock.acquire(timeout=LOCK_SECONDS, poll_interval=0.01)
        except Timeout as error:
            raise RunError(f"run {self.run_id} is already running", where=str(self.path)) from error
        try:
            yield
        finally:
            lock.release()

    def is_alive(self) -> bool:
        """Whether a worker holds the lock; the system frees it when the worker dies, however it dies."""
        if not self._lock_path.is_file():
            return False
        lock = FileLock(self._lock_path)
        try:
            lock.acquire(timeout=PROBE_SECONDS, poll_interval=0.01)
        except Timeout:
            return True
        except OSError:
            return _is_locked(self._lock_path)
        lock.release()
        return False

    def write_shard(self, name: str, table: pa.Table) -> Path:
        """Write `shards/NAME.parquet` so that it is there whole or not at all, also after a power cut."""
        return write_parquet(self.shards_dir / f"{name}.parquet", table)

    def set_aside(self, shard: Path) -> Path:
        """Rename a shard that cannot be read to NAME.parquet.torn, so that a resumed worker computes it again."""
        return shard.replace(shard.with_name(f"{shard.name}.torn"))

    def finished_shards(self) -> list[Path]:
        """Shards by name; what a killed worker left half written is not among them."""
        return sorted(self.shards_dir.glob("*.parquet"))


def _is_locked(path: Path) -> bool:
    """Whether somebody holds a lock file that this process may not write."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def read_parquet(path: Path, columns: list[str] | None = None, filters: list[tuple] | None = None) -> pa.Table:
    """Columns of a Parquet file in a run folder.

    Raises:
        RunError: the file is missing or damaged; the sentence names file and run.
    """
    try:
        return pq.read_table(path, columns=columns, filters=filters, partitioning=None)
    except (OSError, KeyError, pa.ArrowException) as error:
        folder = path.parent if path.parent.name not in ("shards", "tokens") else path.parent.parent
        raise RunError(
            f"{path.name} of run {folder.name} cannot be read: {str(error).splitlines()[0]}",
            where=str(path),
            do="Start a new run: losses on record are not computed again.",
        ) from error


def write_parquet(path: Path, table: pa.Table) -> Path:
    """Write a Parquet file under a temporary name, fsync it, and rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with unfinished.open("wb") as file:
        pq.write_table(table, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return path
