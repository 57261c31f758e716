"""Tokens of the samples to score: rendered once for all models, by several processes where they are many.

A core renders about half a million tokens a second, which a GPU would outrun; and batches are planned over the lengths
of all samples. So the tokens come first, and every core makes them.
"""

import multiprocessing
import os
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from lobass_core.errors import RenderError, RunError
from lobass_core.jobs.checksums import is_good
from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.records import Sample
from lobass_core.rendering.notes import Note, counted
from lobass_core.rendering.render import Renderer
from lobass_core.rendering.template_process import WAIT_SECONDS, OnWait
from lobass_core.rendering.templates import Template
from lobass_core.scoring.token_table import TokenTable
from lobass_core.worker.cores import n_cores
from lobass_core.worker.preparation import Prepared
from lobass_core.worker.reporter import Cancelled, Reporter
from lobass_core.worker.samples import read_samples
from lobass_core.worker.shards import tokens_table

# Below this the seconds that a process takes to start are not worth it.
WORTH_SAMPLES = 30_000
# Chunks on their way, a process: enough that none waits, few enough that the samples of a large run are not all here.
_AHEAD = 2


@dataclass(frozen=True, slots=True)
class Tokenised:
    """The token table of the samples to score, and what rendering found out."""

    table: TokenTable
    n_truncated: int = 0
    n_dropped_response_tokens: int = 0
    refusals: tuple[tuple[str, str], ...] = ()
    notes: Counter[Note] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some samples to render; where to keep the tokens of those that no earlier run kept."""

    samples: list[Sample]
    fresh: frozenset[str]
    path: Path


@dataclass(frozen=True, slots=True)
class Orders:
    """What a process needs to render as this one would: a renderer itself cannot be sent."""

    tokenizer: Any
    template: Template
    mask_rule: str
    max_tokens: int
    render_fp: str

    def renderer(self, on_wait: OnWait) -> Renderer:
        return Renderer(self.tokenizer, self.template, self.mask_rule, self.max_tokens, on_wait)


def tokenise(
    run: RunFolder,
    report: Reporter,
    prepared: Prepared,
    needed: set[str],
    seen: set[str] | frozenset[str] = frozenset(),
) -> Tokenised:
    """Render the needed samples; keep their tokens in the run folder, but for those that an earlier run kept (`seen`).

    Raises:
        RenderError: no sample at all has a response under this template.
    """
    report.update(phase="rendering", n_done=0, n_total=len(needed))
    orders = Orders(
        prepared.tokenizer, prepared.template, prepared.spec.render.mask_rule, prepared.max_tokens, prepared.render_fp
    )
    parts: list[Tokenised] = []
    n_done = 0
    chunks = _chunks(run, needed, seen, prepared.render_fp)
    with _rendered(orders, len(needed), chunks, report.check_cancel) as rendered:
        for part in rendered:
            report.check_cancel()
            parts.append(part)
            n_done += len(part.table)
            report.update(n_done=n_done)
    tokenised = Tokenised(
        TokenTable.concatenated([part.table for part in parts]),
        sum(part.n_truncated for part in parts),
        sum(part.n_dropped_response_tokens for part in parts),
        tuple(refusal for part in parts for refusal in part.refusals),
        sum((part.notes for part in parts), Counter()),
    )
    _check_some_response(tokenised, prepared.template.name)
    return tokenised


def n_renderers(n_samples: int) -> int:
    """How many processes render: 1 means this one."""
    return n_cores() if n_samples >= WORTH_SAMPLES else 1


def _chunks(run: RunFolder, needed: set[str], seen: set[str] | frozenset[str], render_fp: str) -> Iterator[Chunk]:
    """The rendering stands in the names, so that a run resumed under another one overwrites nothing."""
    for number, read in enumerate(read_samples(run.input_path)):
        samples = [sample for sample, _ in read if sample.sample_id in needed]
        fresh = frozenset(sample.sample_id for sample in samples if sample.sample_id not in seen)
        yield Chunk(samples, fresh, run.tokens_dir / f"{render_fp}-{number:05d}.parquet")


def _render(renderer: Renderer, render_fp: str, chunk: Chunk) -> Tokenised:
    rendered = renderer.render(chunk.samples)
    fresh = [item for item in rendered if item.sample_id in chunk.fresh and len(item.input_ids)]
    if fresh and not is_good(chunk.path):
        write_parquet(chunk.path, tokens_table(fresh, render_fp))
    return Tokenised(
        TokenTable.of(rendered),
        sum(item.status == "truncated" for item in rendered),
        sum(item.n_dropped_response_tokens for item in rendered),
        tuple((item.sample_id, item.reason) for item in rendered if item.status == "no_response"),
        counted(item.notes for item in rendered),
    )


@contextmanager
def _rendered(
    orders: Orders, n_samples: int, chunks: Iterable[Chunk], on_wait: OnWait
) -> Iterator[Iterator[Tokenised]]:
    """The chunks rendered, in their order; leaving the block early stops the processes.

    Raises:
        RunError: a process died.
    """
    n = n_renderers(n_samples)
    if n == 1:
        renderer = orders.renderer(on_wait)
        yield (_render(renderer, orders.render_fp, chunk) for chunk in chunks)
        return
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(n, context, _begin, (orders, stop))
    try:
        yield _in_order(pool, chunks, n * _AHEAD, on_wait)
    except BrokenProcessPool as error:
        raise RunError(
            "a process that renders samples stopped unexpectedly",
            where="usually because memory ran out",
            do="Close other programs, then resume the run.",
        ) from error
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _in_order(pool: ProcessPoolExecutor, chunks: Iterable[Chunk], n_ahead: int, on_wait: OnWait) -> Iterator[Tokenised]:
    waiting: deque[Future[Tokenised]] = deque()
    for chunk in chunks:
        waiting.append(pool.submit(_render_here, chunk))
        if len(waiting) > n_ahead:
            yield _result(waiting.popleft(), on_wait)
    while waiting:
        yield _result(waiting.popleft(), on_wait)


def _result(future: Future[Tokenised], on_wait: OnWait) -> Tokenised:
    while not wait([future], WAIT_SECONDS).done:
        on_wait()
    return future.result()


# Of a rendering process: made once, as compiling a template takes longer than filling it in.
_mine: tuple[Renderer, str] | None = None


def _begin(orders: Orders, stop: Event) -> None:
    global _mine
    # The processes fill the cores; the tokenizer's own threads would only get in their way.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def check_stop() -> None:
        if stop.is_set():
            raise Cancelled

    _mine = orders.renderer(check_stop), orders.render_fp


def _end_with_parent() -> None:
    """A worker that was killed leaves nobody behind."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "a rendering process has a parent"
    parent.join()
    os._exit(1)


def _render_here(chunk: Chunk) -> Tokenised:
    assert _mine is not None, "the process has begun"
    return _render(*_mine, chunk)


def _check_some_response(tokenised: Tokenised, template: str) -> None:
    refusals: Sequence[tuple[str, str]] = tokenised.refusals
    if len(tokenised.table) and len(refusals) == len(tokenised.table):
        sample_id, reason = refusals[0]
        raise RenderError(
            f"template {template} finds no response in any of {len(tokenised.table):,} samples: {reason}",
            where=f"sample {sample_id[:12]} and all others",
            do="Check a row with lobass doctor --render, or use another --template.",
        )
