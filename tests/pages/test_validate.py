"""The Validate page: setting up, its cost, an experiment that goes, that stopped and that is done."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from lobass_core.jobs.run_specs import ValidateRun
from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.store.connection import release
from lobass_core.validation.arm_results import ArmCache
from lobass_core.validation.forest import forest
from lobass_core.validation.judge import Judgement, judge
from lobass_core.workflows import runs, validate, validate_report
from lobass_core.workflows import select as selections
from pages.components import theme
from pages.components.validation import forest_chart, plan_view
from tests.pages.conftest import OpenPage, view_text
from tests.pages.projects import imported_project, scored_project
from tests.validation.experiments import failed, finished_experiment
from tests.validation.simulated import SETS, experiment

EFFECTS = {"learnability": -0.2, "longest": 0.2, "base": 0.9, "full": -0.02}
CHOSEN = {"validate.arms": ["base", "learnability"], "validate.draws": 2, "validate.held-out": 20}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory):
    """120 scored rows and a selection; nothing here changes it."""
    found = scored_project(tmp_path_factory.mktemp("validate") / "project", {"code": 60, "math": 60})
    selections.save(found, "best", SelectionSpec(value=0.2))
    yield found
    release(found.store_path)


@pytest.fixture
def own(tmp_path: Path):
    """The same for a test that writes."""
    found = scored_project(tmp_path / "project", {"code": 60, "math": 60})
    yield found
    release(found.store_path)


def shown(open_page: OpenPage, project: Project, **settings) -> AppTest:
    app = open_page(project.root, "validate", **settings)
    assert not app.exception
    return app


def text_of(app: AppTest) -> str:
    return " ".join(view_text(app).split())


def test_without_scores_the_next_step_is_named(tmp_path: Path, open_page: OpenPage) -> None:
    empty = Project.create(tmp_path / "empty")
    app = shown(open_page, empty)
    assert "No scores yet" in text_of(app) and app.button(key="empty-action").label == "Import data"
    imported = imported_project(tmp_path / "imported", {"math": 4})
    assert shown(open_page, imported).button(key="empty-action").label == "Score the data"
    release(imported.store_path)


def test_the_cost_is_said_before_anything_starts(project: Project, open_page: OpenPage) -> None:
    app = shown(open_page, project, state=CHOSEN)
    text = text_of(app)
    # The base, learnability and two draws at 16.7 % of 80 rows; the selection and two draws of its own size.
    assert "Trainings 7 none kept" in text and app.button(key="validate.start").label == "Start 7 trainings"
    assert "7 trainings, " in text and "no training has been timed on this machine yet" in text
    assert "Rows to choose from 80" in text and "Held-out rows 40 in 2 sets" in text
    assert "code, held out 20 rows" in text
    assert "Selection 'best'" in text
    (line,) = [code.value for code in app.code if code.value.startswith("lobass validate")]
    assert "--arms base,learnability" in line and "--selections best" in line and "--draws 2" in line


def test_one_click_starts_the_experiment_that_is_shown(
    project: Project, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[ValidateRun] = []

    def start(_: Project, asked: validate.Experiment) -> SimpleNamespace:
        started.append(asked.planned.run)
        return SimpleNamespace(run_id="r-0009")

    monkeypatch.setattr(validate, "start", start)
    app = shown(open_page, project, state=CHOSEN)
    app.button(key="validate.start").click().run()
    assert [(run.settings.arms, run.settings.draws) for run in started] == [(("base", "learnability"), 2)]
    assert app.session_state["validate.shown"] == "r-0009"


def test_the_plan_of_many_rows_waits_to_be_asked_for(
    project: Project, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_view, "MOST_ROWS_UNASKED", 119)
    app = shown(open_page, project, state=CHOSEN)
    assert "120 rows. The plan finds their near duplicates" in text_of(app)
    assert app.button(key="validate.start").disabled
    app.button(key="validate.plan").click().run()
    assert app.button(key="validate.start").label == "Start 7 trainings"


def test_a_budget_is_typed_in_per_cent_and_what_is_none_is_said(project: Project, open_page: OpenPage) -> None:
    app = shown(open_page, project, state=CHOSEN)
    app.multiselect(key="validate.budgets").set_value([0.167, "25"]).run()
    assert app.session_state["validate.budgets"] == [0.167, 0.25]
    app.multiselect(key="validate.budgets").set_value([0.25, "many"]).run()
    assert app.session_state["validate.budgets"] == [0.25]
    assert any("many" in caption.value and "not a number" in caption.value for caption in app.caption)


def test_what_cannot_be_planned_is_said_and_nothing_can_be_started(project: Project, open_page: OpenPage) -> None:
    app = shown(open_page, project, state={**CHOSEN, "validate.budgets": [0.001], "validate.selections": []})
    assert "A budget of 0.001 of 80 rows contains no row. Use a larger budget." in text_of(app)
    assert app.button(key="validate.start").disabled
    outside = shown(open_page, project, state={**CHOSEN, "validate.files": ["/etc/hostname"]})
    assert "The path is outside the folders that the dashboard may read." in text_of(outside)


def test_a_done_experiment_is_a_sentence_a_claim_with_figure_and_files(own: Project, open_page: OpenPage) -> None:
    run = finished_experiment(own, EFFECTS)
    app = shown(open_page, own)
    text = text_of(app)
    assert "Better than random 4 of 16 claims" in text and "Worse than random 8 of 16 claims" in text
    assert "Learnability: better than random draws of 20 % on code, held out, mean of rows" in text
    assert "no difference from random draws of 20 % found at this size" in text
    assert "favour random draws" in text and "Past experiments 1 Run Base" in text
    for ending in ("md", "json", "svg"):
        assert (own.validation_dir / f"{run.run_id}.{ending}").is_file()
    assert app.query_params["show"] == run.run_id
    app.segmented_control(key="validate.view").set_value("tokens").run()
    assert "mean of tokens" in text_of(app) and app.query_params["view"] == "tokens"
    select = open_page(own.root, "select")
    assert f"In experiment {run.run_id}, 20 % of the rows by learnability trained a better model" in text_of(select)


def test_one_that_stopped_says_why_and_resumes(
    own: Project, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_experiment(own, EFFECTS, n_arms=3)
    app = shown(open_page, own)
    text = text_of(app)
    assert "The experiment stopped with 4 arms to do" in text
    assert "The experiment was cancelled. Nothing is lost: 3 of" in text
    assert "Better than random" not in text  # no two draws are finished
    failed(run, "out of memory")
    app = shown(open_page, own)
    assert "Out of memory. (models/base) Nothing is lost: 3 of" in text_of(app)
    assert "Use a smaller batch." in text_of(app)
    resumed: list[str] = []
    monkeypatch.setattr(validate, "resume", lambda _, run_id: resumed.append(run_id))
    app.button(key="validate.resume").click().run()
    assert resumed == [run.run_id]


def test_one_that_stopped_late_shows_what_its_finished_arms_say(own: Project, open_page: OpenPage) -> None:
    run = finished_experiment(own, EFFECTS, n_arms=6)
    asked = run.spec_as(ValidateRun)
    assert len(asked.planned) == 7
    text = text_of(shown(open_page, own))
    assert "1 training not finished yet. This is what the finished ones say." in text
    # Two draws say little of chance.
    assert "2 random draws, 1 seed" in text and "Learnability: no difference from random draws" in text


def test_a_running_one_says_which_arm_how_many_and_how_long(
    own: Project, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_experiment(own, EFFECTS, n_arms=3)
    run.write_progress(replace(run.read_progress(), state="running", phase="arm 4 of 7: longest", seconds_left=75.0))
    cancelled: list[str] = []
    monkeypatch.setattr(runs, "cancel", lambda _, run_id: cancelled.append(run_id))
    with run.hold_lock():
        app = shown(open_page, own)
        text = text_of(app)
        assert "Arms done 3 of 7 4 left" in text and "Time left 1 min 15 s" in text
        assert "arm 4 of 7: longest" in text and "You can close this tab." in text
        app.button(key="validate.cancel-yes").click().run()
    assert cancelled == [run.run_id]


def test_a_damaged_arm_of_a_done_experiment_can_be_trained_again(own: Project, open_page: OpenPage) -> None:
    run = finished_experiment(own, EFFECTS)
    cache = ArmCache(own.validation_dir)
    state = next(one for one in validate_report.arm_states(own, run) if one.planned.arm == "longest")
    measured = validate_report.measured_by(run)
    cache.path_of(validate_report.content_of(run.spec_as(ValidateRun), state.planned, measured).key).write_text("{")
    app = shown(open_page, own)
    assert "1 training not finished yet." in text_of(app)
    assert app.button(key="validate.resume").label == "Train the missing arms"


def test_held_out_rows_that_are_gone_are_said_and_written_again(own: Project, open_page: OpenPage) -> None:
    finished_experiment(own, EFFECTS)
    for path in (own.validation_dir / "rows").glob("*.json"):
        path.unlink()
    app = shown(open_page, own)
    assert "a file of the experiment is missing" in app.error[0].proto.title.lower()
    assert app.button(key="validate.resume").label == "Train the missing arms"


def judged() -> Judgement:
    return judge(experiment(0, {"base": 3.0, "learnability": -0.2, "longest": 0.2}), SETS, 50)


def test_the_figure_says_better_and_worse_by_shape_and_keeps_the_base_from_hiding_the_rest(monkeypatch):
    monkeypatch.setattr(theme, "palette", lambda: theme.LIGHT)
    found = forest(judged())
    assert found.limit < 0.5
    figure = forest_chart.figure(found)
    by_symbol = {trace["marker"]["symbol"][-1]: trace for trace in figure["data"] if trace["xaxis"] == "x"}
    assert by_symbol["circle"]["x"][0] < 0 < by_symbol["square"]["x"][-1]
    worse = by_symbol["square"]
    assert worse["marker"]["symbol"][0] == "triangle-right" and worse["text"][0].startswith("+3.")
    assert worse["x"][0] == found.limit
    thirds = forest_chart.figure(forest(judged(), "thirds"))
    assert {trace["marker"]["symbol"][-1] for trace in thirds["data"]} >= {"triangle-up-open", "square-open"}
