"""Ids of runs are given out once, whatever became of the folders."""

import multiprocessing
import os
import shutil
import time
from pathlib import Path

import pytest

from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_files import RunFiles
from lobass_core.jobs.run_folder import START_SECONDS, SWEEP_SECONDS, RunFolder
from lobass_core.jobs.run_ids import next_run_id, number_of
from lobass_core.jobs.run_list import list_runs
from tests.run_specs import A_SCORING


def test_the_id_of_a_removed_run_is_not_given_out_again(tmp_path: Path) -> None:
    runs = [RunFolder.create(tmp_path, "score", A_SCORING) for _ in range(3)]
    shutil.rmtree(runs[2].path)
    assert RunFolder.create(tmp_path, "score", A_SCORING).run_id == "r-0004"
    for run in list_runs(tmp_path):
        shutil.rmtree(run.path)
    assert RunFolder.create(tmp_path, "score", A_SCORING).run_id == "r-0005"


@pytest.mark.parametrize("counter", [None, "", "garbage", "-3", "²"])
def test_folders_and_the_store_count_where_the_counter_is_lost(tmp_path: Path, counter: str | None) -> None:
    RunFolder.create(tmp_path, "score", A_SCORING)
    (tmp_path / ".last-run").unlink()
    if counter is not None:
        (tmp_path / ".last-run").write_text(counter)
    assert RunFolder.create(tmp_path, "score", A_SCORING).run_id == "r-0002"
    assert RunFolder.create(tmp_path, "score", A_SCORING, after=7).run_id == "r-0008"


def test_a_process_that_dies_after_it_took_an_id_leaves_a_gap(tmp_path: Path) -> None:
    with next_run_id(tmp_path) as taken:
        pass
    with next_run_id(tmp_path) as run_id:
        assert (taken, run_id) == ("r-0001", "r-0002")


def test_what_is_no_run_id_has_no_number() -> None:
    assert [number_of(text) for text in ("r-0007", "r-12345", "r-007", "../r-0007", "r-0007x", "")] == [
        7, 12345, 0, 0, 0, 0,
    ]  # fmt: skip


def _take(runs_dir: str, n: int) -> list[str]:
    taken = []
    for _ in range(n):
        run = RunFolder.create(Path(runs_dir), "score", A_SCORING)
        shutil.rmtree(run.path)
        taken.append(run.run_id)
    return taken


@pytest.mark.slow
def test_processes_that_remove_their_runs_never_share_an_id(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        taken = pool.starmap(_take, [(str(tmp_path), 25)] * 2)
    assert sorted(taken[0] + taken[1]) == [f"r-{number:04d}" for number in range(1, 51)]


def age(path: Path, seconds: float) -> None:
    long_ago = time.time() - seconds
    os.utime(path, (long_ago, long_ago))


def test_a_run_appears_with_its_input_or_not_at_all(tmp_path: Path) -> None:
    def write_half(new: RunFiles) -> None:
        new.input_path.write_bytes(b"PAR1")
        assert list_runs(tmp_path) == []
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        RunFolder.create(tmp_path, "score", A_SCORING, write_half)
    assert list(tmp_path.iterdir()) == []
    run = RunFolder.create(tmp_path, "score", A_SCORING, lambda new: new.input_path.write_bytes(b"whole"))
    assert (run.run_id, run.input_path.read_bytes()) == ("r-0001", b"whole")


def test_what_a_killed_process_was_preparing_is_removed_later(tmp_path: Path) -> None:
    left, prepared, removed = (tmp_path / name for name in (".new-run-1", ".new-run-2", ".r-0001-removed-77"))
    for folder in (left, prepared, removed):
        (folder / "shards").mkdir(parents=True)
        age(folder, SWEEP_SECONDS + 1)
    with RunFiles(prepared).hold_lock():  # another process is at work in it
        age(prepared, SWEEP_SECONDS + 1)
        RunFolder.create(tmp_path, "score", A_SCORING)
        assert [path.exists() for path in (left, prepared, removed)] == [False, True, False]


def test_a_run_of_an_earlier_program_that_was_killed_while_it_wrote_the_input_has_failed(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "score", A_SCORING)
    assert run.state() == "queued"
    age(run.path / "spec.json", START_SECONDS + 1)
    assert run.state() == "failed"
    error = run.read_progress().error
    assert error is not None
    assert error.what == "run r-0001 was stopped while its input was being written"
    assert error.do == "Remove it with lobass cancel r-0001, and start a new run."


def test_a_run_that_is_ready_and_was_never_launched_is_interrupted(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "score", A_SCORING, lambda new: new.input_path.write_bytes(b"whole"))
    age(run.path / "spec.json", START_SECONDS + 1)
    assert (run.state(), run.read_progress()) == ("interrupted", Progress())
