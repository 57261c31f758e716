"""The JSON files of runs: those of version 1 are read, a damaged one says what is wrong with it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lobass_core.errors import RunError
from lobass_core.jobs.progress import ModelProgress, Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import DamagedRun, list_runs, scan_runs
from lobass_core.jobs.run_results import (
    ModelInfo,
    PreflightResult,
    RenderResult,
    ScoredModel,
    ScoreRunResult,
    StepLoss,
    TrainBaseResult,
    TrainReferenceResult,
)
from lobass_core.jobs.run_specs import RenderRun, TrainBaseRun, TrainedDataset, TrainReferenceRun
from lobass_core.specs import ModelSpec, RenderSpec, ScoreSpec, SmallBaseSizes, TrainReferenceSpec
from tests.damaged_runs import DAMAGE, changed, finished_run
from tests.run_specs import A_SCORING, score_result

OLD = Path(__file__).parent / "data" / "old_runs"
BASE = ModelSpec("/data/models/base")
PLAIN = RenderSpec("plain")
SHA256 = "44e107a9501aaa6e7cd85fc30bb04a9f299eccece921d6f2c16071e3591958e2"


def test_specs_of_version_1() -> None:
    training, preflight, score, render, train_base, failed = [run.spec for run in list_runs(OLD)]
    assert training == TrainReferenceRun(
        TrainReferenceSpec(BASE, "ref", render=PLAIN, device="cpu"),
        "/data/project/models/ref",
        (TrainedDataset("sums", "/data/sums.json", SHA256, 8),),
    )
    reference = ModelSpec("/data/project/models/ref")
    assert score == ScoreSpec(BASE, (reference,), reference_name="ref", render=PLAIN, device="cpu") == preflight
    assert render == RenderRun(BASE, PLAIN)
    assert train_base == TrainBaseRun(
        "/data/project/texts.parquet",
        "/data/project/models/demo-base",
        "demo-base",
        SmallBaseSizes(vocab_size=300, num_hidden_layers=1),
    )
    assert failed == ScoreSpec(ModelSpec("/nowhere"), (ModelSpec("/nowhere2"),))


def test_results_of_version_1() -> None:
    training, preflight, score, render, train_base, _ = list_runs(OLD)
    assert training.read_result(TrainReferenceResult) == TrainReferenceResult(
        "ref", "/data/project/models/ref", "full", 1, 0.003, "plain", 512, "cpu", 8, 0, 1, None, None, 1.1
    )
    found = score.read_result(ScoreRunResult)
    info = ModelInfo("c79f5794a7b54b57", "f85c5b5220b4148f", "float32", "", "llama")
    assert found.base == ScoredModel("173f2a251d55b747", "base", "/data/models/base", "", "base", None, info)
    assert (found.n_samples, found.n_computed, found.template, found.padding_share) == (8, 16, "plain", 0.125)
    forecast = preflight.read_result(PreflightResult)
    assert [(model.name, model.n_known, model.n_to_do) for model in forecast.models] == [("base", 0, 8), ("ref", 0, 8)]
    assert forecast.n_to_do == 16
    (row,) = render.read_result(RenderResult).preview
    assert [row.text[token.start : token.end] for token in row.tokens if token.response][-1] == "</s>"
    assert train_base.read_result(TrainBaseResult).losses == (StepLoss(1, 5.64614),)


def test_progress_of_version_1() -> None:
    states = [run.state() for run in list_runs(OLD)]
    assert states == ["done", "done", "done", "done", "done", "failed"]
    progress = list_runs(OLD)[2].read_progress()
    models = (ModelProgress("base", "base", 8, 8), ModelProgress("ref", "reference", 8, 8))
    assert (progress.n_done, progress.device, progress.models) == (16, "cpu", models)


def test_a_setting_that_had_another_name(tmp_path: Path) -> None:
    asked = {**A_SCORING.to_dict(), "budget_tokens": 512}
    del asked["batch_tokens"]
    run = finished_run(tmp_path)
    changed(spec=asked)(run.path / "spec.json")
    assert RunFolder.open(run.path).spec == replace(A_SCORING, batch_tokens=512) == ScoreSpec.from_dict(asked)
    reference = {"base": {"path": "m"}, "name": "ref", "budget_tokens": 64}
    assert TrainReferenceSpec.from_dict(reference).batch_tokens == 64


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        *DAMAGE,
        (Path.unlink, r"run r-0001 has no spec\.json"),
        (changed(spec=[]), r"has an unknown layout: Expected `object`, got `array` - at `\$\.spec`"),
        (changed(spec={"base": {"path": "m"}}), r"unknown layout: Object missing required field `references`"),
        (changed(spec={**A_SCORING.to_dict(), "batch_tokens": "4k"}), r"Expected `int`, got `str`"),
        (changed(spec={**A_SCORING.to_dict(), "references": []}), "invalid setting: no reference model"),
        (changed(spec={**A_SCORING.to_dict(), "render": {"tail": 1}}), r"unknown setting: render\.tail"),
        (changed(kind="dance"), "unknown kind 'dance'"),
        (changed(created_at="yesterday"), "has an unknown layout: Invalid isoformat"),
    ],
)
def test_a_damaged_spec_costs_its_own_run_a_line(tmp_path: Path, damage: Callable[[Path], None], says: str) -> None:
    damaged, whole = finished_run(tmp_path), finished_run(tmp_path)
    damage(damaged.path / "spec.json")
    with pytest.raises(RunError, match=says):
        RunFolder.open(damaged.path)
    first, second = scan_runs(tmp_path)
    assert isinstance(first, DamagedRun) and isinstance(second, RunFolder)
    assert "r-0001" in first.note.what and first.note.do
    assert [run.run_id for run in list_runs(tmp_path)] == [whole.run_id]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        *DAMAGE,
        (changed(n_done="many"), r"unknown layout: Expected `int`, got `str` - at `\$\.n_done`"),
        (changed(state="asleep"), "unknown layout: Invalid enum value 'asleep'"),
        (changed(started_at="yesterday"), "unknown layout: Invalid isoformat"),
        (changed(finished_at="2026-01-01T00:00:00"), "has no time zone"),
    ],
)
def test_a_damaged_progress(tmp_path: Path, damage: Callable[[Path], None], says: str) -> None:
    run = finished_run(tmp_path)
    damage(run.progress_path)
    assert run.state() == "damaged"
    with pytest.raises(RunError, match=says):
        raise RunError(getattr(run.fault(), "what", "nothing"))
    with run.hold_lock():
        assert run.state() == "running"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        *DAMAGE,
        (Path.unlink, "r-0001 has no result yet"),
        (changed(base="tiny"), r"unknown layout: Expected `object`, got `str` - at `\$\.base`"),
        (changed(n_samples=None), r"unknown layout: Expected `int`, got `null` - at `\$\.n_samples`"),
    ],
)
def test_a_damaged_result(tmp_path: Path, damage: Callable[[Path], None], says: str) -> None:
    run = finished_run(tmp_path)
    damage(run.result_path)
    assert run.state() == "damaged"
    with pytest.raises(RunError, match=says):
        run.read_result(ScoreRunResult)
    assert run.fault() is not None
    run.write_progress(Progress(state="failed"))
    assert (run.state(), run.fault()) == ("failed", None)


def test_an_unknown_field_in_a_result_is_passed_over(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    changed(new_in_2030=1)(run.result_path)
    assert run.read_result(ScoreRunResult) == score_result("b", "r", "rendering")


def test_what_is_written_says_its_version(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    paths = (run.path / "spec.json", run.progress_path, run.result_path)
    assert [json.loads(path.read_text())["version"] for path in paths] == [2, 2, 2]
