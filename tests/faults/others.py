"""Faults beside a kill: a full disk, a project that may only be read, damaged files, two of everything at once."""

import hashlib
import random
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from tests.faults.disk import can_mount, leave_free, make_room, small_disk, with_short_files
from tests.faults.processes import Task, end_of, finish, lobass, start
from tests.faults.snapshot import Snapshot, compare, left_behind, snapshot
from tests.faults.stages import BY_NAME, STATUS, Stage
from tests.faults.trial import SEED, TRIES, Outcome, Workshop

FIRST_RUN = "{folder}/project/runs/r-0001"
SECOND_RUN = "{folder}/project/runs/r-0002"


def disk_full(shop: Workshop, stage: Stage, number: int, seed: int = SEED) -> Outcome:
    """The disk has a drawn part of the room that the stage needs, and fills on the way; later there is room.

    Where no tmpfs can be mounted, no file may grow beyond a drawn part of the largest one.
    """
    twin = shop.twin(stage)
    draw = random.Random(f"{seed} full {stage.name} {number}").uniform(0.02, 0.9)
    can = can_mount(shop.root / "mount")
    for attempt in range(TRIES):
        shop.fresh(stage.state)
        shop.clear()
        with small_disk(shop.place) if can else nullcontext():
            shop.fresh(stage.state)
            share = draw * 0.5**attempt
            if can:
                leave_free(shop.place, int(share * twin.grown_bytes))
            largest = max(path.stat().st_size for path in shop.place.rglob("*") if path.is_file())
            code, said = shop.do(stage.task if can else with_short_files(stage.task, int(share * largest)))
            left = left_behind(shop.place)
            if can:
                make_room(shop.place)
            # A command that only looks at a project does without what it could not add.
            is_worker = stage.task.kind == "worker"
            if code == 0 and (is_worker or compare(twin.after, snapshot(shop.place)).nothing):
                continue
            settled = shop.settle(twin.after, (stage.task,), stage.done_already)
        return settled.outcome("disk full", stage.name, number, seed, moment=share, said=(said,), left=left)
    raise AssertionError(f"{stage.name}: the disk never filled, seed {seed}, number {number}")


def read_only(shop: Workshop, stage: Stage, number: int = 0, seed: int = SEED) -> Outcome:
    """The project may not be written while the stage is asked; not a byte of it changes."""
    twin = shop.twin(stage)
    shop.fresh(stage.state)
    project = shop.place / "project"
    before = _bytes_of(project)
    _, said = shop.do(replace(stage.task, read_only=str(project)))
    changed = len(before.items() ^ _bytes_of(project).items())
    settled = shop.settle(twin.after, (stage.task,), stage.done_already)
    outcome = settled.outcome("read-only project", stage.name, number, seed, said=(said,))
    return replace(outcome, doubled={**outcome.doubled, "changed files": changed}) if changed else outcome


def _bytes_of(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def cut_off(content: bytes, draw: random.Random) -> bytes:
    """The file ends early."""
    return content[: draw.randrange(len(content))]


def flip_a_bit(content: bytes, draw: random.Random) -> bytes:
    """One bit is another."""
    changed = bytearray(content)
    changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


DAMAGE: dict[str, Callable[[bytes, random.Random], bytes]] = {"cut off": cut_off, "one bit flipped": flip_a_bit}
# Files of a finished scoring run, by the name that the table gives them.
RUN_FILES = {
    "a shard": "shards/*.parquet",
    "a token file": "tokens/*.parquet",
    "spec.json": "spec.json",
    "progress.json": "progress.json",
    "result.json": "result.json",
    "products.json": "products.json",
    "input.parquet": "input.parquet",
}


def damage(shop: Workshop, kind: str, what: str, number: int, seed: int = SEED) -> Outcome:
    """A file of a run that ended, and that nobody has ingested, is damaged; status is asked, then a new score."""
    stage = BY_NAME["score"]
    twin = shop.twin(stage)
    draw = random.Random(f"{seed} {kind} {what} {number}")
    shop.fresh(stage.state)
    assert shop.do(stage.task)[0] == 0
    path = draw.choice(sorted((shop.place / "project" / "runs" / "r-0001").glob(RUN_FILES[what])))
    path.write_bytes(DAMAGE[kind](path.read_bytes(), draw))
    _, said = shop.do(STATUS)
    wrong = compare(twin.after, snapshot(shop.place)).doubled.get("losses", 0)
    next_score = (Task("prepare", ("ask_to_score", "{folder}")), Task("worker", (SECOND_RUN,)))
    settled = shop.settle(twin.after, next_score)
    outcome = settled.outcome(kind, what, number, seed, said=(said,))
    return replace(outcome, doubled={**outcome.doubled, "wrong losses": wrong}) if wrong else outcome


@dataclass(frozen=True, slots=True)
class Pair:
    """Two tasks at the same time. One that is refused is done again afterwards, unless its words say `done_already`."""

    name: str
    state: str
    tasks: tuple[Task, Task]
    done_already: str = ""


IMPORT, EXPORT = BY_NAME["import"], BY_NAME["export"]
MORE = lobass("import {folder}/../files/more.jsonl --domain more --project {folder}/project")
PAIRS = (
    Pair("import and import", "empty", (IMPORT.task, IMPORT.task), "already"),
    Pair("two imports", "empty", (IMPORT.task, MORE), "already"),
    Pair("score and score", "asked_to_score_twice", (Task("worker", (FIRST_RUN,)), Task("worker", (SECOND_RUN,)))),
    Pair("one run by two workers", "asked_to_score", (Task("worker", (FIRST_RUN,)), Task("worker", (FIRST_RUN,)))),
    Pair("score and import", "asked_to_score", (Task("worker", (FIRST_RUN,)), MORE), "already"),
    Pair(
        "decide and decide",
        "scored",
        (
            lobass("decide drop --where domain=math --yes --project {folder}/project"),
            lobass("decide keep --where domain=code --yes --project {folder}/project"),
        ),
    ),
    Pair("export and export", "selected", (EXPORT.task, EXPORT.task)),
    Pair("ingest and ingest", "finished", (STATUS, STATUS)),
)


def both_at_once(shop: Workshop, pair: Pair, number: int = 0, seed: int = SEED) -> Outcome:
    """The two begin within a drawn moment of each other; the twin did one after the other."""
    twin = _one_after_the_other(shop, pair)
    shop.fresh(pair.state)
    gap = random.Random(f"{seed} {pair.name} {number}").uniform(0.0, 0.1)
    said_by, placed = (shop.new_said(), shop.new_said()), [task.at(shop.place) for task in pair.tasks]
    first = start(placed[0], said_by[0])
    first.join(gap)
    second = start(placed[1], said_by[1])
    codes = [finish(process) for process in (first, second)]
    said = tuple(end_of(task, path) for task, path in zip(placed, said_by, strict=True))
    refused = [task for task, code in zip(pair.tasks, codes, strict=True) if code != 0]
    settled = shop.settle(twin, refused, pair.done_already)
    return settled.outcome("two at once", pair.name, number, seed, moment=gap, said=said)


def _one_after_the_other(shop: Workshop, pair: Pair) -> Snapshot:
    shop.fresh(pair.state)
    for task in pair.tasks:
        code, said = shop.do(task)
        assert code == 0 or (pair.done_already and pair.done_already in said), said
    shop.do(STATUS)
    return snapshot(shop.place)
