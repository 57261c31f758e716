"""Do one run's job, and leave behind how it ended."""

import errno
import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from lobass_core.errors import (
    IncomparableLossesError,
    LobassError,
    MemoryShortError,
    ModelError,
    RenderError,
    RequestError,
    RunError,
    cause_of,
    out_of_memory,
)
from lobass_core.jobs.checksums import is_good
from lobass_core.jobs.progress import ErrorNote
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_kinds import KINDS
from lobass_core.jobs.run_results import RunResult
from lobass_core.words.clock import utc_now
from lobass_core.worker.reporter import Cancelled, EndedInVain, Reporter

# Imported when a run asks for them: the lock must be held before torch has loaded.
JOBS = {
    "score": "lobass_core.worker.score_job:run",
    "preflight": "lobass_core.worker.preflight_job:run",
    "render": "lobass_core.worker.render_job:run",
    "train_reference": "lobass_core.worker.train_job:run",
    "train_base": "lobass_core.worker.train_base_job:run",
    "check_export": "lobass_core.worker.check_export_job:run",
    "validate": "lobass_core.worker.validate_job:run",
    "planted": "lobass_core.worker.planted_job:run",
}
LOCK_SECONDS = 2.0


def main(arguments: list[str]) -> int:
    """Run the job of one run folder; 0 when it is done, 1 when it failed, 3 when it was cancelled."""
    if len(arguments) != 1:
        print("usage: python -m lobass_core.worker RUN_FOLDER", file=sys.stderr)
        return 2
    try:
        run = RunFolder.open(Path(arguments[0]))
    except RunError as error:
        print(error, file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: run.request_cancel())
    with ExitStack() as held:
        try:
            _take_lock(run, held)
            return _work(run)
        except RunError as error:
            # Another worker writes this run's progress: say it in the log alone.
            print(error, file=sys.stderr)
        except OSError as error:
            # Not even the run's own small files can be written: the log is the last place to say why.
            note = _note_of(error, run)
            print(f"error: {note.what} ({note.where}). {note.do}", file=sys.stderr)
    return 1


def _take_lock(run: RunFolder, held: ExitStack) -> None:
    """Hold the run's lock. Whoever asks for the run's state holds it for a moment too, so one refusal is no answer."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            held.enter_context(run.hold_lock())
            return
        except RunError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _work(run: RunFolder) -> int:
    with Reporter(run) as report:
        try:
            run.write_result(_job(run)(run, report))
        except Cancelled:
            report.update(state="cancelled", phase="cancelled", seconds_left=None, finished_at=utc_now(), now=True)
            return 3
        except EndedInVain as end:
            run.write_result(end.result)
            return _failed(report, ErrorNote(end.error.what, end.error.where, end.error.do, is_final=True))
        except LobassError as error:
            if error.__cause__ is not None:
                traceback.print_exc()
            return _failed(report, ErrorNote(error.what, error.where, error.do, _is_final(error, run)))
        except Exception as error:
            traceback.print_exc()
            return _failed(report, _note_of(error, run))
        report.update(state="done", phase="done", seconds_left=0.0, finished_at=utc_now(), now=True)
        return 0


def _job(run: RunFolder) -> Callable[[RunFolder, Reporter], RunResult]:
    module, function = JOBS[run.kind].split(":")
    return getattr(importlib.import_module(module), function)


def _is_final(error: LobassError, run: RunFolder) -> bool:
    """Whether the run would fail again, because of what it was asked or because its input is damaged."""
    if isinstance(error, MemoryShortError):
        return False
    asked_wrongly = isinstance(error, ModelError | RequestError | RenderError | IncomparableLossesError)
    return asked_wrongly or (KINDS[run.kind].reads_input and not is_good(run.input_path))


def _failed(report: Reporter, note: ErrorNote) -> int:
    report.update(state="failed", phase="failed", seconds_left=None, error=note, finished_at=utc_now(), now=True)
    return 1


def _note_of(error: Exception, run: RunFolder) -> ErrorNote:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ErrorNote(
            "the disk is full", str(run.path), "Free some space and resume the run; finished shards are kept."
        )
    if out_of_memory(error):
        return ErrorNote(
            "memory ran out", run.run_id, "Lower --max-tokens, or use a machine with more memory, and resume."
        )
    if isinstance(error, OSError) and error.strerror:
        return ErrorNote(cause_of(error), str(run.path), "Check the path and its permissions, and resume the run.")
    what = f"an unexpected {type(error).__name__}: {cause_of(error)}"
    return ErrorNote(what, run.run_id, f"The details are in {run.log_path}.")


if __name__ == "__main__":
    # A worker that torch's own threads keep alive at exit would hold the lock of a finished run.
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
