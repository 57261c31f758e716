"""Which epoch of a training is kept: the one with the lowest loss on samples that were held out.

What was measured is on the disk before the training continues, so that one that was killed chooses as one that was not.
"""

import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lobass_core.files.atomic_file import write_whole

MEASURED = "epochs.json"


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """An epoch ends after this many optimiser steps; the last may be a part of one, such as 2.5."""

    epoch: float
    step: int


def epoch_ends(steps_by_epoch: Sequence[int], epochs: float) -> tuple[EpochEnd, ...]:
    """The ends of the epochs with these numbers of steps, of a training of `epochs`."""
    ends, step = [], 0
    for number, n_steps in enumerate(steps_by_epoch, start=1):
        step += n_steps
        ends.append(EpochEnd(min(float(number), epochs), step))
    return tuple(ends)


class EpochKeeper:
    """Measures a training at the end of every epoch, and keeps the weights that may be wanted.

    `measure` gives the held-out loss, None without held-out samples or for a model that has diverged; `save` writes the
    model into a folder. With `keep_all` the weights of every epoch stay, else those of the best so far.
    """

    def __init__(
        self,
        folder: Path,
        ends: Sequence[EpochEnd],
        measure: Callable[[], float | None],
        save: Callable[[Path], None],
        *,
        keep_all: bool,
    ) -> None:
        self.folder, self.measure, self.save, self.keep_all = folder, measure, save, keep_all
        self.epoch_of = {end.step: end.epoch for end in ends[:-1]}
        self.last = ends[-1].epoch
        self.losses = _read(folder / MEASURED)

    def reached(self, step: int) -> None:
        """A step was taken; measures and saves where an epoch ends with it."""
        epoch = self.epoch_of.get(step)
        if epoch is None:
            return
        self.losses[epoch] = _finite(self.measure())
        self.losses = dict(sorted(self.losses.items()))
        best = best_epoch(self.losses)
        wanted = set(self.losses) if self.keep_all else {best} - {e for e, loss in self.losses.items() if loss is None}
        self.folder.mkdir(parents=True, exist_ok=True)
        if epoch in wanted:
            self.save(self.folder_of(epoch))
        write_whole(self.folder / MEASURED, json.dumps([list(pair) for pair in self.losses.items()]))
        for other in set(self.losses) - wanted:
            shutil.rmtree(self.folder_of(other), ignore_errors=True)

    def with_last(self) -> dict[float, float | None]:
        """The held-out loss after each epoch; measures the last, which the model in memory has just finished."""
        return {**self.losses, self.last: _finite(self.measure())}

    def hand_out(self, losses: dict[float, float | None], output: Path) -> float:
        """Write the best epoch's model into `output`, and into its folders the other epochs that are kept; the best."""
        best = best_epoch(losses)
        self._write(best, output)
        for epoch, loss in losses.items():
            # One that diverged is of no use, and one without a loss has nothing against it where none has.
            if self.keep_all and epoch != best and (loss is not None or losses[best] is None):
                self._write(epoch, output / f"epoch-{epoch:g}")
        return best

    def _write(self, epoch: float, output: Path) -> None:
        if epoch == self.last:
            self.save(output)
            return
        shutil.rmtree(output, ignore_errors=True)
        # A copy: a worker that is killed before the recipe is written does this again.
        shutil.copytree(self.folder_of(epoch), output)

    def folder_of(self, epoch: float) -> Path:
        """Where the weights of an epoch are kept while the training goes on."""
        return self.folder / f"epoch-{epoch:g}"


def best_epoch(losses: dict[float, float | None]) -> float:
    """The epoch with the lowest loss, the earliest of equals; the last one where no epoch has a loss."""
    known = {epoch: loss for epoch, loss in losses.items() if loss is not None}
    return min(known, key=lambda epoch: (known[epoch], epoch)) if known else max(losses)


def _finite(loss: float | None) -> float | None:
    return loss if loss is not None and math.isfinite(loss) else None


def _read(path: Path) -> dict[float, float | None]:
    """What an earlier worker measured."""
    try:
        return {float(epoch): loss for epoch, loss in json.loads(path.read_text(encoding="utf-8"))}
    except (OSError, ValueError):
        return {}
