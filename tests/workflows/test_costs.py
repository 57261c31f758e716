"""Costs in passes over the pool, and in hours only where a finished run of the same base has measured a speed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_specs import TrainReferenceRun, ValidateRun
from lobass_core.project import Project
from lobass_core.specs import ModelSpec, NamedReference, RenderSpec, ScoreSpec, TrainReferenceSpec, ValidateSpec
from lobass_core.worker.recipe import write_recipe
from lobass_core.workflows import explore
from lobass_core.workflows.costs import LEAST_SAMPLES, Cost, Speed, cost_of_scoring, cost_of_selection, cost_of_training
from lobass_core.workflows.training_rate import training_rate
from tests.filled_project import Row, fill, import_rows
from tests.run_specs import A_SCORING

BASE = A_SCORING.base
ROWS = [Row(f"Say {k}", f"It is {k}") for k in range(10)]


@pytest.fixture
def pool(project: Project) -> Project:
    """Ten samples, two of them in a dataset of their own."""
    import_rows(project, ROWS[:8], "first")
    import_rows(project, ROWS[8:], "second")
    return project


def training(**settings) -> TrainReferenceSpec:
    return TrainReferenceSpec(BASE, "ref", **settings)


@pytest.mark.parametrize(
    ("settings", "train", "score"),
    [
        ({}, 3, 2),
        ({"epochs": 3.0}, 9, 2),
        ({"folds": 2}, 3, 2),
        ({"folds": 5}, 12, 2),
        ({"seeds": 3}, 9, 4),
        ({"seeds": 2, "folds": 5}, 24, 3),
        ({"epochs": 3.0, "keep_epochs": True}, 9, 4),
        ({"epochs": 2.5, "keep_epochs": True, "seeds": 2}, 15, 7),
        ({"target": "second"}, 0.6, 2),
    ],
)
def test_passes_of_a_training(pool, settings, train, score):
    cost = cost_of_training(pool, training(**settings))
    assert (cost.training, cost.scoring, cost.everything) == (pytest.approx(train), score, 9)


def test_five_folds_cost_14_passes_and_say_so(pool):
    cost = cost_of_training(pool, training(folds=5))
    assert cost.total == 14
    assert cost.sentence == (
        "Passes over the pool: 14 (12 to train the reference, 2 to score), no less than the 9 of training on all rows "
        "for 3 epochs."
    )
    assert cost.seconds is None
    assert cost.time_sentence.startswith("How long that takes is unknown")


def test_a_model_from_elsewhere_costs_no_training(pool):
    assert cost_of_scoring(pool, A_SCORING).sentence == (
        "Passes over the pool: 2 (2 to score), less than the 9 of training on all rows for 3 epochs. "
        "The reference needs no training."
    )


def test_the_training_of_a_reference_counts_when_it_scores(pool):
    write_recipe(_folder(pool, "ref"), {"spec": training(folds=2, epochs=2.0).to_dict(), "n_samples": 10})
    write_recipe(_folder(pool, "t"), {"spec": TrainReferenceSpec(BASE, "t").to_dict(), "n_samples": 5})
    own = replace(A_SCORING, reference_name="ref")
    cost = cost_of_scoring(pool, own)
    assert (cost.training, cost.scoring, cost.was_trained) == (6, 2, True)
    targeted = replace(own, others=(NamedReference("reference@target", (ModelSpec("org/t"),), "t"),))
    cost = cost_of_scoring(pool, targeted)
    assert (cost.training, cost.scoring) == (7.5, 3)
    # The pool has grown to twice what the reference was trained on: half as many passes over it.
    write_recipe(_folder(pool, "ref"), {"spec": training(epochs=2.0).to_dict(), "n_samples": 5})
    assert cost_of_scoring(pool, own).training == 3


def test_members_are_read_once_each_and_the_same_model_once(pool):
    seeds = tuple(NamedReference(f"reference@seed-{k}", (ModelSpec(f"org/{k}"),)) for k in range(3))
    epoch = NamedReference("reference@epoch-1", A_SCORING.references)
    assert cost_of_scoring(pool, replace(A_SCORING, others=seeds)).scoring == 4
    assert cost_of_scoring(pool, replace(A_SCORING, others=(epoch,))).scoring == 2


def test_a_selection_costs_its_training_too(project: Project):
    fill(project, ROWS)
    cost = cost_of_selection(project, explore.scored(project), 0.06)
    assert cost.total == pytest.approx(2 + 0.54)
    assert "0.5 to train on 6 % for 3 epochs" in cost.sentence
    assert not cost.was_trained
    n_before = cost.n_samples
    import_rows(project, [Row("Say more", "More")], "more")
    assert cost_of_selection(project, explore.scored(project), 0.06).n_samples == n_before + 1


def test_the_hours_of_a_selection_are_those_of_all_its_passes():
    speed = Speed("cpu", ("r-0001",), scoring_seconds=1.0, training_seconds=1.0)
    cost = Cost(100, training=3.0, scoring=2.0, share=0.06, final=0.54, speed=speed)
    assert cost.time_sentence == (
        "Together they take about 9 min 14 s on cpu, training on all rows 15 min 00 s, at the speed of run r-0001."
    )


def test_hours_are_those_of_the_largest_finished_runs_of_this_base(pool):
    train = TrainReferenceRun(training(), "/models/ref")
    _ran(pool, "train_reference", train, seconds=120, n_samples=100)
    _ran(pool, "score", A_SCORING, seconds=50, n_samples=100)
    # Of another base, another device, unfinished, or too short to say anything.
    _ran(pool, "score", replace(A_SCORING, base=ModelSpec("org/other")), seconds=1, n_samples=100)
    _ran(pool, "score", A_SCORING, seconds=1, n_samples=100, device="cuda:0", state="failed")
    _ran(pool, "score", A_SCORING, seconds=1, n_samples=10)
    # Smaller, and so with a larger share of starting up.
    _ran(pool, "score", A_SCORING, seconds=99, n_samples=60)
    cost = cost_of_training(pool, training())
    # 10 samples: 2 passes at 0.5 s, and an epoch, which is 3 passes, at 1.2 s.
    assert cost.seconds == pytest.approx(10 * (2 * 0.5 + 1.2))
    assert cost.everything_seconds == pytest.approx(10 * 3 * 1.2)
    assert cost.time_sentence == (
        "That takes about 22 s on cpu, training on all rows 36 s, at the speed of run r-0001 and run r-0002."
    )
    assert cost_of_training(pool, training(device="cuda")).speed is None
    assert cost_of_training(pool, training(method="lora")).speed.training_seconds == 0.5
    scoring = cost_of_scoring(pool, A_SCORING)
    assert scoring.seconds == pytest.approx(10 * 2 * 0.5)
    assert scoring.time_sentence.startswith("Scoring every row takes about 10 s on cpu")


def test_of_a_lone_training_a_third_is_a_pass(pool):
    _ran(pool, "train_reference", TrainReferenceRun(training(), "/models/ref"), seconds=90, n_samples=100)
    assert cost_of_scoring(pool, A_SCORING).seconds == pytest.approx(10 * 2 * 0.3)


@pytest.mark.parametrize(
    ("n_samples", "seconds", "is_timed"),
    [(LEAST_SAMPLES, 60, True), (LEAST_SAMPLES - 1, 60, False), (LEAST_SAMPLES, -60, False)],
    ids=["enough", "too few", "the clock was set back"],
)
def test_a_run_is_a_measure_if_it_read_enough_on_a_clock_that_went_on(pool, n_samples, seconds, is_timed):
    _ran(pool, "score", A_SCORING, seconds=seconds, n_samples=n_samples)
    speed = cost_of_scoring(pool, A_SCORING).speed
    assert (speed is not None) is is_timed
    assert speed is None or speed.scoring_seconds == 60 / LEAST_SAMPLES


def test_a_training_of_an_experiment_is_forecast_from_what_has_been_timed(pool):
    def rate(device: str = "auto") -> float | None:
        asked = ValidateSpec(method="lora", device=device)
        run = ValidateRun(asked, "r-0001", BASE, "weights", RenderSpec(), "render", str(pool.validation_dir), ())
        return training_rate(pool, run)

    assert rate() is None
    _ran(pool, "score", A_SCORING, seconds=50, n_samples=100, n_tokens=30_000)
    _ran(pool, "score", A_SCORING, seconds=1, n_samples=60, n_tokens=6_000)
    # 600 tokens a second forward; training takes three times as long.
    assert rate() == rate("cpu") == 200 and rate("cuda") is None
    _ran(pool, "train_reference", TrainReferenceRun(training(), "/m"), seconds=60, n_samples=100, n_tokens=15_000)
    assert rate() == 250
    lora = TrainReferenceRun(training(method="lora"), "/m")
    _ran(pool, "train_reference", lora, seconds=60, n_samples=60, n_tokens=18_000)
    assert rate() == 300


def _folder(project: Project, name: str) -> Path:
    folder = project.models_dir / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _ran(
    project: Project,
    kind: str,
    spec: ScoreSpec | TrainReferenceRun,
    *,
    seconds: int,
    n_samples: int,
    n_tokens: int = 0,
    device: str = "cpu",
    state: str = "done",
) -> None:
    run = RunFolder.create(project.runs_dir, kind, spec)
    run.write_progress(
        Progress(
            state=state,
            device=device,
            n_samples_done=n_samples,
            n_tokens_done=n_tokens,
            started_at="2026-01-01T10:00:00+00:00",
            finished_at=(datetime(2026, 1, 1, 10, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat(),
        )
    )
