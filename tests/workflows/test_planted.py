"""A self-test from the plan to the report: who gets whose answer, and the losses as scoring them gives them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from lobass_core.errors import RequestError, RunError
from lobass_core.jobs.checksums import remove_checked
from lobass_core.jobs.experiment_results import PlantedResult, PlantedRow
from lobass_core.jobs.progress import ErrorNote, Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_specs import PlantedRun
from lobass_core.learnability.measure_values import values_of
from lobass_core.records import Sample, Turn, turns_from_json
from lobass_core.specs import SelectionSpec
from lobass_core.store.connection import release
from lobass_core.store.datasets import sample_batches
from lobass_core.worker import scoring_pass
from lobass_core.workflows import explore, planted, planted_report
from lobass_core.workflows.clean import clean, cleanable
from lobass_core.workflows.cut import open_cut
from lobass_core.workflows.diagnose import diagnose
from lobass_core.workflows.findings import findings
from lobass_core.workflows.headline import headline
from lobass_core.workflows.leftovers import size_of
from tests.filled_project import Row, fill
from tests.fold_scores import score_in_folds
from tests.validation.projects import ScoredProject, scored_project
from tests.worker.runs import work

ROWS = [
    *(Row(f"Ask {k}?", f"Answer number {k} of chat", "chat", 2.0, 1.0 + k / 100) for k in range(20)),
    *(Row(f"Sum {k}?", f"Result {k}", "math", 2.0, 0.5 + k / 100) for k in range(10)),
]


def test_answers_change_places_within_a_domain(project):
    filled = fill(project, [*ROWS, Row("Pair?", "Chosen", "math", rejected="Not chosen")])
    found = planted.plan(project, 12)
    assert found.by_domain() == {"chat": 6, "math": 5}
    texts = {row.sample().sample_id: row for row in ROWS}
    assert {one.original_id for one in found.swaps} == {one.donor_id for one in found.swaps} <= set(filled.sample_ids)
    for one in found.swaps:
        own, donor = texts[one.original_id], texts[one.donor_id]
        assert one.domain == own.domain == donor.domain and own is not donor
        assert one.swapped == Sample.of([Turn("user", own.prompt), Turn("assistant", donor.response)])
    assert planted.plan(project, 12).swaps == found.swaps != planted.plan(project, 12, seed=1).swaps
    assert found.spec.scoring == "r-0001" and found.spec.models == ("base0000base0000", "refe0000refe0000")
    for n in (3, 2_001):
        with pytest.raises(RequestError, match="responses cannot be swapped"):
            planted.plan(project, n)


def test_rows_that_are_no_question_with_one_answer_are_left(project):
    fill(project, [Row(f"Same {k}?", "The same answer") for k in range(20)])
    with pytest.raises(RequestError, match="too few scored rows"):
        planted.plan(project, 10)


def test_of_folds_both_answers_are_new_to_the_model_that_scores_them(project):
    filled = fill(project, ROWS)
    run = score_in_folds(project, filled.sample_ids, ROWS, 0.1)
    fold_of = {sample_id: place % 2 for place, sample_id in enumerate(filled.sample_ids)}
    found = planted.plan(project, 20, run)
    assert found.spec.models == ("base0000base0000", "F0", "F1") and len(found.swaps) == 15
    for one in found.swaps:
        assert one.folds == (fold_of[one.original_id],) == (fold_of[one.donor_id],)


def finished(project, reference: float, seed: int = 0) -> RunFolder:
    """A self-test that is done, in which the swapped rows of ROWS lose `reference` under the reference."""
    run = planted.prepare_run(project, planted.plan(project, 20, seed=seed))
    ids = [row.sample().sample_id for row in ROWS]
    rows = [
        PlantedRow(ids[k], ids[(k + 1) % 20], "chat" if k < 20 else "math", 5, 3.0, reference) for k in range(0, 30, 3)
    ]
    run.write_result(PlantedResult(tuple(rows), "cpu", 1.0))
    run.write_progress(Progress(state="done"))
    return run


def test_a_report_ranks_the_rows_among_those_that_were_scored(project):
    fill(project, ROWS)
    assert planted_report.latest_report(project, explore.scored(project)) is None
    # (3 - 2.7) / 3 = 0.1 where the rows themselves have 0.405 or more.
    finished(project, 2.7)
    found = planted_report.latest_report(project, explore.scored(project))
    everything = found.of("learnability")
    assert (everything.auc, everything.n_swapped, everything.n_rows, everything.n_below_own) == (1.0, 10, 30, 10)
    assert found.of("learnability", "math").n_swapped == 3
    # A drop of 0.3 nats is below all others too; 0.8 nats and more stand against it.
    assert {one.measure for one in found.ranks} == {"learnability", "loss-drop", "loss-drop-sum"}
    line = next(one for one in findings(diagnose(project)) if one.topic == "self-test")
    assert line.tone == "good" and "In 100 % of pairs" in line.what
    # A later test counts, and one that is not done does not.
    finished(project, 0.3)
    planted.prepare_run(project, planted.plan(project, 20))
    line = next(one for one in findings(diagnose(project)) if one.topic == "self-test")
    assert line.tone == "bad" and "may not rank lower" in line.meaning and line.links[0].page == "select"
    report = planted_report.latest_report(project, explore.scored(project))
    assert report.of("learnability").auc == 0.0
    assert headline(open_cut(project, SelectionSpec()), report).startswith(
        "Rows with swapped responses do not rank lower: in 0 % of pairs"
    )


def test_a_stopped_self_test_is_resumed_where_it_stands(project, monkeypatch):
    filled = fill(project, ROWS)
    launched = []
    monkeypatch.setattr(planted, "launch", lambda run: launched.append(run.run_id))
    plan = planted.plan(project, 12)
    run = planted.start(project, plan)
    assert launched == ["r-0002"]
    for again in (lambda: planted.start(project, plan), lambda: planted.resume(project, "r-0002")):
        with pytest.raises(RunError, match="already running"):
            again()
    run.write_progress(Progress(state="cancelled"))
    assert planted.start(project, plan).run_id == "r-0002" == planted.resume(project, "r-0002").run_id
    # Other rows are another test, and so are other answers to the same seed.
    assert planted.start(project, planted.plan(project, 12, seed=1)).run_id == "r-0003"
    assert planted.start(project, replace(plan, swaps=plan.swaps[:-1])).run_id == "r-0004"
    run.write_result(PlantedResult((), "cpu", 1.0))
    run.write_progress(Progress(state="done"))
    for run_id, why in (("r-0002", "r-0002 is done"), ("r-0001", "is a scoring"), ("r-0009", "there is no run")):
        with pytest.raises(RunError, match=why):
            planted.resume(project, run_id)
    assert len(launched) == 5 and filled.sample_ids
    final = ErrorNote("the models have changed since run r-0001 scored the rows", "/m", "Score again.", True)
    RunFolder.open(project.runs_dir / "r-0003").write_progress(Progress(state="failed", error=final))
    with pytest.raises(RunError, match="r-0003 cannot be resumed: the models have changed"):
        planted.resume(project, "r-0003")


def test_old_self_tests_can_go_and_the_one_that_counts_stays(project):
    fill(project, ROWS)
    first, second = finished(project, 2.7, 0), finished(project, 0.3, 1)
    stopped = planted.prepare_run(project, planted.plan(project, 12, seed=2))
    stopped.write_progress(Progress(state="cancelled"))
    (item,) = cleanable(project)
    assert (item.kind, item.path, item.n_bytes) == ("self-test", "runs/r-0002", size_of(first.path))
    assert item.reason == "a self-test; run r-0003 is a later one of the same scores" and item.n_bytes > 1000
    third = finished(project, 2.7, 3)
    assert [item.path for item in cleanable(project)] == ["runs/r-0002", "runs/r-0003", "runs/r-0004"]
    cleaned = clean(project, cleanable(project))
    assert len(cleaned.removed) == 3 and not second.path.exists()
    assert planted_report.latest_report(project, explore.scored(project)).run_id == third.run_id
    # Of scores that are gone no test is of use, the latest neither.
    with project.store() as store:
        store.cursor().execute("DELETE FROM scorings")
    (item,) = cleanable(project)
    assert item.path == "runs/r-0005" and "whose scores have been replaced or removed" in item.reason


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScoredProject]:
    made = scored_project(tmp_path_factory.mktemp("planted"))
    yield made
    release(made.project.store_path)


@pytest.mark.slow
def test_the_worker_scores_them_as_it_scored_the_rows(scored: ScoredProject, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scoring_pass, "SHARD_SAMPLES", 4)
    project = scored.project
    found = planted.plan(project, 16)
    # An answer that is not swapped has the losses that its row has.
    first = found.swaps[0]
    with project.store() as store:
        turns = {
            sample_id: text
            for batch in sample_batches(store.cursor())
            for sample_id, text in zip(batch["sample_id"].to_pylist(), batch["turns"].to_pylist(), strict=True)
        }
    assert first.original_id in turns
    rows = explore.scored(project)
    own = rows.table.tie_key.tolist().index(int(first.original_id[:16], 16))
    same = replace(first, swapped=Sample.of(turns_from_json(turns[first.original_id])))
    run = planted.prepare_run(project, replace(found, swaps=(same, *found.swaps[1:])))
    assert work(run) == 0
    result = run.read_result(PlantedResult)
    assert len(result.rows) == 16 and {row.domain for row in result.rows} == {"chat", "math"}
    control = result.rows[0]
    assert control.base_loss == pytest.approx(rows.table.losses["base"][own], abs=1e-5)
    assert control.reference_loss == pytest.approx(rows.table.losses["reference"][own], abs=1e-5)
    assert control.n_tokens == rows.table.n_tokens[own]
    # A worker that was killed before its last shard leaves the others to the next one.
    kept = {path: path.stat().st_mtime_ns for path in run.finished_shards()}
    lost = sorted(kept)[-1]
    remove_checked(lost)
    run.result_path.unlink()
    run.write_progress(Progress(state="interrupted"))
    assert len(kept) == 8 and work(run) == 0
    assert run.read_result(PlantedResult).rows == result.rows
    assert {path for path in run.finished_shards() if path.stat().st_mtime_ns != kept[path]} == {lost}
    # Random models know no answer from another: swapped rows rank anywhere.
    rank = planted_report.report(run, rows).of("learnability")
    assert rank.low < 0.5 < rank.high
    assert rank.n_rows == int((values_of(rows.table, "learnability") > -9).sum()) == 80
    with project.store() as store:
        assert store.cursor().execute("SELECT count(*) FROM losses").fetchall() == [(160,)]


@pytest.mark.slow
def test_models_that_have_changed_are_refused(scored: ScoredProject):
    found = planted.plan(scored.project, 8)
    spec: PlantedRun = replace(found.spec, models=("other", "model"))
    run = planted.prepare_run(scored.project, replace(found, spec=spec))
    assert work(run) == 1
    error = run.read_progress().error
    assert error.what == "the models have changed since run r-0001 scored the rows" and error.is_final
