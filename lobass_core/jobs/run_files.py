"""The files of a run folder, whether or not its settings can be read: lock, cancel request, shards, checksums."""

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from lobass_core.errors import RunError
from lobass_core.files import read_only
from lobass_core.files.atomic_file import unfinished_file
from lobass_core.jobs.checksums import (
    CheckedFile,
    check_file,
    checksum_path,
    is_good,
    require_good,
    seal,
    write_checked,
)
from lobass_core.jobs.run_ids import number_of
from lobass_core.records import REFERENCE

# Whoever asks whether a run is alive holds its lock for some microseconds: one refusal is no answer yet.
PROBE_SECONDS = 0.05
LOCK_SECONDS = 1.0
# Sample ids that a reference was trained on, in its own folder and in those of the runs that score with it.
TRAINED_ON = "trained_on.parquet"
# Beside a model that was trained here: each sample with the step, counted from 1, that first showed it.
FIRST_STEPS = "first_steps.parquet"


def folds_file(column: str) -> str:
    """The file in a run folder that says which fold model of a loss column scored each sample."""
    return "folds.parquet" if column == REFERENCE else f"folds-{column.partition('@')[2]}.parquet"


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
        """Ask the worker to stop after the batch or step at work."""
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
        try:
            if not self._lock_path.is_file():
                return False
        except PermissionError:  # nobody may look into the folder
            return False
        if read_only.is_asked_for():
            return _is_locked(self._lock_path)
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

    @property
    def damaged_dir(self) -> Path:
        return self.path / "damaged"

    def set_aside(self, shard: Path) -> Path:
        """Move a damaged shard to `damaged/`, without its checksum, so that a resumed worker computes it again."""
        self.damaged_dir.mkdir(exist_ok=True)
        moved = shard.replace(self.damaged_dir / shard.name)
        checksum_path(shard).unlink(missing_ok=True)
        return moved

    def set_damaged_aside(self) -> list[Path]:
        """Read every shard whole and set those aside that do not fit their checksums; where they are now."""
        return [self.set_aside(path) for path in self.finished_shards() if may_read(path) and not is_good(path)]

    def missing_shards(self) -> list[str]:
        """Names of damaged shards that were set aside and have not been computed again."""
        if not (set_aside := _tables_in(self.damaged_dir)):
            return []
        again = {path.name for path in self.finished_shards()}
        return [path.stem for path in set_aside if path.name not in again]

    def verify(self, on_record: Mapping[str, str] | None = None) -> list[CheckedFile]:
        """Read every Parquet file of the run whole and compare it with its checksum, in the order of their paths.

        `on_record` has the sha256 of shards that are in the store, by name, for those that have no checksum file.
        """
        recorded = on_record or {}
        shards = [check_file(path, recorded.get(path.stem)) for path in self.finished_shards()]
        others = [*_tables_in(self.path), *self.token_tables()]
        return sorted([*shards, *map(check_file, others)], key=lambda checked: checked.path)

    def finished_shards(self) -> list[Path]:
        """Shards by name; what a killed worker left half written is not among them."""
        return _tables_in(self.shards_dir)

    def token_tables(self) -> list[Path]:
        """Files of tokens by name."""
        return _tables_in(self.tokens_dir)


def _tables_in(folder: Path) -> list[Path]:
    """Parquet files of a folder by name; none where there is no folder or where this user may not look into it."""
    try:
        return sorted(folder.glob("*.parquet"))
    except PermissionError:
        return []


def may_read(path: Path) -> bool:
    """Whether this user may read a file, or list the files of a folder and open them."""
    rights = os.R_OK | os.X_OK if path.is_dir() else os.R_OK
    return os.access(path, rights, effective_ids=os.access in os.supports_effective_ids)


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
    """Columns of a Parquet file in a run folder, whose checksum has been compared.

    Raises:
        RunError: the file is missing or damaged; the sentence names file and run.
    """
    try:
        require_good(path)
        return pq.read_table(path, columns=columns, filters=filters, partitioning=None)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        reason = f"cannot be read: {str(error).splitlines()[0]}"
        raise _unusable(path, reason) from error
    except RunError as error:
        raise _unusable(path, error.what.removeprefix(f"{path.name} ")) from error


def _unusable(path: Path, reason: str) -> RunError:
    folder = path.parent if path.parent.name not in ("shards", "tokens") else path.parent.parent
    if number_of(folder.name):
        do = "Start a new run: losses in the project are not computed again."
        return RunError(f"{path.name} of run {folder.name} {reason}", where=str(path), do=do)
    return RunError(f"{path.name} of {folder.name} {reason}", where=str(path), do="Restore the file from a backup.")


def write_parquet(path: Path, table: pa.Table) -> Path:
    """Write a Parquet file with its checksum, whole or not at all."""
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    write_checked(path, memoryview(buffer.getvalue()))
    return path


def write_batches(path: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> int:
    """Write record batches as a Parquet file with its checksum, a batch at a time; returns the number of rows."""
    n_rows = 0
    with unfinished_file(path) as unfinished:
        with pq.ParquetWriter(unfinished, schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_table(pa.Table.from_batches([batch]).cast(schema))
                n_rows += batch.num_rows
        seal(unfinished, path)
    return n_rows
