"""Where the arms of the study are trained, one after the other or several at once, and where their results are kept."""

import argparse
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from types import FrameType

import numpy as np
import torch
from study_pool import MAX_TOKENS, POOL, StudyRow, study_rows, with_bad_rows

from lobass_core.files.atomic_file import write_whole
from lobass_core.rendering.fingerprint import tokenizer_fingerprint
from lobass_core.rendering.render import Renderer
from lobass_core.rendering.templates import load_template
from lobass_core.scoring.fingerprint import model_fingerprint
from lobass_core.scoring.model_files import find_model
from lobass_core.scoring.models import choose_device, load_tokenizer
from lobass_core.scoring.products import fastest_library
from lobass_core.scoring.token_table import TokenTable
from lobass_core.specs import ModelSpec
from lobass_core.training.arm import ArmPlace
from lobass_core.training.arm_lab import ArmLab, ArmOrder, Watch, measured_rows
from lobass_core.training.fit import Pulse, quiet_transformers
from lobass_core.validation.arm_results import ID_DIGITS, ArmCache, ArmResult, MeasuredRows

CLEAN, BAD = "clean", "bad rows"
SAY_SECONDS = 60.0


class Stopped(Exception):
    """Somebody asked the study to stop."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One finished arm as the index of the results names it; `key` names its file.

    `equal_steps`: the arm took as many steps as the whole pool does.
    """

    pool: str
    arm: str
    reference: str
    budget: float
    draw: int
    seed: int
    n_rows: int
    equal_steps: bool = False
    key: str = ""

    def __str__(self) -> str:
        steps = ", equal steps" if self.equal_steps else ""
        arm = f"{self.arm} {self.reference}".strip()
        return f"{self.pool}, {arm}, {self.budget:.1%}, draw {self.draw}, seed {self.seed}{steps}"


class StudyLab:
    """One model, the study's rows as tokens, and the arms that are finished."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        quiet_transformers()
        self.arguments = arguments
        self.results = arguments.results / arguments.name
        self.stop = False
        base = ModelSpec(str(arguments.model.resolve()))
        tokenizer = load_tokenizer(base)
        renderer = Renderer(tokenizer, load_template("", tokenizer), "all", MAX_TOKENS)
        data = Path(os.environ.get("LOBASS_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
        self.rows = study_rows(data, renderer)
        pool = [row for row in self.rows if row.part == POOL]
        self.pools = {CLEAN: pool, BAD: with_bad_rows(pool, data)}
        samples = {row.sample.sample_id: row.sample for row in (*self.rows, *self.pools[BAD])}
        table = TokenTable.of(renderer.render(list(samples.values())))
        device = choose_device("auto")
        weights = model_fingerprint(find_model(base), tokenizer_fingerprint(tokenizer), "float32").weights
        library = fastest_library(device, torch.float32)
        place = ArmPlace(base, device, library, arguments.work / arguments.name, float32=True)
        self.lab = ArmLab(place, table, weights, renderer.fingerprint.fp, ArmCache(self.results))
        self.entries = self._earlier()

    def measured(self, rows: Sequence[StudyRow]) -> MeasuredRows:
        """Rows as what an arm is measured on, each in the set of its part and file."""
        return measured_rows(self.lab.table, [(row.sample.sample_id, f"{row.part}: {row.set_name}") for row in rows])

    def do(self, wanted: Sequence[tuple[Entry, ArmOrder]]) -> None:
        """Train and measure what is not finished yet, in this order, `--workers` at a time.

        Raises:
            Stopped: somebody asked for it.
        """
        missing = [one for one in wanted if not self.lab.cache.has(self.lab.content_of(one[1]))]
        for entry, order in wanted:
            if (entry, order) not in missing:
                self._note(entry, order)
        for entry, order in self._done(missing):
            self._note(entry, order)

    def sums(self, order: ArmOrder) -> np.ndarray:
        """Nats over each measured response of a finished arm, in their order."""
        return self.lab.cache.read(self.lab.content_of(order)).loss_sums()

    def means(self, order: ArmOrder) -> dict[str, float]:
        """Nats a response token of each measured row of a finished arm, by the first digits of its id."""
        means = self.sums(order) / np.maximum(1, np.array(order.measured.n_tokens))
        return dict(zip(order.measured.sample_ids, means.tolist(), strict=True))

    def train(self, entry: Entry, order: ArmOrder) -> ArmResult:
        """One arm, in this process.

        Raises:
            Stopped: somebody asked for it.
        """
        watch = _Watch(self, entry)
        watch.say("begins")
        result = self.lab.do(order, Watch(watch.pulse, watch.measured, lambda: self.stop))
        if result is None:
            raise Stopped
        mean = result.loss_sums().sum() / max(1, sum(order.measured.n_tokens))
        watch.say(f"done: {result.train_seconds:.0f} s training, {result.measure_seconds:.0f} s measuring, {mean:.4f}")
        return result

    def keep_pools(self) -> None:
        """Which rows the pools hold, without their texts: of the one with bad rows, those that take another's place."""
        clean = [[row.sample.sample_id[:ID_DIGITS], row.set_name] for row in self.pools[CLEAN]]
        damaged = [
            [row.stands_for[:ID_DIGITS], row.sample.sample_id[:ID_DIGITS], row.damage]
            for row in self.pools[BAD]
            if row.damage
        ]
        self.results.mkdir(parents=True, exist_ok=True)
        write_whole(self.results / "pools.json", _lines([{"rows": clean, "replaced": damaged}]))

    def stop_on_signals(self) -> None:
        """SIGTERM and Ctrl-C stop after the step at hand."""

        def stop(*_: int | FrameType | None) -> None:
            self.stop = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)

    def _done(self, missing: Sequence[tuple[Entry, ArmOrder]]) -> Iterator[tuple[Entry, ArmOrder]]:
        """What was missing, each as soon as it is finished."""
        if self.arguments.workers <= 1 or len(missing) <= 1:
            for entry, order in missing:
                self.train(entry, order)
                yield entry, order
            return
        pending = [self._workers.submit(_train_in_worker, entry, order) for entry, order in missing]
        for (entry, order), finished in zip(missing, pending, strict=True):
            if self.stop:
                self._workers.shutdown(wait=False, cancel_futures=True)
                raise Stopped
            finished.result()
            yield entry, order

    @cached_property
    def _workers(self) -> ProcessPoolExecutor:
        """Processes that render the rows once and then train what they are handed."""
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.arguments.workers, context, _begin_worker, (self.arguments,))

    def _note(self, entry: Entry, order: ArmOrder) -> None:
        self.entries[str(entry)] = replace(entry, key=self.lab.content_of(order).key)
        write_whole(self.results / "index.json", _lines([asdict(one) for one in self.entries.values()]))

    def _earlier(self) -> dict[str, Entry]:
        """What an earlier start finished, whatever options it had."""
        path = self.results / "index.json"
        there = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
        return {str(entry): entry for entry in (Entry(**one) for one in there)}


_in_worker: StudyLab | None = None


def _begin_worker(arguments: argparse.Namespace) -> None:
    global _in_worker
    torch.set_num_threads(1)
    _in_worker = StudyLab(arguments)
    _in_worker.stop_on_signals()


def _train_in_worker(entry: Entry, order: ArmOrder) -> None:
    assert _in_worker is not None
    _in_worker.train(entry, order)


class _Watch:
    """Says once a minute how far an arm is, and hands on that somebody wants to stop."""

    def __init__(self, study: StudyLab, entry: Entry) -> None:
        self.study, self.entry = study, entry
        self._said_at = time.monotonic()
        self._n_measured = 0

    def say(self, what: str) -> None:
        """One line with the time."""
        self._said_at = time.monotonic()
        print(f"{time.strftime('%H:%M:%S')}  {self.entry}: {what}", flush=True)

    def pulse(self, pulse: Pulse) -> None:
        """After every step."""
        if time.monotonic() - self._said_at > SAY_SECONDS:
            self.say(f"step {pulse.step} of {pulse.n_steps}, {pulse.n_tokens:,} tokens")

    def measured(self, n_tokens: int) -> None:
        """After every measured batch."""
        self._n_measured += n_tokens
        if self.study.stop:
            raise Stopped
        if time.monotonic() - self._said_at > SAY_SECONDS:
            self.say(f"{self._n_measured:,} tokens measured")


def _lines(documents: list[dict]) -> str:
    """JSON with one document a line, so that a new arm is one new line."""
    return "[\n" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in documents) + "\n]\n"
