"""Real child processes: followed, cancelled, killed, resumed."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lobass_core.errors import RunError
from lobass_core.jobs.launch import follow, launch
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder
from tests.jobs.toy_worker import ToyResult, ToySpec

pytestmark = pytest.mark.slow

TOY = (sys.executable, str(Path(__file__).parent / "toy_worker.py"))


def make_run(folder: Path, **spec: Any) -> RunFolder:
    return RunFolder.create(folder, "toy", ToySpec(**spec))


def wait_for_shards(run: RunFolder, n_shards: int) -> None:
    deadline = time.monotonic() + 60
    while len(run.finished_shards()) < n_shards:
        assert time.monotonic() < deadline, run.log_path.read_text()
        time.sleep(0.01)


def numbers(run: RunFolder) -> list[int]:
    return [n for path in run.finished_shards() for n in pq.read_table(path)["number"].to_pylist()]


EVERY_NUMBER = [number for number in range(6) for _ in range(3)]


def test_a_run_is_followed_to_its_end(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    seen: list[Progress] = []
    pid = launch(run, TOY)
    assert os.getsid(pid) == pid  # a session of its own: it outlives the terminal
    last = follow(run, seen.append, poll_seconds=0.01)
    assert (last.state, last.n_done, last.n_total) == ("done", 6, 6)
    done = [progress.n_done for progress in seen]
    assert done == sorted(done)
    assert done[-1] == 6
    assert run.read_result(ToyResult) == ToyResult(6, 0)
    assert numbers(run) == EVERY_NUMBER
    assert "wrote 5" in run.log_path.read_text()


def test_a_killed_worker_is_interrupted_and_resumes_where_it_was(tmp_path: Path) -> None:
    run = make_run(tmp_path, seconds_a_shard=0.05, n_shards=40)
    for _ in range(3):
        n_before = len(run.finished_shards())
        pid = launch(run, TOY)
        wait_for_shards(run, n_before + 2)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(
            RunError, match=r"the worker of run r-0001 was killed by SIGKILL, as the system does if memory runs out"
        ):
            follow(run, poll_seconds=0.01)
        assert run.state() == "interrupted"
    n_kept = len(run.finished_shards())
    assert 6 <= n_kept < 40
    launch(run, TOY)
    follow(run, poll_seconds=0.01)
    assert run.read_result(ToyResult) == ToyResult(40, n_kept)
    assert numbers(run) == [number for number in range(40) for _ in range(3)]
    # A kill may fall between a shard and its line in the log, so the log says each shard at most once.
    assert run.log_path.read_text().count("wrote") <= 40


def test_cancel_stops_at_the_next_shard_and_resume_goes_on(tmp_path: Path) -> None:
    run = make_run(tmp_path, seconds_a_shard=0.1)
    launch(run, TOY)
    wait_for_shards(run, 2)
    run.request_cancel()
    with pytest.raises(RunError, match=r"r-0001 was cancelled .* resume it"):
        follow(run, poll_seconds=0.01)
    assert 2 <= len(run.finished_shards()) < 6
    launch(run, TOY)
    assert follow(run, poll_seconds=0.01).state == "done"
    assert numbers(run) == EVERY_NUMBER


def test_ctrl_c_asks_the_worker_to_stop(tmp_path: Path) -> None:
    run = make_run(tmp_path, seconds_a_shard=0.1)
    launch(run, TOY)
    wait_for_shards(run, 1)

    def interrupt_once(_progress: Progress) -> None:
        if not run.cancel_requested():
            raise KeyboardInterrupt

    with pytest.raises(RunError, match="was cancelled"):
        follow(run, interrupt_once, poll_seconds=0.01)


def test_a_failure_comes_in_the_workers_words(tmp_path: Path) -> None:
    run = make_run(tmp_path, fail_at=2)
    launch(run, TOY)
    with pytest.raises(RunError) as failure:
        follow(run, poll_seconds=0.01)
    assert (failure.value.what, failure.value.where, failure.value.do) == ("the toy broke", "shard 2", "Buy another.")
    assert run.state() == "failed"


def test_a_worker_that_cannot_start_is_told_at_once_with_its_last_words(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    began = time.monotonic()
    launch(run, (sys.executable, "-c", "raise SystemExit('no such planet')"))
    with pytest.raises(RunError, match=r"did not start .* Its log ends with: no such planet"):
        follow(run, poll_seconds=0.01)
    assert time.monotonic() - began < 20


def test_a_library_draws_no_bars_into_the_log(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    launch(run, (sys.executable, "-c", "from tqdm.auto import tqdm; list(tqdm(range(9))); print('end')"))
    with pytest.raises(RunError):
        follow(run, poll_seconds=0.01)
    assert run.log_path.read_text() == "end\n"


# What a library warns of stands in the log with the line of code that it stands in.
WARNS_AND_ENDS = """
import sys, warnings
def old():
    warnings.warn("`is_gradient_checkpointing` is deprecated", FutureWarning)
{error}
old()
sys.exit(4)
"""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("", "Resume it."),
        (
            "print('RuntimeError: CUDA error: device lost', file=sys.stderr)",
            "Resume it. The last error in its log: RuntimeError: CUDA error: device lost",
        ),
        ("print('no room on the node', file=sys.stderr)", "Resume it. Its log ends with: no room on the node"),
    ],
)
def test_the_source_line_of_a_warning_is_not_quoted_as_the_cause(tmp_path: Path, error: str, said: str) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WARNS_AND_ENDS.format(error=error))
    run = make_run(tmp_path / "runs")
    launch(run, (sys.executable, str(script)))
    with pytest.raises(RunError) as died:
        follow(run, poll_seconds=0.01)
    assert (died.value.what, died.value.do) == ("the worker of run r-0001 did not start", said)


def test_a_running_run_is_not_launched_twice(tmp_path: Path) -> None:
    run = make_run(tmp_path, seconds_a_shard=0.1)
    launch(run, TOY)
    wait_for_shards(run, 1)
    with pytest.raises(RunError, match="r-0001 is already running"):
        launch(run, TOY)
    assert follow(run, poll_seconds=0.01).state == "done"
