"""A run as a folder: settings in, progress and shards out; it survives whoever started it."""

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from lobass_core.errors import RunError
from lobass_core.jobs.progress import Progress, RunState

RUN_ID = re.compile(r"r-(\d{4,})")
ENDED: tuple[RunState, ...] = ("done", "failed", "cancelled")
# A worker takes its lock before it imports torch; one that has not after this long never started.
START_SECONDS = 30.0
# Whoever asks whether a run is alive holds its lock for some microseconds: one refusal is no answer yet.
PROBE_SECONDS = 0.05
LOCK_SECONDS = 1.0


def utc_now() -> str:
    """The time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class RunFolder:
    """One run's files. Whoever holds `worker.lock` is its worker; finished shards are its resume log."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            document = json.loads((path / "spec.json").read_text(encoding="utf-8"))
            self.run_id: str = document["run_id"]
            self.kind: str = document["kind"]
            self.created_at: str = document["created_at"]
            self.spec: dict = document["spec"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError("the run has no readable spec.json", where=str(path)) from error

    @classmethod
    def create(cls, runs_dir: Path, kind: str, spec: dict) -> Self:
        """Make the next run, r-0001, r-0002 ...; two callers at once get two runs."""
        runs_dir.mkdir(parents=True, exist_ok=True)
        number = max(
            (int(match[1]) for entry in runs_dir.iterdir() if (match := RUN_ID.fullmatch(entry.name))), default=0
        )
        while True:
            number += 1
            path = runs_dir / f"r-{number:04d}"
            try:
                path.mkdir()
            except FileExistsError:
                continue
            break
        (path / "shards").mkdir()
        document = {"kind": kind, "run_id": path.name, "created_at": utc_now(), "spec": spec}
        _replace(path / "spec.json", json.dumps(document, ensure_ascii=False, indent=2))
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open an existing run.

        Raises:
            RunError: the folder holds no run.
        """
        return cls(path)

    @property
    def input_path(self) -> Path:
        return self.path / "input.parquet"

    @property
    def known_path(self) -> Path:
        return self.path / "known.parquet"

    @property
    def shards_dir(self) -> Path:
        return self.path / "shards"

    @property
    def log_path(self) -> Path:
        return self.path / "log"

    @property
    def result_path(self) -> Path:
        return self.path / "result.json"

    @property
    def _progress_path(self) -> Path:
        return self.path / "progress.json"

    def write_progress(self, progress: Progress) -> None:
        """Replace progress.json whole, so that a reader never sees half of it."""
        _replace(self._progress_path, json.dumps(progress.to_dict(), ensure_ascii=False))

    def read_progress(self) -> Progress:
        """The last progress written; a queued one before the first, or where the disk has lost it."""
        try:
            return Progress.from_dict(json.loads(self._progress_path.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError):
            return Progress()

    def write_result(self, result: dict) -> None:
        """Write result.json, the worker's last word."""
        _replace(self.result_path, json.dumps(result, ensure_ascii=False, indent=1))

    def read_result(self) -> dict:
        """The worker's result.

        Raises:
            RunError: the run has not finished.
        """
        try:
            return json.loads(self.result_path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise RunError(f"run {self.run_id} has no result yet", where=str(self.path)) from error

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
            RunError: another worker is at it.
        """
        lock = FileLock(self._lock_path)
        try:
            lock.acquire(timeout=LOCK_SECONDS, poll_interval=0.01)
        except Timeout as error:
            raise RunError(f"run {self.run_id} is already going", where=str(self.path)) from error
        try:
            yield
        finally:
            lock.release()

    def is_alive(self) -> bool:
        """Whether a worker holds the lock; the system frees it when the worker dies, however it dies."""
        if not self._lock_path.exists():
            return False
        lock = FileLock(self._lock_path)
        try:
            lock.acquire(timeout=PROBE_SECONDS, poll_interval=0.01)
        except Timeout:
            return True
        lock.release()
        return False

    def state(self) -> RunState:
        """What the run is in; `interrupted` has neither a worker nor an end, and can be resumed."""
        state = self.read_progress().state
        if state not in ENDED:
            if self.is_alive():
                return "running"
            # The worker may have ended between the two looks; its last word was written before it let go of the lock.
            state = self.read_progress().state
        if state in ENDED:
            return state
        return "queued" if state == "queued" and not self._start_is_overdue() else "interrupted"

    def _start_is_overdue(self) -> bool:
        try:
            queued_at = self._progress_path.stat().st_mtime
        except FileNotFoundError:
            return False
        return time.time() - queued_at > START_SECONDS

    def write_shard(self, name: str, table: pa.Table) -> Path:
        """Write `shards/NAME.parquet` so that it is there whole or not at all, also after a power cut."""
        return write_parquet(self.shards_dir / f"{name}.parquet", table)

    def set_aside(self, shard: Path) -> Path:
        """Rename a shard that cannot be read to NAME.parquet.torn, so that a resumed worker computes it again."""
        return shard.replace(shard.with_name(f"{shard.name}.torn"))

    def finished_shards(self) -> list[Path]:
        """Shards by name; what a killed worker left half written is not among them."""
        return sorted(self.shards_dir.glob("*.parquet"))


def list_runs(runs_dir: Path) -> list[RunFolder]:
    """All runs, oldest first; a folder that a crash left without a readable spec is passed over."""
    if not runs_dir.is_dir():
        return []
    numbers = [(int(match[1]), path) for path in runs_dir.iterdir() if (match := RUN_ID.fullmatch(path.name))]
    runs = []
    for _, path in sorted(numbers):
        with suppress(RunError):
            runs.append(RunFolder(path))
    return runs


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


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
