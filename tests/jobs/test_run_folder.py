"""Run folders: ids, atomic files, the lock and the states it tells."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.errors import RunError
from lobass_core.jobs.progress import ErrorNote, ModelProgress, Progress
from lobass_core.jobs.run_folder import START_SECONDS, RunFolder
from lobass_core.jobs.run_list import list_runs, scan_runs
from lobass_core.jobs.run_results import Refusal, ScoreRunResult, TrainReferenceResult
from lobass_core.jobs.run_specs import TrainReferenceRun, model_names
from lobass_core.specs import RenderSpec, ScoreSpec
from tests.read_only import read_only
from tests.run_specs import A_SCORING, score_result


def named(reference: str) -> ScoreSpec:
    return replace(A_SCORING, reference_name=reference)


def test_runs_are_numbered_in_order(tmp_path: Path) -> None:
    made = [RunFolder.create(tmp_path, "score", named(str(n))).run_id for n in range(3)]
    assert made == ["r-0001", "r-0002", "r-0003"]
    assert [model_names(run.spec) for run in list_runs(tmp_path)] == [("tiny", "0"), ("tiny", "1"), ("tiny", "2")]


def test_two_callers_at_once_get_two_runs(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda n: RunFolder.create(tmp_path, "score", named(f"{n:02d}")).run_id, range(40)))
    assert sorted(ids) == [f"r-{number:04d}" for number in range(1, 41)]
    names = [run.spec_as(ScoreSpec).reference_name for run in list_runs(tmp_path)]
    assert sorted(names) == [f"{n:02d}" for n in range(40)]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".new-run")] == []


def test_numbers_go_on_after_r_9999_and_sort_as_numbers(tmp_path: Path) -> None:
    (tmp_path / "r-9999").mkdir()
    run = RunFolder.create(tmp_path, "score", A_SCORING)
    assert run.run_id == "r-10000"
    assert [run.run_id for run in list_runs(tmp_path)] == ["r-10000"]
    assert [run.run_id for run in scan_runs(tmp_path)] == ["r-9999", "r-10000"]


def test_open_reads_what_create_wrote(tmp_path: Path) -> None:
    spec = replace(named("模型"), datasets=("a", "b"), render=RenderSpec("plain", "last", 64))
    made = RunFolder.create(tmp_path, "preflight", spec)
    found = RunFolder.open(made.path)
    assert (found.run_id, found.kind, found.spec) == ("r-0001", "preflight", spec)
    assert found.created_at == made.created_at
    with pytest.raises(RunError, match="r-0001 is a preview"):
        found.spec_as(TrainReferenceRun)


def test_progress_survives_the_file(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "score", A_SCORING)
    progress = Progress(
        state="failed",
        n_done=3,
        n_total=7,
        samples_per_second=1.5,
        models=(ModelProgress("tiny", "base", 3, 7),),
        error=ErrorNote("it broke", "r-0001", "Try again."),
    )
    run.write_progress(progress)
    assert run.read_progress() == progress


def test_progress_with_an_unknown_field_and_a_damaged_one(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "score", A_SCORING)
    run.write_progress(Progress(state="running", n_done=2))
    document = {**json.loads(run.progress_path.read_text()), "new_in_2030": 1}
    run.progress_path.write_text(json.dumps(document))
    assert run.read_progress() == Progress(state="running", n_done=2)
    run.progress_path.write_bytes(b"\0\0\0")
    assert run.read_progress().error == ErrorNote(
        "progress.json of run r-0001 is incomplete or not JSON",
        str(run.progress_path),
        "Resume the run: what it has saved is kept.",
    )


def test_a_reader_never_sees_half_a_progress(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "score", A_SCORING)
    run.write_progress(Progress(message="first"))

    def write() -> None:
        for number in range(100):
            run.write_progress(Progress(message="x" * 10_000, n_done=number))

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        seen = set()
        while not writing.done():
            seen.add(len(run.read_progress().message))
    assert seen <= {5, 10_000}


def test_shards_are_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunFolder.create(tmp_path, "score", A_SCORING)
    run.write_shard("b", pa.table({"n": [2]}))
    run.write_shard("a", pa.table({"n": [1]}))

    def full(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OSError, match="No space left"):
        run.write_shard("c", pa.table({"n": [3]}))
    assert [path.name for path in run.finished_shards()] == ["a.parquet", "b.parquet"]


def test_a_shard_set_aside_is_not_finished(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "score", A_SCORING)
    shard = run.write_shard("a", pa.table({"n": [1]}))
    assert run.set_aside(shard) == run.path / "damaged" / "a.parquet"
    assert (run.finished_shards(), list(run.shards_dir.iterdir()), run.missing_shards()) == ([], [], ["a"])
    run.write_shard("a", pa.table({"n": [1]}))
    assert run.missing_shards() == []


def test_cancel_is_asked_and_taken_back(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "score", A_SCORING)
    assert not run.cancel_requested()
    run.request_cancel()
    assert RunFolder.open(run.path).cancel_requested()
    run.clear_cancel()
    run.clear_cancel()
    assert not run.cancel_requested()


@pytest.mark.slow
def test_only_one_worker_a_run(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "score", A_SCORING)
    assert not run.is_alive()
    with run.hold_lock():
        assert run.is_alive()
        with pytest.raises(RunError, match="r-0001 is already running"), RunFolder.open(run.path).hold_lock():
            pass
    assert not run.is_alive()


def test_asking_for_the_state_never_keeps_a_worker_out(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "score", A_SCORING)
    with run.hold_lock():
        pass
    stop = False

    def ask() -> None:
        while not stop:
            run.is_alive()

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        try:
            for _ in range(50):
                with run.hold_lock():
                    pass
        finally:
            stop = True
        assert [future.result() for future in asking] == [None, None]


def test_states(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "score", A_SCORING)
    assert run.state() == "queued"
    run.write_progress(Progress(state="queued"))
    assert run.state() == "queued"
    for past in (1, -1):
        long_ago = time.time() - past * (START_SECONDS + 1)  # before the clock was set back, it was later than now
        os.utime(run.path / "progress.json", (long_ago, long_ago))
        assert run.state() == "interrupted"
    run.write_progress(Progress(state="running"))
    assert run.state() == "interrupted"
    with run.hold_lock():
        assert run.state() == "running"
    run.write_result(score_result("b", "r", "rendering"))
    for state in ("done", "failed", "cancelled"):
        run.write_progress(Progress(state=state))
        assert run.state() == state


def test_result_is_there_once_the_run_is_done(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "score", A_SCORING)
    with pytest.raises(RunError, match="r-0001 has no result yet"):
        run.read_result(ScoreRunResult)
    result = score_result("b", "r", "rendering", n_samples=3, template="模型", refusals=(Refusal("s", "empty"),))
    run.write_result(result)
    assert run.read_result(ScoreRunResult) == result
    with pytest.raises(RunError, match="r-0001 is a scoring"):
        run.read_result(TrainReferenceResult)


def test_a_run_that_is_removed_is_gone_at_once(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "preflight", A_SCORING)
    run.write_shard("a", pa.table({"n": [1]}))
    run.remove()
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []
    assert RunFolder.create(tmp_path, "preflight", A_SCORING).run_id == "r-0002"


def test_a_worker_is_seen_in_a_folder_that_may_only_be_read(tmp_path):
    run = RunFolder.create(tmp_path / "runs", "score", A_SCORING)
    with run.hold_lock(), read_only(run.path):
        assert run.is_alive()
    with read_only(run.path):
        assert not run.is_alive()
