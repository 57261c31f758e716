"""Start a worker that outlives its starter, and follow it."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from lobass_core.errors import RunError
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder

WORKER = (sys.executable, "-m", "lobass_core.worker")
# A worker takes its lock before it imports torch; one that has not after this long never started.
START_SECONDS = 30.0


def launch(run: RunFolder, command: Sequence[str] = WORKER) -> int:
    """Start the run's worker in its own session, its output in the run's log, and return its PID."""
    run.clear_cancel()
    run.write_progress(Progress(state="queued", phase="starting"))
    with run.log_path.open("ab") as log:
        process = subprocess.Popen(
            [*command, str(run.path)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    return process.pid


def follow(
    run: RunFolder, on_progress: Callable[[Progress], None] | None = None, poll_seconds: float = 0.2
) -> Progress:
    """Watch the run until it ends, and return its last progress. Ctrl-C asks the worker to stop, and waits for it.

    Raises:
        RunError: the worker failed (in its own words), was cancelled, or died.
    """
    deadline = time.monotonic() + START_SECONDS
    asked_to_stop = False
    while True:
        try:
            state, progress = run.state(), run.read_progress()
            if on_progress:
                on_progress(progress)
            if state not in ("running", "queued"):
                break
            if state == "queued" and time.monotonic() > deadline:
                raise RunError("the worker did not start", where=str(run.log_path), do=_last_words(run))
            time.sleep(poll_seconds)
        except KeyboardInterrupt:
            if asked_to_stop:
                raise
            asked_to_stop = True
            run.request_cancel()
    return _ended(run, state)


def _ended(run: RunFolder, state: str) -> Progress:
    progress = run.read_progress()
    if state == "done":
        return progress
    if state == "cancelled":
        raise RunError(
            f"run {run.run_id} was cancelled", where=str(run.path), do="What it computed is kept; resume it."
        )
    if progress.error:
        raise RunError(progress.error.what, where=progress.error.where, do=progress.error.do)
    raise RunError(
        f"the worker of run {run.run_id} died", where=str(run.log_path), do=f"Resume it. {_last_words(run)}".strip()
    )


def _last_words(run: RunFolder) -> str:
    try:
        lines = run.log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return f"Its log ends: {lines[-1]}" if lines else ""
