"""Does LoBaSS choose rows that train better? Trains the arms of the study.

    OMP_NUM_THREADS=1 python benchmarks/study.py --model FOLDER --name smollm2       # goes on where it stopped
    python benchmarks/study_report.py smollm2                                        # what the finished arms say

    python benchmarks/study.py --model FOLDER --name smollm2 --workers 12            # on a GPU, twelve arms at a time
    ... --budgets 0.5 --seeds 1 2 3                                                  # half of the pool, three seeds
    ... --equal-steps                                                                # as many steps as the whole pool

The pool: 1,000 rows, 500 of alpaca_random_9k and 500 of gsm8k_train, of at most 256 tokens; held out are 100 rows each
of both files, of gsm8k_test and of dolly_3k. Data sets are found through LOBASS_REAL_DATA. Every arm is trained from
the same base by LoRA in float32, at the learning rate with which a random draw does best on 60 further rows, for as
many epochs as leave the model trained on all rows the least loss on them.

Order: the arms at 16.7 %, the pool with bad rows, the arms at 6 %, then all again with another training seed. Each
finished arm is a small JSON under --results; an arm that is there is not trained again. Ctrl-C or SIGTERM leaves a
checkpoint under --work, and the next start goes on from it.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from study_lab import BAD, CLEAN, Entry, Stopped, StudyLab
from study_pool import FURTHER, HELD_OUT

from lobass_core.similarity.folds import assign_folds
from lobass_core.similarity.near_duplicates import duplicate_groups
from lobass_core.training.arm_lab import ArmOrder
from lobass_core.validation.arm_results import ID_DIGITS, ArmRecipe
from lobass_core.validation.arms import BASE, FULL, LENGTH_MATCHED, RANDOM, rows_of_arm
from lobass_core.validation.candidates import Candidates

RATES = (5e-4, 1.4e-3, 4e-3)
EPOCHS = (1.0, 2.0, 3.0)
BUDGETS = (0.167, 0.06)
SEEDS = (1, 2)
REFERENCE_SEED = 1
N_RANDOM, N_LENGTH_MATCHED, N_RANDOM_BAD = 5, 3, 3
IN_SAMPLE, CROSS_FITTED = "in-sample", "cross-fitted"
# Trained to choose the recipe by; compared with nothing else.
RECIPE = "recipe"

Wanted = tuple[Entry, ArmOrder]


@dataclass(frozen=True, slots=True)
class Part:
    """The arms of one pool at one budget with one training seed."""

    pool: str
    budget: float
    seed: int


class Study:
    """What is trained, in which order, and how it depends on what was trained before."""

    def __init__(self, lab: StudyLab, epochs: Sequence[float] = EPOCHS, equal_steps: bool = False) -> None:
        self.lab, self.epochs, self.equal_steps = lab, epochs, equal_steps
        held_out = [row for row in lab.rows if row.part == HELD_OUT]
        further = [row for row in lab.rows if row.part == FURTHER]
        self.held_out, self.further = lab.measured(held_out), lab.measured(further)
        # The model trained on everything is the in-sample reference: measured on the pool too, it is trained once.
        self.everywhere = {name: lab.measured([*pool, *held_out, *further]) for name, pool in lab.pools.items()}
        damaged = [row for row in lab.pools[BAD] if row.damage]
        self.base = ArmOrder((), lab.measured([*lab.rows, *damaged]), ArmRecipe(), 0)

    def run(self, parts: Sequence[Part]) -> None:
        """Everything, in the order of publication; with several workers, as much at once as can be.

        Raises:
            Stopped: somebody asked for it.
        """
        self.lab.keep_pools()
        self.lab.do([(Entry("both", BASE, "", 0.0, 0, 0, 0), self.base)])
        recipe = self._recipe()
        print(f"learning rate {recipe.learning_rate:g}, epochs {recipe.epochs:g}", flush=True)
        for stage in [parts] if self.lab.arguments.workers > 1 else [[part] for part in parts]:
            pools = dict.fromkeys(part.pool for part in stage)
            references = [one for pool in pools for one in self._references(pool, recipe)]
            # While the references are trained, workers that are free go on with what does not wait for them.
            self.lab.do([*references, *(one for part in stage for one in self._arms_without_reference(part, recipe))])
            self.lab.do([one for part in stage for one in self._arms_by_reference(part, recipe)])

    def _recipe(self) -> ArmRecipe:
        """The rate that leaves the least loss on the further rows after one epoch of a random draw of 16.7 %, and the
        epochs that leave the least there after training on all rows at that rate."""
        rows = self._candidates(CLEAN)
        drawn = rows.ids(rows_of_arm(RANDOM, rows, round(BUDGETS[0] * len(rows)), draw=N_RANDOM))
        by_rate = {}
        for rate in RATES:
            entry = Entry(RECIPE, f"rate {rate:g}", "", BUDGETS[0], N_RANDOM, REFERENCE_SEED, len(drawn))
            by_rate[rate] = (
                entry,
                ArmOrder(drawn, self.further, ArmRecipe(learning_rate=rate), REFERENCE_SEED),
            )
        rate = self._least(by_rate)
        by_epochs = {}
        for epochs in self.epochs:
            entry = Entry(RECIPE, f"epochs {epochs:g}", "", 1.0, 0, REFERENCE_SEED, len(rows))
            recipe = ArmRecipe(learning_rate=rate, epochs=epochs)
            by_epochs[epochs] = entry, ArmOrder(rows.sample_ids, self.everywhere[CLEAN], recipe, REFERENCE_SEED)
        return ArmRecipe(learning_rate=rate, epochs=self._least(by_epochs))

    def _least(self, wanted: dict[float, Wanted]) -> float:
        """Which of them leaves the least loss a token on the further rows."""
        self.lab.do(list(wanted.values()))
        further = set(self.further.sample_ids)

        def loss(order: ArmOrder) -> float:
            among = np.array([one in further for one in order.measured.sample_ids])
            return float(self.lab.sums(order)[among].sum() / np.array(order.measured.n_tokens)[among].sum())

        losses = {value: loss(order) for value, (_, order) in wanted.items()}
        print(", ".join(f"{value:g} leaves {one:.4f}" for value, one in losses.items()), flush=True)
        return min(losses, key=lambda value: losses[value])

    def _arms_without_reference(self, part: Part, recipe: ArmRecipe) -> Iterator[Wanted]:
        """The arms of one part that are chosen without a reference."""
        rows = self._candidates(part.pool)
        n_rows = round(part.budget * len(rows))
        names = [FULL, *[RANDOM] * (N_RANDOM_BAD if part.pool == BAD else N_RANDOM)]
        names += ["low-base-loss", "longest"] if part.pool == BAD else ["longest", "shortest"]
        for place, name in enumerate(names):
            draw = names[:place].count(name)
            entry = self._entry(part, name, draw=draw)
            yield self._order(entry, rows.ids(rows_of_arm(name, rows, n_rows, draw)), recipe)
        for draw in range(N_RANDOM_BAD if part.pool == BAD else 0):
            yield self._order(self._entry(part, "clean rows only", draw=draw), self._whole_rows(n_rows, draw), recipe)

    def _arms_by_reference(self, part: Part, recipe: ArmRecipe) -> Iterator[Wanted]:
        """The arms of one part that are chosen by a reference; those are finished."""
        pool = self._candidates(part.pool)
        n_rows = round(part.budget * len(pool))
        by_kind = {
            kind: pool.with_reference(self._reference_losses(part.pool, kind, recipe))
            for kind in (IN_SAMPLE, CROSS_FITTED)
        }
        wanted = [("learnability", IN_SAMPLE, 0), ("learnability", CROSS_FITTED, 0), ("band", CROSS_FITTED, 0)]
        if part.pool == CLEAN:
            wanted.append(("length-adjusted", CROSS_FITTED, 0))
            wanted += [(LENGTH_MATCHED, CROSS_FITTED, draw) for draw in range(N_LENGTH_MATCHED)]
            wanted += [(name, CROSS_FITTED, 0) for name in ("loss-drop", "bottom", "loss-drop-sum")]
        for name, kind, draw in wanted:
            rows = by_kind[kind]
            yield self._order(
                self._entry(part, name, kind, draw), rows.ids(rows_of_arm(name, rows, n_rows, draw)), recipe
            )

    def _entry(self, part: Part, arm: str, reference: str = "", draw: int = 0) -> Entry:
        return Entry(part.pool, arm, reference, part.budget, draw, part.seed, 0, self.equal_steps)

    def _order(self, entry: Entry, trained: tuple[str, ...], recipe: ArmRecipe) -> Wanted:
        is_reference = entry.arm == FULL and entry.seed == REFERENCE_SEED
        measured = self.everywhere[entry.pool] if is_reference else self.held_out
        like = self._ids(entry.pool) if self.equal_steps and entry.arm != FULL else ()
        return replace(entry, n_rows=len(trained)), ArmOrder(trained, measured, recipe, entry.seed, like)

    def _whole_rows(self, n_rows: int, draw: int) -> tuple[str, ...]:
        """A random draw of the undamaged rows: the best that a filter can do."""
        whole = sorted(row.sample.sample_id for row in self.lab.pools[BAD] if not row.damage)
        chosen = np.random.default_rng([draw, len(whole)]).permutation(np.array(whole))[:n_rows]
        return tuple(sorted(chosen.tolist()))

    def _references(self, pool: str, recipe: ArmRecipe) -> list[Wanted]:
        """The model trained on the whole pool, and on each half of it for the rows of the other."""
        ids = self._ids(pool)
        entry = Entry(pool, "reference", IN_SAMPLE, 1.0, 0, REFERENCE_SEED, len(ids))
        wanted = [(entry, ArmOrder(ids, self.everywhere[pool], recipe, REFERENCE_SEED))]
        rows = {row.sample.sample_id: row for row in self.lab.pools[pool]}
        groups = duplicate_groups(["\n".join(turn.content for turn in rows[one].sample.turns) for one in ids])
        folds = assign_folds(ids, groups, [rows[one].set_name for one in ids], 2, REFERENCE_SEED)
        for fold in range(2):
            seen = tuple(sample_id for sample_id, own in zip(ids, folds, strict=True) if own != fold)
            unseen = self.lab.measured([rows[one] for one, own in zip(ids, folds, strict=True) if own == fold])
            half = replace(entry, reference=CROSS_FITTED, draw=fold, budget=0.5, n_rows=len(seen))
            wanted.append((half, ArmOrder(seen, unseen, recipe, REFERENCE_SEED)))
        return wanted

    def _reference_losses(self, pool: str, kind: str, recipe: ArmRecipe) -> np.ndarray:
        """Mean loss of every row of a pool under a reference that saw it, or under one that did not."""
        losses: dict[str, float] = {}
        for entry, order in self._references(pool, recipe):
            if entry.reference == kind:
                losses |= self.lab.means(order)
        return np.array([losses[sample_id[:ID_DIGITS]] for sample_id in self._ids(pool)])

    def _candidates(self, pool: str) -> Candidates:
        rows, base = self.lab.pools[pool], self.lab.means(self.base)
        ids = [row.sample.sample_id for row in rows]
        n_tokens = self.lab.lab.table.n_response_tokens[self.lab.lab.rows(ids)]
        losses = np.array([base[sample_id[:ID_DIGITS]] for sample_id in ids])
        return Candidates.of(ids, [row.set_name for row in rows], n_tokens, losses, np.full(len(ids), np.nan))

    def _ids(self, pool: str) -> tuple[str, ...]:
        return tuple(sorted(row.sample.sample_id for row in self.lab.pools[pool]))


def parts_of(budgets: Sequence[float], seeds: Sequence[int]) -> list[Part]:
    """For each seed the clean pool at every budget, the pool with bad rows right after the first of them."""
    parts = []
    for seed, budget in itertools.product(seeds, budgets):
        parts.append(Part(CLEAN, budget, seed))
        if budget == budgets[0]:
            parts.append(Part(BAD, budget, seed))
    return parts


def main() -> int:
    """Run the study, or go on with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the base model")
    parser.add_argument("--name", required=True, help="name of the model among the results")
    parser.add_argument("--results", type=Path, default=Path(__file__).parents[1] / "docs" / "validation")
    parser.add_argument("--work", type=Path, default=Path("build/study"), help="folder for checkpoints")
    parser.add_argument("--workers", type=int, default=1, help="arms trained at a time, each in a process of its own")
    parser.add_argument("--budgets", type=float, nargs="+", default=BUDGETS, help="shares of the pool")
    parser.add_argument("--epochs", type=float, nargs="+", default=EPOCHS, help="epochs to choose from")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="training seeds")
    parser.add_argument("--equal-steps", action="store_true", help="every arm takes as many steps as the whole pool")
    arguments = parser.parse_args()
    lab = StudyLab(arguments)
    lab.stop_on_signals()
    try:
        Study(lab, arguments.epochs, arguments.equal_steps).run(parts_of(arguments.budgets, arguments.seeds))
    except Stopped:
        print("stopped; the same command goes on from here", flush=True)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
