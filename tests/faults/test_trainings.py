"""Trainings that were killed twice and resumed, against twins that nothing disturbed: the same weights, bit for bit."""

import json
import random
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from lobass_core.jobs.run_folder import RunFolder
from tests.faults.processes import Task, finish, start, words_of
from tests.faults.records import recorded
from tests.faults.trial import SEED, TRIES, Outcome
from tests.models import tiny_llama
from tests.training.runs import demo_samples, training_run

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
N_PAIRS = 12
N_KILLS = 2


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("models") / "base")


@pytest.mark.parametrize("number", range(N_PAIRS))
def test_killed_and_resumed_like_its_twin(tmp_path: Path, base: Path, number: int):
    outcome = recorded("two kills", "train-reference", number, SEED, lambda: pair(tmp_path, base, number))
    assert outcome.is_harmless, outcome


def pair(folder: Path, base: Path, number: int) -> Outcome:
    """Train twice with settings that the number draws, and kill the second one on its way."""
    draw = random.Random(f"{SEED} training {number}")
    fresh = _asked(folder, base, "fresh", number)
    began = time.monotonic()
    assert finish(_worker(fresh)) == 0, words_of(fresh.log_path)
    seconds = time.monotonic() - began
    moments = [draw.uniform(0.2, 0.9) * seconds for _ in range(N_KILLS)]
    for attempt in range(TRIES):
        name = f"killed-{attempt}"
        killed = _asked(folder, base, name, number)
        # A machine that is less busy now may have ended it before.
        if all(_was_killed(killed, moment * 0.75**attempt) for moment in moments):
            break
    else:
        raise AssertionError(f"training {number} ended before the kills, seed {SEED}")
    code = finish(_worker(killed))
    one, other = _weights(folder / "models" / "fresh"), _weights(folder / "models" / name)
    different = sum(not np.array_equal(one[key], other[key]) for key in one) + len(one.keys() ^ other.keys())
    stuck = "" if code == 0 else f"exit code {code}: {words_of(killed.log_path)}"
    said = f"{len(one)} tensors after {N_KILLS} kills"
    lost = {"tensors": different} if different else {}
    return Outcome("two kills", "train-reference", number, SEED, moments[0], lost, {}, stuck, 0.0, (said,))


def _asked(folder: Path, base: Path, name: str, number: int) -> RunFolder:
    settings = {"method": ("full", "lora")[number % 2], "folds": 1 + number % 3, "seed": number, "epochs": 3}
    checkpoints = {"checkpoint_seconds": 0.02}
    run = training_run(folder, base, demo_samples(60), name=name, run_settings=checkpoints, **settings)
    # On a busy machine, two runs may find different libraries faster, which differ in the last bits.
    (run.path / "products.json").write_text(json.dumps({"version": 2, "library": "onednn"}), encoding="utf-8")
    return run


def _worker(run: RunFolder) -> BaseProcess:
    return start(Task("worker", (str(run.path),)), run.log_path)


def _was_killed(run: RunFolder, seconds: float) -> bool:
    process = _worker(run)
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode == -9


def _weights(folder: Path) -> dict[str, np.ndarray]:
    files = sorted(folder.rglob("*.safetensors"))
    assert files, folder
    return {f"{path.relative_to(folder)} {key}": tensor for path in files for key, tensor in load_file(path).items()}
