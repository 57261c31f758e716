"""Start a worker that outlives its starter, and follow it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lobass_core.errors import RunError
from lobass_core.jobs import remote_code
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder

WORKER = (sys.executable, "-m", "lobass_core.worker")
_WARNING = re.compile(r"\bwarn(ing)?\b|Warning\b", re.IGNORECASE)
_ERROR = re.compile(r"([\w.]*(Error|Exception|Interrupt)\b|error:|fatal\b)", re.IGNORECASE)
# Workers that this process started, by run folder: one that ended before it took its lock is known at once.
_started: dict[Path, subprocess.Popen[bytes]] = {}


def launch(run: RunFolder, command: Sequence[str] = WORKER) -> int:
    """Start the run's worker in its own session, its output in the run's log, and return its PID.

    Raises:
        RequestError: it trusts a model's code, and this process rules that out.
        RunError: the run is already running, or a file of the run cannot be written.
    """
    remote_code.check(run.spec)
    if run.is_alive():
        raise RunError(f"run {run.run_id} is already running", where=str(run.path), do="Follow it, or cancel it first.")
    try:
        run.clear_cancel()
        run.write_progress(Progress(state="queued", phase="starting"))
        with run.log_path.open("ab") as log:
            process = subprocess.Popen(
                [*command, str(run.path)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                # Bars of libraries are for a terminal: in a log, every state of one is a line.
                env={**os.environ, "TQDM_DISABLE": "1"},
            )  # fmt: skip
    except OSError as error:
        raise RunError(
            f"run {run.run_id} cannot be started: {error.strerror}",
            where=str(error.filename or run.path),
            do="Check the permissions and the free space of that folder.",
        ) from error
    _started[run.path] = process
    return process.pid


def follow(
    run: RunFolder, on_progress: Callable[[Progress], None] | None = None, poll_seconds: float = 0.2
) -> Progress:
    """Watch the run until it ends, and return its last progress. Ctrl-C asks the worker to stop, and waits for it.

    Raises:
        RunError: the worker failed (in its own words), was cancelled, or stopped without reporting an error.
    """
    asked_to_stop = False
    while True:
        try:
            never_started = _has_ended(run)
            state, progress = run.state(), run.read_progress()
            if on_progress:
                on_progress(progress)
            if state not in ("running", "queued") or (state == "queued" and never_started):
                return _ended(run, state)
            time.sleep(poll_seconds)
        except KeyboardInterrupt:
            if asked_to_stop:
                raise
            asked_to_stop = True
            run.request_cancel()


def _has_ended(run: RunFolder) -> bool:
    """Whether this process started the run's worker and it is gone. Ask before the state: its last word counts."""
    process = _started.get(run.path)
    return process is not None and process.poll() is not None


def _ended(run: RunFolder, state: str) -> Progress:
    progress = run.read_progress()
    if state == "done":
        return progress
    if state == "cancelled":
        raise RunError(
            f"run {run.run_id} was cancelled",
            where=str(run.path),
            do="What it has saved is kept; resume it to continue.",
        )
    if progress.error:
        raise RunError(progress.error.what, where=progress.error.where, do=progress.error.do)
    how = _how_it_ended(run) or ("did not start" if state == "queued" else "stopped without reporting an error")
    said = _last_error(run)
    raise RunError(
        f"the worker of run {run.run_id} {how}",
        where=str(run.log_path),
        do=f"Resume it. {said}" if said else "Resume it.",
    )


def _how_it_ended(run: RunFolder) -> str:
    """The signal that ended a worker of this process; empty for one of another process, or one that ended by itself."""
    process = _started.get(run.path)
    code = process.poll() if process else None
    if code is None or code >= 0:
        return ""
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    memory = ", as the system does if memory runs out" if -code == signal.SIGKILL else ""
    return f"was killed by {name}{memory}"


def _last_error(run: RunFolder) -> str:
    """The last error in the worker's log; without one, what it said last, without warnings and the code they quote."""
    try:
        lines = run.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    # Python quotes the line that it warns of or that failed, indented, under the place of it.
    said = [line.strip() for line in lines if line.strip() and not line[0].isspace() and not _WARNING.search(line)]
    error = next((line for line in reversed(said) if _ERROR.match(line)), "")
    if _how_it_ended(run) or not said:
        return f"The last error in its log: {error}" if error else ""
    return f"The last error in its log: {error}" if error else f"Its log ends with: {said[-1]}"
