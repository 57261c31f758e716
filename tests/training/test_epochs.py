"""Which epoch is kept: the one with the lowest held-out loss, also where the training was killed in between."""

from pathlib import Path

import pytest

from lobass_core.training.epochs import EpochEnd, EpochKeeper, best_epoch, epoch_ends

ENDS = (EpochEnd(1.0, 4), EpochEnd(2.0, 8), EpochEnd(3.0, 12))


class Training:
    """A training whose model after each step is the number of the step."""

    def __init__(self, folder: Path, losses: dict[int, float | None], *, keep_all: bool = False) -> None:
        self.step, self.by_step = 0, losses
        self.epochs = EpochKeeper(folder, ENDS, lambda: losses[self.step], self.save, keep_all=keep_all)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "weights").write_text(str(self.step))

    def run(self, first: int, last: int) -> None:
        for self.step in range(first, last + 1):
            self.epochs.reached(self.step)

    def finish(self, output: Path) -> float:
        return self.epochs.hand_out(self.epochs.with_last(), output)


def kept(folder: Path) -> dict[str, str]:
    return {str(path.parent.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("weights"))}


@pytest.mark.parametrize(
    ("losses", "best"),
    [((3.0, 2.0, 2.5), 2.0), ((1.0, 2.0, 2.5), 1.0), ((3.0, 2.0, 1.5), 3.0), ((2.0, 2.0, 2.0), 1.0),
     ((None, None, None), 3.0), ((2.5, float("nan"), float("inf")), 1.0)],
)  # fmt: skip
def test_the_best_is_kept_and_nothing_else(tmp_path, losses, best):
    training = Training(tmp_path / "run", dict(zip((4, 8, 12), losses, strict=True)))
    training.run(1, 12)
    assert training.finish(tmp_path / "model") == best
    assert kept(tmp_path / "model") == {".": str(int(4 * best))}
    # Meanwhile no more than one model lay on the disk.
    assert len(kept(tmp_path / "run")) <= 1


def test_all_are_kept_when_asked_for(tmp_path):
    training = Training(tmp_path / "run", {4: 3.0, 8: 2.0, 12: 2.5}, keep_all=True)
    training.run(1, 12)
    assert training.finish(tmp_path / "model") == 2.0
    assert kept(tmp_path / "model") == {".": "8", "epoch-1": "4", "epoch-3": "12"}


def test_an_epoch_that_diverged_is_not_kept(tmp_path):
    training = Training(tmp_path / "run", {4: 3.0, 8: None, 12: None}, keep_all=True)
    training.run(1, 12)
    assert training.finish(tmp_path / "model") == 1.0
    assert kept(tmp_path / "model") == {".": "4"}


def test_without_held_out_samples_all_are_kept_and_the_last_is_chosen(tmp_path):
    training = Training(tmp_path / "run", dict.fromkeys((4, 8, 12)), keep_all=True)
    training.run(1, 12)
    assert training.finish(tmp_path / "model") == 3.0
    assert kept(tmp_path / "model") == {".": "12", "epoch-1": "4", "epoch-2": "8"}


@pytest.mark.parametrize("again_from", [5, 7, 9])
def test_a_killed_training_chooses_as_one_that_was_not(tmp_path, again_from):
    """Killed after the second epoch; its last checkpoint is of before or of after that epoch's end."""
    losses: dict[int, float | None] = {4: 3.0, 8: 2.0, 12: 2.5}
    Training(tmp_path / "run", losses).run(1, 8)
    again = Training(tmp_path / "run", losses)
    again.run(again_from, 12)
    assert again.epochs.with_last() == {1.0: 3.0, 2.0: 2.0, 3.0: 2.5}
    assert again.finish(tmp_path / "model") == 2.0
    assert kept(tmp_path / "model") == {".": "8"}


def test_ends():
    assert epoch_ends([4, 4, 2], 2.5) == (EpochEnd(1.0, 4), EpochEnd(2.0, 8), EpochEnd(2.5, 10))
    assert epoch_ends([3], 0.5) == (EpochEnd(0.5, 3),)
    assert best_epoch({1.0: None, 2.0: 5.0, 3.0: None}) == 2.0
