"""A damaged file of one run costs that run a line that says so; lists, status, the store and other runs go on."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lobass_core.errors import LobassError, ModelError, RunError
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ScoreRunResult
from lobass_core.project import Project
from lobass_core.specs import ModelSpec, RenderSpec, TrainReferenceSpec
from lobass_core.store.connection import release
from lobass_core.store.rebuild import rebuild_losses
from lobass_core.workflows import doctor, runs, score
from lobass_core.workflows.collect import collect
from lobass_core.workflows.known_models import known_models
from lobass_core.workflows.references import resolve_reference
from lobass_core.workflows.run_views import run_view, run_views
from lobass_core.workflows.status import status
from lobass_core.workflows.train_reference import list_references
from tests.damaged_runs import DAMAGE, a_folder, cut_off, finished_run
from tests.pages.projects import add_scores, imported_project, scored_project

FILES = ("spec.json", "progress.json", "result.json")
DAMAGED = [(file, damage, says) for file in FILES for damage, says in DAMAGE]


@pytest.fixture
def scored(tmp_path: Path):
    project = scored_project(tmp_path / "project", {"math": 12})
    yield project
    release(project.store_path)


@pytest.mark.parametrize(("file", "damage", "says"), DAMAGED)
def test_lists_and_status_stay_up(scored: Project, file: str, damage: Callable[[Path], None], says: str):
    damaged = finished_run(scored.runs_dir)
    damage(damaged.path / file)
    rows = runs.list_runs(scored)
    assert [(row.run_id, row.state) for row in rows] == [("r-0002", "damaged"), ("r-0001", "done")]
    with pytest.raises(RunError, match=f"{file} of run r-0002 {says}"):
        raise RunError(rows[0].message)
    assert [view.state for view in run_views(scored)] == ["damaged", "done"]
    assert run_view(scored, "r-0002").fault is not None
    found = status(scored)
    assert (found.n_scored, [run.state for run in found.runs]) == (12, ["damaged", "done"])
    assert known_models(scored).bases
    checks = {check.name: check for check in doctor.check(scored)}
    assert (checks["runs"].verdict, checks["runs"].detail) == ("bad", "2 runs, 1 with a damaged file: lobass runs")
    with pytest.raises(RunError, match=r"r-0002 .*(spec\.json|is damaged, not running)"):
        runs.cancel(scored, "r-0002")


def test_a_run_with_a_damaged_spec_cannot_be_resumed(scored: Project):
    damaged = finished_run(scored.runs_dir)
    cut_off(damaged.path / "spec.json")
    with pytest.raises(RunError, match=r"spec\.json of run r-0002 is incomplete or not JSON"):
        score.resume(scored, "r-0002")
    assert not run_view(scored, "r-0002").can_resume


@pytest.mark.parametrize("file", ["progress.json", "result.json"])
def test_a_run_whose_other_files_are_damaged_is_resumed(scored: Project, file: str, monkeypatch: pytest.MonkeyPatch):
    damaged = finished_run(scored.runs_dir)
    cut_off(damaged.path / file)
    assert run_view(scored, "r-0002").can_resume
    launched: list[str] = []
    monkeypatch.setattr(score, "launch", lambda run: launched.append(run.run_id))
    score.resume(scored, "r-0002")
    assert launched == ["r-0002"]


def test_a_folder_in_place_of_progress_is_named_when_it_stands_in_the_way(scored: Project):
    damaged = finished_run(scored.runs_dir)
    a_folder(damaged.progress_path)
    with pytest.raises(RunError, match=r"progress\.json of run r-0002 is a folder .* Remove it"):
        score.resume(scored, "r-0002")


def test_a_damaged_run_keeps_no_other_out_of_the_store(tmp_path: Path):
    project = imported_project(tmp_path / "project", {"math": 12})
    first = add_scores(project)
    second = add_scores(project, reference_name="ref-2ep", reference_fp="4ef0000000000002")
    with project.store() as store, store.transaction() as cursor:
        for table in ("losses", "ingested_shards", "scorings", "scoring_runs", "registered_runs"):
            cursor.execute(f"DELETE FROM {table}")
    (first.path / "result.json").write_text("{")
    # 12 base losses are those of both runs.
    assert collect(project).n_new == 36
    assert [scoring.run_id for scoring in status(project).scorings] == [second.run_id]
    release(project.store_path)


def test_a_rebuild_reads_the_shards_of_a_run_whose_spec_is_damaged(scored: Project):
    cut_off(scored.runs_dir / "r-0001" / "spec.json")
    with scored.store() as store:
        assert rebuild_losses(store, scored.runs_dir) == 24


def test_a_scoring_that_cannot_be_ingested_says_what_it_lacks(scored: Project):
    run = RunFolder.open(scored.runs_dir / "r-0001")
    cut_off(run.result_path)
    with pytest.raises(LobassError, match=r"result\.json of run r-0001 is incomplete"):
        score.finish(scored, run)


def test_a_running_run_with_a_damaged_progress_can_be_cancelled(scored: Project):
    run = finished_run(scored.runs_dir)
    run.progress_path.write_text("{")
    with run.hold_lock():
        runs.cancel(scored, run.run_id)
    assert run.cancel_requested()
    run.write_progress(Progress(state="cancelled"))
    assert json.loads(run.progress_path.read_text())["state"] == "cancelled"


@pytest.mark.parametrize("name", ["folds.parquet", "trained_on.parquet"])
def test_a_damaged_table_of_a_run_is_named_and_keeps_no_other_out(tmp_path: Path, name: str):
    project = imported_project(tmp_path / "project", {"math": 12})
    first = add_scores(project)
    second = add_scores(project, reference_name="ref-2ep", reference_fp="4ef0000000000002")
    if name == "folds.parquet":
        result = first.read_result(ScoreRunResult)
        first.write_result(replace(result, references=result.references * 2))
    (first.path / name).write_bytes(b"PAR1 and no more")
    with project.store() as store, store.transaction() as cursor:
        for table in ("scorings", "scoring_runs", "registered_runs"):
            cursor.execute(f"DELETE FROM {table}")
    with pytest.raises(RunError, match=f"{name} of run r-0001 cannot be read"):
        score.ingest_finished(project, first)
    assert collect(project).n_new == 0
    assert [scoring.run_id for scoring in status(project).scorings] == [second.run_id]
    release(project.store_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"spec": {"base": "tiny"}}', '{"spec": {"base": {"path": "m"}}}'])
def test_a_damaged_recipe_costs_its_own_reference_its_place(scored: Project, text: str):
    good, bad = (scored.models_dir / name for name in ("good", "bad"))
    spec = TrainReferenceSpec(ModelSpec("/models/tiny"), "good", render=RenderSpec("plain", "last"))
    recipe = {"spec": spec.to_dict(), "method": "full", "base": "/models/tiny", "n_samples": 3, "later": 1}
    for folder, content in ((good, json.dumps(recipe)), (bad, text)):
        folder.mkdir()
        (folder / "recipe.json").write_text(content)
        (folder / "config.json").touch()
    (found,) = list_references(scored)
    assert (found.name, found.folds, found.n_samples, found.recipe["later"]) == ("good", 1, 3, 1)
    assert known_models(scored).trained_here == ("good",)
    assert resolve_reference(scored, "good", spec.base).render == RenderSpec("plain", "last")
    with pytest.raises(ModelError, match=r"the recipe of 'bad' cannot be read"):
        resolve_reference(scored, "bad", spec.base)
