"""Commands and workers as processes of their own, forked from one that has imported everything: a start takes 20 ms.

So a random moment of a command falls into its work, and seldom into the start of Python.
"""

import atexit
import importlib
import multiprocessing
import os
import resource
import sys
import types
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal
from unittest.mock import patch

from lobass_core.errors import RunError
from lobass_core.jobs.run_folder import RunFolder

PRELOADED = ("lobass_core.cli.main", "tests.faults.prepared")
# Left out where the first task of all needs none of it: torch takes seconds to import.
PRELOADED_FOR_WORKERS = (
    "lobass_core.worker.__main__",
    "lobass_core.worker.score_job",
    "lobass_core.worker.train_job",
    "transformers.models.llama.modeling_llama",
    "transformers.trainer",
    "tests.models",
)
# Small shards, so that a small run has many.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "LOBASS_SHARD_SAMPLES": "16",
    "LOBASS_TRACEBACK": "1",
    "NO_COLOR": "1",
    "HF_HUB_OFFLINE": "1",
}
LAST_LINES = 40
_forks = multiprocessing.get_context("forkserver")


@dataclass(frozen=True, slots=True)
class Task:
    """What a process does: a `lobass` command, a run's worker, or a function that prepares something.

    `words` are those of the command line, the run's folder, or the function's name and arguments.
    """

    kind: Literal["lobass", "worker", "prepare"]
    words: tuple[str, ...]
    max_file_bytes: int = 0
    read_only: str = ""

    def at(self, folder: Path) -> "Task":
        """The same with `{folder}` filled in."""
        words = tuple(word.format(folder=folder) for word in self.words)
        return Task(self.kind, words, self.max_file_bytes, self.read_only)


def lobass(line: str) -> Task:
    """A command line, `{folder}` open; its words hold no spaces."""
    return Task("lobass", tuple(line.split()))


def start(task: Task, said: Path) -> BaseProcess:
    """Start it; what it prints is added to the file `said`."""
    # A child that is not forked from the first process looks for its parent's main module: here that is a test runner.
    before = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        needs_torch = task.kind == "worker" or "models" in task.words
        # Without effect once the first process has been started.
        _forks.set_forkserver_preload([*PRELOADED, *(PRELOADED_FOR_WORKERS if needs_torch else ())])
        process = _forks.Process(target=_become, args=(task, str(said)), daemon=False)
        with patch.dict(os.environ, ENVIRONMENT):
            process.start()
    finally:
        sys.modules["__main__"] = before
    return process


def finish(process: BaseProcess, seconds: float = 300) -> int | None:
    """Wait for its exit code; None where it had to be killed because it did not end."""
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        return None
    return process.exitcode


def _become(task: Task, said: str) -> None:
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if task.max_file_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (task.max_file_bytes, task.max_file_bytes))
    try:
        with ExitStack() as held:
            if task.read_only:
                from tests.read_only import read_only

                held.enter_context(read_only(Path(task.read_only)))
            _do(task)
    finally:
        # A forked process would leave these out: the store is closed by one of them.
        atexit._run_exitfuncs()


def _do(task: Task) -> None:
    if task.kind == "worker":
        from lobass_core.worker import scoring_pass
        from lobass_core.worker.__main__ import main as work

        # Whatever it was when the process that all are forked from imported it.
        scoring_pass.SHARD_SAMPLES = int(ENVIRONMENT["LOBASS_SHARD_SAMPLES"])
        sys.exit(work(list(task.words)))
    if task.kind == "prepare":
        name, *arguments = task.words
        getattr(importlib.import_module("tests.faults.prepared"), name)(*map(Path, arguments))
        return
    from lobass_core.cli.main import main

    sys.argv = ["lobass", *task.words]
    main()


def words_of(said: Path) -> str:
    """The last lines that a process printed, as one line; warnings of the libraries are left out."""
    if not said.is_file():
        return ""
    lines = said.read_text(encoding="utf-8", errors="replace").splitlines()
    lines = [line for line in lines if "Warning" not in line and "return forward_call" not in line]
    return " ".join(" ".join(lines[-LAST_LINES:]).split())


def end_of(task: Task, said: Path) -> str:
    """What a person is told of a task that has ended: of a worker, what its run says of itself."""
    if task.kind != "worker":
        return words_of(said)
    try:
        progress = RunFolder.open(Path(task.words[0])).read_progress()
    except RunError as error:
        return f"error: {error}"
    if progress.error:
        return f"error: {progress.error.what}. {progress.error.do}"
    return "run done" if progress.state == "done" else words_of(said)
