"""Scoring on a CPU in one process a core: each takes the next shard, longest first, and writes it itself.

One process a core beats one process with as many threads (1,956 against 1,264 tokens a second on two cores): small
products gain little from a second thread, and Python, tokens and sums nothing at all.
"""

import multiprocessing
import os
import queue
import signal
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.queues import Queue
from typing import Any

import psutil
import torch

from lobass_core.errors import LobassError, RunError, cause_of, out_of_memory
from lobass_core.jobs.run_files import RunFiles
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.scoring.engine import Engine, Losses
from lobass_core.scoring.products import Library
from lobass_core.scoring.token_table import TokenTable
from lobass_core.worker.cores import n_cores
from lobass_core.worker.model_cache import ModelCache
from lobass_core.worker.preparation import ModelTask, Prepared
from lobass_core.worker.reporter import Reporter
from lobass_core.worker.score_progress import ScoreProgress
from lobass_core.worker.shards import ShardJob, write_job

# Below this much work the ten seconds that a process takes to start are not worth it.
WORTH_SECONDS = 45.0
_FLOP_A_SECOND = 2e10
_BYTES_A_PROCESS = 1 << 30
_POLL_SECONDS = 0.5
# How long a process may take to end a batch and save its losses once the run is stopped; a batch takes seconds.
_CLOSING_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Batch:
    """A finished batch, as a process tells of it."""

    model: int
    n_samples: int
    n_tokens: int
    n_run: int
    n_read: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """A process has a model in memory."""

    part: str
    note: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A process has nothing more to do, or cannot go on."""

    error: LobassError | None = None


@dataclass(frozen=True, slots=True)
class Orders:
    """What a process is told when it starts, and `stop`, shared with it: not 0 once it should save and end.

    A plain number in shared memory: a process that is killed while it looks at an Event would block all others.
    """

    run_path: Any
    tasks: tuple[ModelTask, ...]
    table: TokenTable
    dtype: str
    library: Library
    render_fp: str
    batch_tokens: int
    parent: int
    stop: Any


def n_processes(prepared: Prepared, table: TokenTable, tasks: Sequence[ModelTask], jobs: Sequence[ShardJob]) -> int:
    """How many processes to score in: 1 on a GPU, for little work, and where memory holds only one model.

    `LOBASS_CPU_PROCESSES` overrules it.
    """
    if prepared.device.type != "cpu" or not jobs:
        return 1
    asked = os.environ.get("LOBASS_CPU_PROCESSES", "")
    if asked.isdigit() and int(asked) > 0:
        return min(int(asked), len(jobs))
    sizes = [task.weight_bytes for task in tasks]
    # Half a FLOP a byte and token in float32: two for each weight of four bytes.
    work = sum(sizes[job.model] / 2 * float(table.lengths[job.places].sum()) for job in jobs) / _FLOP_A_SECOND
    if work < WORTH_SECONDS:
        return 1
    fitting = int(psutil.virtual_memory().available * 0.6 / (2 * max(sizes) + _BYTES_A_PROCESS))
    return max(1, min(n_cores(), fitting, len(jobs)))


def score_in_processes(
    n: int,
    run: RunFolder,
    report: Reporter,
    prepared: Prepared,
    table: TokenTable,
    progress: ScoreProgress,
    tasks: Sequence[ModelTask],
    jobs: Sequence[ShardJob],
) -> list[str]:
    """Compute the jobs in n processes, and return what there is to note about the models.

    Raises:
        Cancelled: the run's owner asked to stop; the losses measured so far stay.
        LobassError: a process failed (in its words) or died.
    """
    context = multiprocessing.get_context("spawn")
    to_do, told = context.Queue(), context.Queue()
    for job in jobs:
        to_do.put(job)
    orders = Orders(
        run.path,
        tuple(tasks),
        table,
        prepared.dtype,
        prepared.library,
        prepared.render_fp,
        prepared.spec.batch_tokens,
        os.getpid(),
        context.RawValue("b", 0),
    )
    report.update(phase=f"starting {n} processes")
    processes = [context.Process(target=_serve, args=(orders, to_do, told), daemon=True) for _ in range(n)]
    notes: list[str] = []
    try:
        for process in processes:
            process.start()
            to_do.put(None)
        progress.restart_clock()
        for event in _events(told, processes, report):
            if isinstance(event, Batch):
                progress.advance(
                    event.model,
                    n_samples=event.n_samples,
                    n_tokens=event.n_tokens,
                    n_run=event.n_run,
                    n_read=event.n_read,
                )
            elif isinstance(event, Loaded):
                report.update(phase=f"scoring the {event.part} in {n} processes", message=event.note)
                notes += [event.note] if event.note else []
    except BaseException:
        orders.stop.value = 1
        _wait_for(processes, told)
        raise
    finally:
        for process in processes:
            process.kill()
            process.join()
        for channel in (to_do, told):
            channel.cancel_join_thread()
    return list(dict.fromkeys(notes))


def _wait_for(processes: Sequence[Any], told: Queue) -> None:
    """Let every process save what it has measured, if it does not take too long."""
    deadline = time.monotonic() + _CLOSING_SECONDS
    while any(process.is_alive() for process in processes) and time.monotonic() < deadline:
        # A process ends only once all that it told has been read.
        with suppress(queue.Empty):
            told.get(timeout=0.05)


def _events(told: Queue, processes: Sequence[Any], report: Reporter) -> Iterator[Batch | Loaded]:
    """What the processes say, until all have ended."""
    n_going = len(processes)
    while n_going:
        report.check_cancel()
        try:
            event = told.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            dead = [process for process in processes if process.exitcode not in (None, 0)]
            if dead:
                raise RunError(
                    f"a scoring process stopped unexpectedly (exit code {dead[0].exitcode})",
                    where="usually because memory ran out",
                    do="Resume with LOBASS_CPU_PROCESSES=1, or lower --max-tokens.",
                ) from None
            continue
        if isinstance(event, Ended):
            if event.error is not None:
                raise event.error
            n_going -= 1
        else:
            yield event


def _serve(orders: Orders, to_do: Queue, told: Queue) -> None:
    """The life of one process: take shards until there are none."""
    # Who stops a service tells all its processes: the worker says what to do then.
    signal.signal(signal.SIGTERM, lambda *_: RunFiles(orders.run_path).request_cancel())
    try:
        _score_shards(orders, to_do, told)
        told.put(Ended())
    except LobassError as error:
        if error.__cause__ is not None:
            traceback.print_exc()
        told.put(Ended(error))
    except Exception as error:
        traceback.print_exc()
        told.put(Ended(_unexpected(error, orders)))


def _unexpected(error: Exception, orders: Orders) -> RunError:
    run = RunFolder.open(orders.run_path)
    if out_of_memory(error):
        return RunError(
            "memory ran out in a scoring process",
            where=run.run_id,
            do="Resume with LOBASS_CPU_PROCESSES=1, or lower --max-tokens.",
        )
    return RunError(
        f"an unexpected {type(error).__name__} in a scoring process: {cause_of(error)}",
        where=run.run_id,
        do=f"The details are in {run.log_path}.",
    )


def _score_shards(orders: Orders, to_do: Queue, told: Queue) -> None:
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    run, table = RunFolder.open(orders.run_path), orders.table
    models = ModelCache(orders.dtype, torch.device("cpu"), orders.library)
    current, engine, batch_tokens = -1, None, orders.batch_tokens
    while not orders.stop.value and (job := _next_job(to_do, orders.parent)) is not None:
        task = orders.tasks[job.model]
        if engine is None or job.model != current:
            batch_tokens = engine.batch_tokens if engine else batch_tokens
            current, engine = job.model, Engine(models.take(task), table, batch_tokens)
            told.put(Loaded(task.part, engine.loaded.note))
        losses: list[Losses] = []
        try:
            for batch in engine.score(job.places):
                _end_with(orders.parent)
                losses.append(batch)
                n_tokens = int(table.lengths[batch.indices].sum())
                told.put(Batch(job.model, len(batch.indices), n_tokens, batch.n_tokens_run, batch.n_tokens_read))
                if orders.stop.value:
                    break
        finally:
            write_job(run, table, job, losses, (task.fp, orders.render_fp))


def _next_job(to_do: Queue, parent: int) -> ShardJob | None:
    """The next shard; None when there are no more."""
    while True:
        try:
            return to_do.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            _end_with(parent)


def _end_with(parent: int) -> None:
    """End at once if the worker was killed: its lock is free then, and the next worker computes this shard."""
    if os.getppid() != parent:
        os._exit(1)
