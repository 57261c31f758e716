"""Disturb one stage, let the next commands run, and compare the project with one that nothing disturbed."""

import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tests.faults.prepared import NEED_MODELS
from tests.faults.processes import Task, end_of, finish, start
from tests.faults.repeated import repeated_share
from tests.faults.snapshot import Difference, Snapshot, compare, left_behind, snapshot, stuck_runs, unnamed
from tests.faults.stages import STATUS, Stage

SEED = 20_261_126
# A kill that came after the end is none; the next try of the same number draws an earlier moment.
TRIES = 6


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one fault did.

    `stuck` says which command did not go on, empty where all did; `again` is the share of the stage's work that was
    done a second time; `said` is what the person saw, from the disturbed command on. Of the unfinished files that are
    `left`, `doctor` never names those that are `unnamed`.
    """

    fault: str
    stage: str
    number: int
    seed: int
    moment: float
    lost: dict[str, int]
    doubled: dict[str, int]
    stuck: str
    again: float
    said: tuple[str, ...]
    left: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()

    @property
    def is_harmless(self) -> bool:
        return not (self.lost or self.doubled or self.stuck or self.unnamed)

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Twin:
    """What a stage left that nothing disturbed, how long it took, and by how much it made the files grow."""

    after: Snapshot
    seconds: float
    grown_bytes: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What differs from the twin once the next commands have run, what was stuck, and what they said."""

    difference: Difference
    stuck: str
    said: tuple[str, ...]

    def outcome(
        self, fault: str, stage: str, number: int, seed: int, *, moment: float = 0.0, again: float = 0.0,
        said: Sequence[str] = (), left: Sequence[str] = (),
    ) -> Outcome:  # fmt: skip
        """As an outcome; `said` is what the disturbed commands had said before."""
        return Outcome(
            fault, stage, number, seed, round(moment, 4), self.difference.lost, self.difference.doubled, self.stuck,
            round(again, 4), (*said, *self.said), tuple(left),
        )  # fmt: skip


class Workshop:
    """A folder to break projects in. A project is always put in the same place, as its runs hold absolute paths."""

    def __init__(self, root: Path) -> None:
        self.root, self.place, self.said = root, root / "place", root / "said"
        self._twins: dict[str, Twin] = {}
        self._n_said = 0

    def fresh(self, state: str) -> None:
        """Put a project of that state in its place."""
        for name in ("models", "files") if state in NEED_MODELS else ("files",):
            if not (self.root / name).exists():
                self._prepare(name, self.root / name)
        kept = self.root / "states" / state
        if not kept.exists():
            self.clear()
            self.place.mkdir(parents=True, exist_ok=True)
            self._prepare(state, self.place)
            shutil.copytree(self.place, kept)
        self.clear()
        shutil.copytree(kept, self.place, dirs_exist_ok=True)

    def clear(self) -> None:
        """Remove what stands in the place, which itself may be a mounted disk."""
        for path in self.place.glob("*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _prepare(self, name: str, folder: Path) -> None:
        code, said = self.do(Task("prepare", (name, str(folder))))
        assert code == 0, f"{name} could not be prepared: {said}"

    def do(self, task: Task) -> tuple[int | None, str]:
        """Let a task end; its exit code (None: it never ended) and what it said."""
        said = self.new_said()
        placed = task.at(self.place)
        code = finish(start(placed, said))
        return code, end_of(placed, said)

    def new_said(self) -> Path:
        """A file for the words of one process."""
        self._n_said += 1
        self.said.mkdir(parents=True, exist_ok=True)
        return self.said / f"{self._n_said}.txt"

    def twin(self, stage: Stage) -> Twin:
        """What the stage leaves where nothing disturbs it; done once."""
        if stage.name not in self._twins:
            self.fresh(stage.state)
            size = _n_bytes(self.place)
            began = time.monotonic()
            code, said = self.do(stage.task)
            seconds = time.monotonic() - began
            assert code == 0, f"{stage.name} failed undisturbed: {said}"
            self.do(STATUS)
            self._twins[stage.name] = Twin(snapshot(self.place), seconds, _n_bytes(self.place) - size)
        return self._twins[stage.name]

    def settle(self, twin: Snapshot, tasks: Sequence[Task], done_already: str = "") -> Settled:
        """Let the next commands run after a fault: status, the tasks again, status; then compare."""
        stuck, messages = "", []
        for task in (STATUS, *tasks, STATUS):
            code, said = self.do(task)
            messages.append(said)
            is_done = task in tasks and done_already and done_already in said
            if code != 0 and not is_done:
                stuck = stuck or f"{' '.join(task.words[:2])} ended with {code}: {said}"
        stuck = stuck or " ".join(f"{run} is called live" for run in stuck_runs(self.place / "project"))
        return Settled(compare(twin, snapshot(self.place)), stuck, tuple(messages[:-1]))


def _n_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def kill(shop: Workshop, stage: Stage, number: int, seed: int = SEED) -> Outcome:
    """SIGKILL the stage at a moment that seed, stage and number draw."""
    twin = shop.twin(stage)
    draw = random.Random(f"{seed} {stage.name} {number}")
    moment = 0.0
    for attempt in range(TRIES):
        shop.fresh(stage.state)
        moment = draw.uniform(0.0, twin.seconds) * 0.75**attempt
        process = start(stage.task.at(shop.place), shop.new_said())
        process.join(moment)
        process.kill()
        process.join()
        if process.exitcode == -9:
            break
    else:
        raise AssertionError(f"{stage.name}: no kill came before the end, seed {seed}, number {number}")
    again = repeated_share(shop.place, stage.name, twin.after)
    settled = shop.settle(twin.after, (stage.task,), stage.done_already)
    left = left_behind(shop.place)
    outcome = settled.outcome("kill", stage.name, number, seed, moment=moment, again=again, left=left)
    return replace(outcome, unnamed=tuple(unnamed(shop.place)))
