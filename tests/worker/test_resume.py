"""A worker that is killed or cancelled leaves finished shards; the next one computes the rest, and the same numbers."""

import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.specs import ModelSpec
from lobass_core.worker import scoring_pass
from lobass_core.worker.score_progress import ScoreProgress
from tests.jobs.test_checksums import flip_bit
from tests.models import tiny_llama
from tests.worker.runs import kill_when, losses_of, samples, score_run, start, work

pytestmark = pytest.mark.slow

# Small shards, so that a small run has several.
SHARD = 64
SMALL = {"LOBASS_SHARD_SAMPLES": str(SHARD)}
N_SAMPLES = 300


@pytest.fixture(autouse=True, scope="module")
def small_shards():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring_pass, "SHARD_SAMPLES", SHARD)
        # The worker processes run on one thread; another number would add up in another order.
        n_threads = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(n_threads)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("base", "ref")):
        tiny_llama(folder / name, seed=seed, chat_template=None, num_hidden_layers=8)
    return folder


def fresh(models: Path, folder: Path) -> RunFolder:
    return score_run(folder, samples(N_SAMPLES, words=40), models / "base", ModelSpec(str(models / "ref")))


@pytest.fixture(scope="module")
def undisturbed(models: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    run = fresh(models, tmp_path_factory.mktemp("whole"))
    assert work(run) == 0
    return run


def test_killed_twice_and_resumed(models: Path, undisturbed: RunFolder, tmp_path: Path):
    run = fresh(models, tmp_path)
    moments = [lambda: len(run.finished_shards()) >= 2, lambda: len(run.finished_shards()) >= 7]
    written: dict[str, int] = {}
    for moment in moments:
        assert kill_when(start(run, **SMALL), moment), run.log_path.read_text()
        assert run.state() == "interrupted"
        for path in run.finished_shards():
            # A finished shard is never written again.
            assert written.setdefault(path.name, path.stat().st_mtime_ns) == path.stat().st_mtime_ns
    assert work(run) == 0
    assert all((run.shards_dir / name).stat().st_mtime_ns == time for name, time in written.items())
    assert len(written) >= 7
    assert losses_of(run) == losses_of(undisturbed)
    progress = run.read_progress()
    assert (progress.n_done, progress.n_total) == (2 * N_SAMPLES, 2 * N_SAMPLES)


def test_two_processes_give_what_one_gives_and_die_with_their_worker(
    models: Path, undisturbed: RunFolder, tmp_path: Path
):
    run = fresh(models, tmp_path)
    process = start(run, LOBASS_CPU_PROCESSES="2", **SMALL)
    children: list[psutil.Process] = []

    def two_shards() -> bool:
        children[:] = psutil.Process(process.pid).children() or children
        return len(run.finished_shards()) >= 2

    assert kill_when(process, two_shards), run.log_path.read_text()
    assert len(children) >= 2
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
    assert start(run, LOBASS_CPU_PROCESSES="2", **SMALL).wait(timeout=300) == 0, run.log_path.read_text()
    assert losses_of(run) == losses_of(undisturbed)
    progress = run.read_progress()
    assert (progress.n_done, progress.n_total) == (2 * N_SAMPLES, 2 * N_SAMPLES)


@pytest.mark.thorough
def test_a_failure_in_a_process_is_told_in_words(models: Path, tmp_path: Path):
    torn = tiny_llama(tmp_path / "torn", seed=3, chat_template=None)
    weights = torn / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    run = score_run(tmp_path, samples(8), models / "base", ModelSpec(str(torn)))
    assert start(run, LOBASS_CPU_PROCESSES="2").wait(timeout=120) == 1
    error = run.read_progress().error
    assert error is not None and error.what.startswith("the model cannot be loaded")


@pytest.mark.parametrize(
    ("n_processes", "stop"),
    [
        pytest.param(1, signal.SIGTERM, id="one, SIGTERM"),
        pytest.param(2, None, id="two, cancel", marks=pytest.mark.thorough),
    ],
)
def test_cancelled_within_its_shard_and_resumed(
    models: Path,
    undisturbed: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    n_processes: int,
    stop: signal.Signals | None,
):
    run = fresh(models, tmp_path)
    # A shard a model.
    settings = {"LOBASS_SHARD_SAMPLES": "512", "LOBASS_CPU_PROCESSES": str(n_processes)}
    process = start(run, **settings)
    while process.poll() is None and run.read_progress().n_tokens_done == 0:
        time.sleep(0.005)
    process.send_signal(stop) if stop else run.request_cancel()
    assert process.wait(timeout=60) == 3, run.log_path.read_text()
    assert run.state() == "cancelled"
    saved = losses_of(run)
    progress = run.read_progress()
    assert 0 < progress.n_done <= len(saved) < 2 * N_SAMPLES
    monkeypatch.setattr(scoring_pass, "SHARD_SAMPLES", 512)
    assert work(run) == 0
    again = losses_of(run)
    assert {key: again[key] for key in saved} == saved
    assert len(run.finished_shards()) == 2
    # Its shards are larger than those of the undisturbed run, and so its batches have other rows.
    whole = losses_of(undisturbed)
    assert again.keys() == whole.keys()
    for key, (loss, n_tokens, status, _) in again.items():
        assert (n_tokens, status) == whole[key][1:3]
        assert loss == pytest.approx(whole[key][0], abs=2.3e-6 * n_tokens)


def test_what_is_saved_of_a_shard_is_not_computed_again(
    models: Path, undisturbed: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run, counted = fresh(models, tmp_path), []
    whole = ScoreProgress.advance

    def advance(self: ScoreProgress, model: int, *, n_samples: int, **more: Any) -> None:
        whole(self, model, n_samples=n_samples, **more)
        counted.append(0 if more.get("resumed") else n_samples)
        if len(counted) == 3:
            run.request_cancel()

    monkeypatch.setattr(ScoreProgress, "advance", advance)
    assert work(run) == 3
    saved = losses_of(run)
    assert len(saved) == sum(counted) > 0
    assert work(run) == 0
    assert sum(counted) == 2 * N_SAMPLES
    assert losses_of(run) == losses_of(undisturbed)


def test_a_torn_shard_is_computed_again(undisturbed: RunFolder, models: Path, tmp_path: Path):
    run = fresh(models, tmp_path)
    assert work(run) == 0
    torn, flipped, whole = run.finished_shards()[1:4]
    torn.write_bytes(torn.read_bytes()[:100])
    flip_bit(flipped, 8 * (flipped.stat().st_size // 2))
    written = whole.stat().st_mtime_ns
    assert work(run) == 0
    assert whole.stat().st_mtime_ns == written
    assert losses_of(run) == losses_of(undisturbed)


def test_a_second_worker_leaves_the_first_alone(models: Path, tmp_path: Path):
    run = fresh(models, tmp_path)
    with run.hold_lock():
        process = start(run)
        assert process.wait(timeout=60) == 1
    assert "already running" in run.log_path.read_text()
    assert run.read_progress().error is None
