"""Nobody is told to resume a run that would fail again."""

from dataclasses import replace
from pathlib import Path

import pytest

from lobass_core.errors import LobassError, ModelError
from lobass_core.jobs.progress import ErrorNote, Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.project import Project
from lobass_core.specs import ModelSpec, RenderSpec, ScoreSpec, TrainReferenceSpec
from lobass_core.workflows import score
from lobass_core.workflows.run_views import run_view
from lobass_core.workflows.status import status
from tests.filled_project import Row, import_rows
from tests.run_specs import A_SCORING, empty_input


@pytest.fixture(autouse=True)
def rows(project: Project) -> None:
    import_rows(project, [Row("one", "a"), Row("two", "b")])


def stopped(project: Project, spec: ScoreSpec = A_SCORING, error: ErrorNote | None = None) -> RunFolder:
    run = RunFolder.create(project.runs_dir, "score", spec, empty_input)
    run.write_progress(Progress(state="failed" if error else "interrupted", error=error))
    return run


def advice(project: Project) -> str:
    return status(project).next_step.label


def test_a_run_that_can_go_on_is_resumed(project: Project):
    stopped(project, error=ErrorNote("memory ran out"))
    assert (advice(project), run_view(project, "r-0001").can_resume) == ("Resume run r-0001", True)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"base": ModelSpec("/nowhere/base")}, "/nowhere/base no longer exists"),
        ({"references": (ModelSpec("org/base", adapter="/nowhere/lora"),)}, "/nowhere/lora no longer exists"),
        ({"render": RenderSpec("/nowhere/chat.jinja")}, "/nowhere/chat.jinja no longer exists"),
    ],
)
def test_a_run_whose_files_have_moved_is_not(project: Project, changes: dict, why: str):
    stopped(project, replace(A_SCORING, **changes))
    view = run_view(project, "r-0001")
    assert (advice(project), view.can_resume, view.why_not_resumable) == ("Score 2 rows", False, why)


def test_a_failure_that_comes_again_is_passed_over_for_an_earlier_run_that_can_go_on(project: Project):
    first = stopped(project)
    stopped(project, error=ErrorNote("the hub has no model org/tinny", is_final=True))
    found = status(project)
    assert found.next_step.command.endswith("--resume r-0001")
    assert [run.can_resume for run in found.runs] == [False, True]
    first.input_path.unlink()
    assert advice(project) == "Score 2 rows"
    assert run_view(project, "r-0001").why_not_resumable == "run r-0001 has no input"


def test_a_training_whose_reference_is_there_is_not_resumed(project: Project):
    spec = TrainReferenceSpec(ModelSpec("org/tiny"), "tuned")
    asked = TrainReferenceRun(spec, str(project.models_dir / "tuned"))
    run = RunFolder.create(project.runs_dir, "train_reference", asked, empty_input)
    run.write_progress(Progress(state="interrupted"))
    assert run_view(project, run.run_id).can_resume
    (project.models_dir / "tuned").mkdir()
    assert run_view(project, run.run_id).why_not_resumable == "a reference 'tuned' already exists"


@pytest.mark.parametrize("is_final", [True, False])
def test_the_command_names_a_resume_only_where_it_can_work(
    project: Project, monkeypatch: pytest.MonkeyPatch, is_final: bool
):
    run = stopped(project, error=ErrorNote("it broke", is_final=is_final))

    def follow(*_: object) -> None:
        raise ModelError("it broke", do="Mend it.")

    monkeypatch.setattr(score, "follow", follow)
    with pytest.raises(LobassError) as failed:
        score.follow_and_ingest(project, run, None)
    way_on = f" Resume with: lobass score --project {project.root} --resume r-0001"
    assert failed.value.do == "Mend it." + ("" if is_final else way_on)


def test_the_next_scoring_does_not_name_a_base_that_has_moved(project: Project, tmp_path: Path):
    from lobass_core.store.scorings import list_scorings, register_scoring
    from tests.run_specs import score_result

    spec = replace(A_SCORING, base=ModelSpec(str(tmp_path / "gone")))
    with project.store() as store, store.transaction() as cursor:
        register_scoring(cursor, "r-0001", spec, score_result("B", "R", "render"), tmp_path / "none")
        assert len(list_scorings(cursor)) == 1
    found = status(project).next_step
    assert found.command == f"lobass score --project {project.root} --base MODEL --reference org/tuned"
