"""A run folder with one damaged file, in each way that a disk, an editor or another program leaves one behind."""

import json
from collections.abc import Callable
from pathlib import Path

from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder
from tests.run_specs import A_SCORING, empty_input, score_result


def finished_run(runs_dir: Path) -> RunFolder:
    """A scoring run that is done, without samples and shards."""
    run = RunFolder.create(runs_dir, "score", A_SCORING, empty_input)
    run.write_result(score_result("b", "r", "rendering"))
    run.write_progress(Progress(state="done", n_done=2, n_total=2))
    return run


def changed(**values: object) -> Callable[[Path], None]:
    """Damage that changes fields of the file."""

    def change(path: Path) -> None:
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return change


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def in_latin_1(path: Path) -> None:
    path.write_bytes('{"name": "Müller"}'.encode("latin-1"))


def a_list(path: Path) -> None:
    path.write_text("[1, 2]")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def too_deep(path: Path) -> None:
    path.write_text("[" * 100_000)


# What each leaves, and what is said of it.
DAMAGE = [
    (cut_off, "is incomplete or not JSON"),
    (too_deep, "is incomplete or not JSON"),
    (in_latin_1, "is not UTF-8 text"),
    (a_list, "is not a JSON object"),
    (a_folder, "is a folder"),
    (changed(version=3), r"was written by a newer version of LoBaSS \(version 3; this program reads 2\)"),
    (changed(version="two"), "has a version that is not a number"),
]
