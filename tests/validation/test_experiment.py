"""An experiment from the plan to the report, over a small project that is really scored."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from lobass_core.errors import RequestError, RunError
from lobass_core.jobs.experiment_results import ValidateResult
from lobass_core.jobs.run_specs import ValidateRun
from lobass_core.project import Project
from lobass_core.specs import ScoreFileSpec, ValidateSpec
from lobass_core.store.connection import release
from lobass_core.validation.arm_results import ArmCache, digest_of
from lobass_core.workflows import costs
from lobass_core.workflows import validate as workflow
from lobass_core.workflows.bundle import plan_bundle, write_bundle
from lobass_core.workflows.import_scores import import_scores
from lobass_core.workflows.scores import read_scores
from lobass_core.workflows.unbundle import unbundle
from lobass_core.workflows.validate_plan import content_of, size_of_draws
from lobass_core.workflows.validate_report import report
from tests.validation.projects import ScoredProject, scored_project
from tests.worker.runs import work

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory):
    made = scored_project(tmp_path_factory.mktemp("validate"))
    yield made
    release(made.project.store_path)


@pytest.fixture(scope="module")
def other_file(tmp_path_factory: pytest.TempPathFactory, scored: ScoredProject) -> Path:
    """Thirteen rows of another kind, two of them near duplicates; one of the pool's own, and one of them twice."""
    rows = [{"instruction": f"Name tree {n}", "output": f"Tree number {n} has {n * 7} leaves."} for n in range(12)]
    rows += [
        rows[0],
        {**rows[1], "instruction": "Name tree 1!"},
        {"instruction": "Ask math 3?", "output": "math cloud3 bread3 field3 apple3 cloud3 now"},
    ]
    path = tmp_path_factory.mktemp("files") / "trees.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def _spec(**settings) -> ValidateSpec:
    usual = {
        "arms": ("base", "full", "learnability", "random"),
        "budgets": (0.25,),
        "draws": 2,
        "held_out": 8,
        "batch_tokens": 256,
        "device": "cpu",
        "learning_rate": 1e-3,
    }
    return ValidateSpec(**{**usual, **settings})


@pytest.fixture(scope="module")
def done(scored: ScoredProject, other_file: Path):
    with pytest.MonkeyPatch.context() as patch:
        # On a busy machine the scoring takes long enough to tell the speed.
        patch.setattr(costs, "LEAST_SECONDS", 1e9)
        experiment = workflow.plan(scored.project, _spec(evaluate=(str(other_file),)))
    run = workflow.prepare_run(scored.project, experiment)
    assert work(run) == 0
    return experiment, run


def test_the_plan_says_what_it_trains_and_that_no_time_is_known(done):
    plan = done[0].plan
    assert (plan.n_trainings, plan.n_kept, plan.n_pool) == (5, 0, 64)
    assert plan.sets == (("chat, held out", 8), ("math, held out", 8), ("trees", 13))
    assert plan.seconds is None and plan.n_tokens > 0
    assert plan.notes == ("Left out 1 row of the files to measure, because near duplicates are in the pool.",)


def test_no_arm_is_trained_on_a_held_out_row(done):
    run = done[1]
    trained = set(pq.read_table(run.path / "arms.parquet")["sample_id"].to_pylist())
    measured = pq.read_table(run.path / "measured.parquet")["sample_id"].to_pylist()
    assert len(measured) == len(set(measured)) == 29 and not trained & set(measured)
    assert len(trained) == 64


def test_every_arm_has_its_rows_and_its_losses(done):
    run = done[1]
    asked, result = run.spec_as(ValidateRun), run.read_result(ValidateResult)
    assert (result.n_trained, result.n_kept, len(result.arms)) == (5, 0, 5)
    assert [one.n_rows for one in asked.planned] == [0, 64, 16, 16, 16]
    cache = ArmCache(Path(asked.cache_dir))
    kept = [cache.read(content_of(asked, one, result.rows)) for one in asked.planned]
    assert [one.content.key for one in kept] == [one.key for one in result.arms]
    assert all(len(one.losses) == 29 and min(one.losses) > 0 for one in kept)
    assert kept[0].n_steps == 0 and all(one.n_steps > 0 for one in kept[1:])
    # Training does something, and another draw something else.
    assert len({one.losses for one in kept}) == 5


def test_the_untouched_base_has_the_losses_that_were_scored(done, scored):
    run = done[1]
    asked, result = run.spec_as(ValidateRun), run.read_result(ValidateResult)
    cache = ArmCache(Path(asked.cache_dir))
    base, rows = cache.read(content_of(asked, asked.planned[0], result.rows)), cache.read_rows(result.rows)
    measured = dict(zip(rows.sample_ids, base.loss_sums() / np.array(rows.n_tokens), strict=True))
    columns = read_scores(scored.project)
    stored = dict(zip(columns["sample_id"].to_pylist(), columns["base_loss"].to_pylist(), strict=True))
    both = [(measured[sample_id[:16]], loss) for sample_id, loss in stored.items() if sample_id[:16] in measured]
    assert len(both) == 16
    assert np.allclose(*zip(*both, strict=True), atol=1e-4)


def test_the_report_has_a_sentence_for_each_claim(done, scored):
    outcome = report(scored.project)
    assert outcome.n_missing == 0 and len(outcome.judged.claims) == 3 * 3 * 2
    assert [(one.n_rows, one.n_groups) for one in outcome.judged.sets] == [(8, 8), (8, 8), (13, 12)]
    text = (outcome.folder / f"{outcome.run_id}.md").read_text(encoding="utf-8")
    assert text.count(" random draws of 25 % ") == 18
    assert "Learnability: " in text and "Untouched base: " in text and "trees" in text
    assert f"![Differences from random draws]({outcome.run_id}.svg)" in text and str(scored.project.root) not in text
    assert (outcome.folder / f"{outcome.run_id}.svg").read_text(encoding="utf-8") == outcome.figure()
    document = json.loads((outcome.folder / f"{outcome.run_id}.json").read_text(encoding="utf-8"))
    assert {claim["verdict"] for claim in document["claims"]} <= {"better", "worse", "no difference found"}
    assert document["n_random_draws"] == 2


def test_the_same_file_under_another_name_is_a_set_of_that_name(done, scored, other_file, tmp_path):
    renamed = tmp_path / "forest.json"
    shutil.copy(other_file, renamed)
    experiment = workflow.plan(scored.project, _spec(evaluate=(str(renamed),)))
    assert experiment.plan.n_to_do == 0
    run = workflow.prepare_run(scored.project, experiment)
    assert work(run) == 0
    judged = report(scored.project, run.run_id).judged
    assert [one.name for one in judged.sets] == ["chat, held out", "forest", "math, held out"]
    before = report(scored.project, done[1].run_id).judged.claims
    expected = {(one.set_name.replace("trees", "forest"), one.arm, one.mean): one.loss for one in before}
    assert {(one.set_name, one.arm, one.mean): one.loss for one in judged.claims} == expected


def test_files_called_alike_are_sets_of_their_own(scored, other_file, tmp_path):
    other = tmp_path / "trees.json"
    other.write_text(json.dumps([{"instruction": f"Say {n}", "output": f"{n} it is."} for n in range(5)]))
    plan = workflow.plan(scored.project, _spec(evaluate=(str(other_file), str(other)))).plan
    names = [f"{path.parent.name}/trees.json" for path in (other_file, other)]
    assert dict(plan.sets)[names[0]] == 13 and dict(plan.sets)[names[1]] == 5


def test_a_damaged_arm_is_trained_again_and_named(done, scored):
    run = done[1]
    result = run.read_result(ValidateResult)
    path = ArmCache(scored.project.validation_dir).path_of(result.arms[2].key)
    before = path.read_text(encoding="utf-8")
    path.write_text(before[: len(before) // 2], encoding="utf-8")
    assert report(scored.project, run.run_id).n_missing == 1
    assert work(run) == 0
    again = run.read_result(ValidateResult)
    assert (again.n_trained, again.n_kept) == (1, 4)
    assert again.warnings[-1].startswith("1 kept arm was damaged and trained again: a file of the experiment cannot")
    losses = '"losses":['
    assert path.read_text(encoding="utf-8").split(losses)[1] == before.split(losses)[1]


def test_a_new_selection_costs_one_arm_where_draws_of_about_its_size_are_kept(done, scored, other_file):
    alone = workflow.plan(scored.project, _spec(evaluate=(str(other_file),), selections=("best",), budgets=(0.25,)))
    n_rows = next(one.n_rows for one in alone.plan.arms if one.arm == "selection:best")
    # Its own size is no budget, so its two draws are trained with it.
    assert (alone.plan.n_trainings, alone.plan.n_kept) == (8, 5) and n_rows != 16
    near = (n_rows + 0.4) / 64
    spec = _spec(arms=("base", "full", "random"), evaluate=(str(other_file),), selections=("best",), budgets=(near,))
    plan = workflow.plan(scored.project, spec).plan
    drawn = [one for one in plan.arms if one.arm == "random"]
    assert [one.n_rows for one in drawn] == [n_rows, n_rows]
    # Base, all rows, two draws, and one more training for the selection.
    assert (plan.n_trainings, plan.n_kept) == (5, 2)
    (note,) = [note for note in plan.notes if note.startswith("Selection")]
    assert note == "Selection 'best' trains on {} of its 16 rows; the others are held out.".format(
        next(one.n_rows for one in plan.arms if one.arm == "selection:best")
    )
    assert plan.seconds is not None and plan.tokens_per_second
    again = workflow.plan(scored.project, _spec(evaluate=(str(other_file),))).plan
    assert (again.n_trainings, again.n_kept, again.n_steps, again.seconds) == (5, 5, 0, 0.0)


def test_a_cancelled_experiment_goes_on_with_what_it_lacks(done, scored):
    experiment = workflow.plan(scored.project, _spec(arms=("random",), held_out=6))
    run = workflow.prepare_run(scored.project, experiment)
    asked = run.spec_as(ValidateRun)
    run.request_cancel()
    # The request is looked for before the first arm; nothing is lost by it.
    from lobass_core.worker.__main__ import main

    assert main([str(run.path)]) == 3
    with pytest.raises(RequestError, match="no arm of run"):
        report(scored.project, run.run_id)
    again = workflow.prepare_run(scored.project, workflow.plan(scored.project, _spec(arms=("random",), held_out=6)))
    assert again.run_id == run.run_id
    assert work(again) == 0 and again.read_result(ValidateResult).n_trained == len(asked.planned)


def test_equal_steps_gives_every_arm_as_many_as_the_first_draw(scored):
    experiment = workflow.plan(scored.project, _spec(arms=("random", "longest", "shortest"), equal="steps", epochs=2))
    run = workflow.prepare_run(scored.project, experiment)
    assert work(run) == 0
    asked, result = run.spec_as(ValidateRun), run.read_result(ValidateResult)
    cache = ArmCache(Path(asked.cache_dir))
    kept = [cache.read(content_of(asked, one, result.rows)) for one in asked.planned]
    assert len({one.n_steps for one in kept}) == 1
    assert kept[-1].n_response_tokens < kept[-2].n_response_tokens


def test_arms_answer_held_out_rows_where_the_base_gets_some_right(scored, tmp_path):
    rows = [{"instruction": f"What is {n} and {n}?", "output": f"It is {2 * n}.\n#### {2 * n}"} for n in range(6)]
    sums = tmp_path / "sums.json"
    sums.write_text(json.dumps(rows), encoding="utf-8")
    experiment = workflow.plan(scored.project, _spec(arms=("random",), evaluate=(str(sums),), answers=4))
    assert experiment.plan.n_answers == 4
    run = workflow.prepare_run(scored.project, experiment)
    assert work(run) == 0
    asked, result = run.spec_as(ValidateRun), run.read_result(ValidateResult)
    assert [one.arm for one in asked.planned] == ["base", "random", "random"] and asked.answered_on
    cache = ArmCache(scored.project.validation_dir)
    base, *drawn = [cache.read(content_of(asked, one, result.rows)) for one in asked.planned]
    # An untrained base gets nothing right, so nobody else is asked.
    assert sorted(base.answers) == [-1] * 18 + [0] * 4
    assert all(set(one.answers) == {-1} for one in drawn)
    outcome = report(scored.project, run.run_id)
    assert outcome.judged.answers == () and outcome.n_missing == 0


def test_a_base_that_has_changed_is_refused(scored, tmp_path):
    experiment = workflow.plan(scored.project, _spec(held_out=5))
    run = workflow.prepare_run(scored.project, experiment)
    weights, aside = scored.base / "model.safetensors", tmp_path / "aside"
    shutil.copy(weights, aside)
    shutil.copy(scored.base.with_name("reference") / "model.safetensors", weights)
    try:
        assert work(run) == 1
    finally:
        shutil.copy(aside, weights)
    assert "the base model has changed" in run.read_progress().error.what


def test_a_measure_is_an_arm_in_its_own_direction(scored, tmp_path):
    ratings = tmp_path / "ratings.jsonl"
    rows = [{"sample_id": sample_id, "errors": place} for place, sample_id in enumerate(scored.sample_ids)]
    ratings.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    spec = ScoreFileSpec(path=str(ratings), name="errors", higher_is_better=False)
    import_scores(scored.project, spec)
    planned = workflow.plan(scored.project, _spec(arms=("measure:errors", "random"))).planned
    (arm,) = [one for one in planned.run.planned if one.arm == "measure:errors"]
    places = [scored.sample_ids.index(sample_id) for sample_id in planned.rows[arm.rows]]
    # Eight of each domain, those with the fewest errors: rows are numbered domain by domain.
    assert len(places) == 16 and max(place % 40 for place in places) < 14


def test_a_report_of_a_project_that_can_only_be_read_writes_nothing(done, scored, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in scored.project.validation_dir.glob("r-*")}
    monkeypatch.setattr(type(scored.project), "is_read_only", property(lambda _: True))
    assert report(scored.project, done[1].run_id).judged.claims
    assert before == {path: path.stat().st_mtime_ns for path in scored.project.validation_dir.glob("r-*")}


def test_a_bundle_carries_the_report_and_what_it_rests_on(done, scored, tmp_path):
    expected = report(scored.project, done[1].run_id).judged
    write_bundle(scored.project, plan_bundle(scored.project), tmp_path / "all.zip")
    unbundle(tmp_path / "all.zip", tmp_path / "theirs")
    theirs = Project.open(tmp_path / "theirs")
    assert (theirs.validation_dir / f"{done[1].run_id}.md").is_file()
    assert report(theirs, done[1].run_id).judged == expected
    release(theirs.store_path)


def test_what_cannot_be_planned_is_refused(scored):
    with pytest.raises(RequestError, match="no arm 'best'"):
        workflow.plan(scored.project, _spec(arms=("best",)))
    with pytest.raises(RequestError, match="contains no row"):
        workflow.plan(scored.project, _spec(budgets=(0.001,)))
    with pytest.raises(RequestError, match="random draws"):
        _spec(draws=1)
    with pytest.raises(RunError, match="r-9999"):
        report(scored.project, "r-9999")


@pytest.mark.parametrize(
    ("n_rows", "sizes", "expected"),
    # Within 5 % of a budget its draws; else steps of 5 %, alike for sizes that are near each other.
    [(100, (105, 96), 96), (100, (106, 94), 98), (101, (), 103), (104, (), 103), (106, (), 108), (3, (), 3),
     (1, (), 1), (0, (5,), 0), (118, (), 119), (200, (), 120)],
)  # fmt: skip
def test_a_selection_is_compared_with_draws_of_about_its_size(n_rows, sizes, expected):
    assert size_of_draws(n_rows, sizes, 120) == expected


def test_digests_name_rows_in_any_order():
    assert digest_of(["b" * 64, "a" * 64]) == digest_of(["a" * 64, "b" * 64]) != digest_of(["a" * 64])
