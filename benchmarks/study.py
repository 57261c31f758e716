"""Does LoBaSS choose rows that train better? Trains the arms of the study, one after the other.

    OMP_NUM_THREADS=1 python benchmarks/study.py --model FOLDER --name smollm2       # goes on where it stopped
    python benchmarks/study_report.py smollm2                                        # what the finished arms say

The pool: 1,000 rows, 500 of alpaca_random_9k and 500 of gsm8k_train, of at most 256 tokens; held out are 100 rows each
of both files, of gsm8k_test and of dolly_3k. Data sets are found through LOBASS_REAL_DATA. Every arm is trained from
the same base by LoRA for one epoch, at the learning rate with which a random draw does best on 60 further rows.

Order: the arms at 16.7 %, the pool with bad rows, the arms at 6 %, then both again with another training seed. Each
finished arm is a small JSON under --results; an arm that is there is not trained again. Ctrl-C or SIGTERM leaves a
checkpoint under --work, and the next start goes on from it.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType

import numpy as np
import torch
from study_pool import FURTHER, HELD_OUT, MAX_TOKENS, POOL, StudyRow, study_rows, with_bad_rows

from lobass_core.files.atomic_file import write_whole
from lobass_core.rendering.fingerprint import tokenizer_fingerprint
from lobass_core.rendering.render import Renderer
from lobass_core.rendering.templates import load_template
from lobass_core.scoring.fingerprint import model_fingerprint
from lobass_core.scoring.model_files import find_model
from lobass_core.scoring.models import choose_device, load_tokenizer
from lobass_core.scoring.products import fastest_library
from lobass_core.scoring.token_table import TokenTable
from lobass_core.similarity.folds import assign_folds
from lobass_core.similarity.near_duplicates import duplicate_groups
from lobass_core.specs import ModelSpec
from lobass_core.training.arm import ArmPlace
from lobass_core.training.arm_lab import ArmLab, ArmOrder, Watch, measured_rows
from lobass_core.training.fit import Pulse, quiet_transformers
from lobass_core.validation.arm_results import ID_DIGITS, ArmCache, ArmRecipe, MeasuredRows
from lobass_core.validation.arms import BASE, FULL, LENGTH_MATCHED, RANDOM, rows_of_arm
from lobass_core.validation.candidates import Candidates

RATES = (5e-4, 1.4e-3)
BUDGETS = (0.167, 0.06)
SEEDS = (1, 2)
REFERENCE_SEED = 1
N_RANDOM, N_LENGTH_MATCHED, N_RANDOM_BAD = 5, 3, 3
CLEAN, BAD = "clean", "bad rows"
IN_SAMPLE, CROSS_FITTED = "in-sample", "cross-fitted"
SAY_SECONDS = 60.0


class Stopped(Exception):
    """Somebody asked the study to stop."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One finished arm as the index of the results names it; `key` names its file."""

    pool: str
    arm: str
    reference: str
    budget: float
    draw: int
    seed: int
    n_rows: int
    key: str


class Study:
    """The study on one model."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        quiet_transformers()
        self.results = arguments.results / arguments.name
        self.stop = False
        self.entries: dict[str, Entry] = {}
        base = ModelSpec(str(arguments.model.resolve()))
        tokenizer = load_tokenizer(base)
        renderer = Renderer(tokenizer, load_template("", tokenizer), "all", MAX_TOKENS)
        data = Path(os.environ.get("LOBASS_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
        rows = study_rows(data, renderer)
        pool = [row for row in rows if row.part == POOL]
        bad = with_bad_rows(pool, data)
        self.pools = {CLEAN: pool, BAD: bad}
        samples = {row.sample.sample_id: row.sample for row in (*rows, *bad)}
        table = TokenTable.of(renderer.render(list(samples.values())))
        device = choose_device("auto")
        files = find_model(base)
        weights = model_fingerprint(files, tokenizer_fingerprint(tokenizer), "float32").weights
        place = ArmPlace(base, device, fastest_library(device, torch.float32), arguments.work / arguments.name)
        self.lab = ArmLab(place, table, weights, renderer.fingerprint.fp, ArmCache(self.results))
        self.held_out = self._measured([row for row in rows if row.part == HELD_OUT])
        self.further = self._measured([row for row in rows if row.part == FURTHER])
        self.everywhere = {
            name: self._measured([*chosen, *(row for row in rows if row.part == HELD_OUT)])
            for name, chosen in self.pools.items()
        }
        self.all_rows = self._measured([*rows, *(row for row in bad if row.damage)])
        self._keep_pools()

    def run(self) -> None:
        """Everything, in the order of publication."""
        recipe = self._recipe()
        for seed in SEEDS:
            for budget in BUDGETS:
                self._arms(CLEAN, recipe, budget, seed)
                if seed == SEEDS[0] and budget == BUDGETS[0]:
                    self._arms(BAD, recipe, budget, seed)

    def _recipe(self) -> ArmRecipe:
        """One epoch at the rate that leaves the least loss on the further rows, after a random draw of 16.7 %."""
        ids = [row.sample.sample_id for row in self.pools[CLEAN]]
        blank = np.full(len(ids), np.nan)
        rows = Candidates.of(ids, [row.set_name for row in self.pools[CLEAN]], np.ones(len(ids)), blank, blank)
        drawn = rows.ids(rows_of_arm(RANDOM, rows, round(BUDGETS[0] * len(rows)), draw=N_RANDOM))
        losses = {}
        for rate in RATES:
            order = ArmOrder(drawn, self.further, ArmRecipe(learning_rate=rate), REFERENCE_SEED)
            sums = self._do(Entry("rate", f"{rate:g}", "", BUDGETS[0], N_RANDOM, REFERENCE_SEED, len(drawn), ""), order)
            losses[rate] = sums.sum() / sum(self.further.n_tokens)
        best = min(RATES, key=lambda rate: losses[rate])
        print(f"learning rate {best:g}: {', '.join(f'{rate:g} leaves {loss:.4f}' for rate, loss in losses.items())}")
        return ArmRecipe(learning_rate=best)

    def _arms(self, pool: str, recipe: ArmRecipe, budget: float, seed: int) -> None:
        for entry, trained in self._planned(pool, recipe, budget, seed):
            # The model trained on everything is the in-sample reference: measured on the pool too, it is trained once.
            is_reference = entry.arm == FULL and seed == REFERENCE_SEED
            measured = self.everywhere[pool] if is_reference else self.held_out
            self._do(entry, ArmOrder(trained, measured, recipe, seed))

    def _planned(
        self, pool: str, recipe: ArmRecipe, budget: float, seed: int
    ) -> Iterator[tuple[Entry, tuple[str, ...]]]:
        """The arms of one pool, budget and seed; each is chosen when its references have been trained."""
        n_arm_rows = round(budget * len(self.pools[pool]))
        base = self._candidates(pool)
        in_sample = base.with_reference(self._reference(pool, recipe, base, IN_SAMPLE))

        def arm(rows: Candidates, name: str, reference: str = "", draw: int = 0) -> tuple[Entry, tuple[str, ...]]:
            chosen = rows.ids(rows_of_arm(name, rows, n_arm_rows, draw))
            return Entry(pool, name, reference, budget, draw, seed, len(chosen), ""), chosen

        yield arm(in_sample, FULL)
        yield arm(in_sample, "learnability", IN_SAMPLE)
        crossed = base.with_reference(self._reference(pool, recipe, base, CROSS_FITTED))
        yield arm(crossed, "learnability", CROSS_FITTED)
        if pool == BAD:
            yield arm(crossed, "band", CROSS_FITTED)
            for draw in range(N_RANDOM_BAD):
                yield arm(crossed, RANDOM, draw=draw)
            yield arm(crossed, "low-base-loss")
            yield arm(crossed, "longest")
            for draw in range(N_RANDOM_BAD):
                yield self._clean_rows_only(arm(crossed, RANDOM, draw=draw)[0], crossed)
            return
        for name in ("length-adjusted", "band"):
            yield arm(crossed, name, CROSS_FITTED)
        for draw in range(N_RANDOM):
            yield arm(crossed, RANDOM, draw=draw)
        for draw in range(N_LENGTH_MATCHED):
            yield arm(crossed, LENGTH_MATCHED, CROSS_FITTED, draw)
        yield arm(crossed, "longest")
        yield arm(crossed, "shortest")
        for name in ("loss-drop", "bottom", "loss-drop-sum"):
            yield arm(crossed, name, CROSS_FITTED)

    def _clean_rows_only(self, like: Entry, rows: Candidates) -> tuple[Entry, tuple[str, ...]]:
        """A random draw of the undamaged rows: the best that a filter can do."""
        whole = [row.sample.sample_id for row in self.pools[BAD] if not row.damage]
        rng = np.random.default_rng([like.draw, len(whole)])
        chosen = tuple(sorted(rng.permutation(np.array(sorted(whole)))[: like.n_rows].tolist()))
        return replace(like, arm="clean rows only"), chosen

    def _base(self) -> dict[str, float]:
        """Mean base loss of every row of both pools and of the held-out rows."""
        entry = Entry("both", BASE, "", 0.0, 0, 0, 0, "")
        return _means(self.all_rows, self._do(entry, ArmOrder((), self.all_rows, ArmRecipe(), 0)))

    def _reference(self, pool: str, recipe: ArmRecipe, base: Candidates, kind: str) -> np.ndarray:
        """Mean loss of every pool row under a reference that saw it, or under the half-pool model that did not."""
        ids = base.sample_ids
        entry = Entry(pool, "reference", kind, 1.0, 0, REFERENCE_SEED, len(ids), "")
        if kind == IN_SAMPLE:
            rows = self.everywhere[pool]
            losses = _means(rows, self._do(entry, ArmOrder(ids, rows, recipe, REFERENCE_SEED)))
            return np.array([losses[sample_id[:ID_DIGITS]] for sample_id in ids])
        texts = {row.sample.sample_id: row for row in self.pools[pool]}
        groups = duplicate_groups(["\n".join(turn.content for turn in texts[one].sample.turns) for one in ids])
        folds = assign_folds(ids, groups, base.domains.tolist(), 2, REFERENCE_SEED)
        losses = {}
        for fold in range(2):
            seen = [sample_id for sample_id, own in zip(ids, folds, strict=True) if own != fold]
            unseen = self._measured([texts[one] for one, own in zip(ids, folds, strict=True) if own == fold])
            half = replace(entry, draw=fold, budget=0.5, n_rows=len(seen))
            losses |= _means(unseen, self._do(half, ArmOrder(tuple(seen), unseen, recipe, REFERENCE_SEED)))
        return np.array([losses[sample_id[:ID_DIGITS]] for sample_id in ids])

    def _candidates(self, pool: str) -> Candidates:
        chosen, base = self.pools[pool], self._base()
        ids = [row.sample.sample_id for row in chosen]
        n_tokens = self.lab.table.n_response_tokens[self.lab.rows(ids)]
        losses = np.array([base[sample_id[:ID_DIGITS]] for sample_id in ids])
        return Candidates.of(ids, [row.set_name for row in chosen], n_tokens, losses, np.full(len(ids), np.nan))

    def _do(self, entry: Entry, order: ArmOrder) -> np.ndarray:
        """Nats summed over each measured row, in their order.

        Raises:
            Stopped: somebody asked for it.
        """
        if self.stop:
            raise Stopped
        key = self.lab.content_of(order).key
        name = f"{entry.pool}, {entry.arm} {entry.reference}, {entry.budget:.1%}, draw {entry.draw}, seed {entry.seed}"
        watch = _Watch(self, name)
        if not self.lab.cache.path_of(key).is_file():
            watch.say("begins")
        result = self.lab.do(order, Watch(watch.pulse, watch.measured, lambda: self.stop))
        if result is None:
            raise Stopped
        entry = replace(entry, key=key)
        self.entries[f"{name}"] = entry
        write_whole(self.results / "index.json", _lines([asdict(one) for one in self.entries.values()]))
        if watch.began:
            mean = result.loss_sums().sum() / max(1, sum(order.measured.n_tokens))
            watch.say(
                f"done: {result.train_seconds:.0f} s training, {result.measure_seconds:.0f} s measuring, {mean:.4f}"
            )
        return result.loss_sums()

    def _measured(self, rows: Sequence[StudyRow]) -> MeasuredRows:
        return measured_rows(self.lab.table, [(row.sample.sample_id, f"{row.part}: {row.set_name}") for row in rows])

    def _keep_pools(self) -> None:
        """Which rows the pools hold, without their texts: of the one with bad rows, those that take another's place."""
        clean = [[row.sample.sample_id[:ID_DIGITS], row.set_name] for row in self.pools[CLEAN]]
        damaged = [
            [row.stands_for[:ID_DIGITS], row.sample.sample_id[:ID_DIGITS], row.damage]
            for row in self.pools[BAD]
            if row.damage
        ]
        self.results.mkdir(parents=True, exist_ok=True)
        write_whole(self.results / "pools.json", _lines([{"rows": clean, "replaced": damaged}]))


class _Watch:
    """Says once a minute how far an arm is, and hands on that somebody wants to stop."""

    def __init__(self, study: Study, name: str) -> None:
        self.study, self.name, self.began = study, name, False
        self._said_at = time.monotonic()
        self._n_measured = 0

    def say(self, what: str) -> None:
        """One line with the time."""
        self.began = True
        self._said_at = time.monotonic()
        print(f"{time.strftime('%H:%M:%S')}  {self.name}: {what}", flush=True)

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


def _means(rows: MeasuredRows, sums: np.ndarray) -> dict[str, float]:
    means = sums / np.maximum(1, np.array(rows.n_tokens))
    return dict(zip(rows.sample_ids, means.tolist(), strict=True))


def _lines(documents: list[dict]) -> str:
    """JSON with one document a line, so that a new arm is one new line."""
    return "[\n" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in documents) + "\n]\n"


def main() -> int:
    """Run the study, or go on with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the base model")
    parser.add_argument("--name", required=True, help="name of the model among the results")
    parser.add_argument("--results", type=Path, default=Path(__file__).parents[1] / "docs" / "validation")
    parser.add_argument("--work", type=Path, default=Path("build/study"), help="folder for checkpoints")
    study = Study(parser.parse_args())

    def stop(*_: int | FrameType | None) -> None:
        study.stop = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        study.run()
    except Stopped:
        print("stopped; the same command goes on from here", flush=True)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
