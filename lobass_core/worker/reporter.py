"""How a job says where it is: throttled progress, a heartbeat, memory, and the question whether to stop."""

import contextlib
import threading
import time
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import psutil

from lobass_core.errors import LobassError
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import RunResult
from lobass_core.words.clock import utc_now

WRITE_SECONDS = 0.5
HEARTBEAT_SECONDS = 2.0


class Cancelled(Exception):
    """The run's owner asked it to stop; what is finished stays."""


class EndedInVain(Exception):
    """The run came to its end and its result stays, but the run has failed: `error` says why."""

    def __init__(self, result: RunResult, error: LobassError) -> None:
        super().__init__(str(error))
        self.result, self.error = result, error


class Reporter:
    """Writes a run's progress: at most twice a second by `update`, and every two seconds by a heartbeat of its own.

    Used as a context manager; the heartbeat runs inside the block.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.progress = Progress(state="running", phase="starting", started_at=utc_now())
        self._lock = threading.Lock()
        self._written_at = 0.0
        self._peak_bytes = 0
        self._stop = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._write()
        self._heart.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._heart.join()

    def update(self, *, now: bool = False, **changes: Any) -> None:
        """Change fields of the progress; a new phase, or `now`, is written at once."""
        with self._lock:
            new_phase = changes.get("phase", self.progress.phase) != self.progress.phase
            self.progress = replace(self.progress, **changes)
        if now or new_phase or time.monotonic() - self._written_at >= WRITE_SECONDS:
            self._write()

    def check_cancel(self) -> None:
        """Stop here if the run's owner asked for it.

        Raises:
            Cancelled: they did.
        """
        if self.run.cancel_requested():
            raise Cancelled

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            self._write()

    def _write(self) -> None:
        memory = psutil.virtual_memory().total
        with self._lock:
            self._peak_bytes = max(self._peak_bytes, _resident_bytes())
            self.progress = replace(
                self.progress,
                heartbeat_at=utc_now(),
                peak_bytes=max(self._peak_bytes, self.progress.peak_bytes or 0),
                memory_total_bytes=self.progress.memory_total_bytes or memory,
            )
            self.run.write_progress(self.progress)
            self._written_at = time.monotonic()


def _resident_bytes() -> int:
    """What this process and those that it started hold in memory."""
    total, me = 0, psutil.Process()
    for process in (me, *me.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total
