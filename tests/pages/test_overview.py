"""The Overview page: what it counts is what the project holds, and every state has a face."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lobass_core.errors import StoreLockedError
from lobass_core.jobs.progress import ErrorNote, Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.project import Project
from lobass_core.specs import ExportSpec, ImportSpec, SelectionSpec
from lobass_core.workflows import demo_build
from lobass_core.workflows import select as selections
from lobass_core.workflows.demo import MARKER
from lobass_core.workflows.export import export
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.project_status import DomainStatus, RunStatus
from lobass_core.workflows.status import status
from pages.components import view
from pages.components.overview import funnel, lists
from tests.damaged_runs import cut_off, finished_run
from tests.pages.conftest import OpenPage, component_data, view_text
from tests.pages.projects import HOSTILE, imported_project, scored_project
from tests.run_specs import A_SCORING, empty_input

DOMAIN = DomainStatus("math", 1, 200, 100, 5000, 50, 25)


def captions(app) -> list[str]:
    return [item.value for item in app.caption]


def test_an_empty_project_offers_a_file_and_the_demo(tmp_path: Path, open_page: OpenPage) -> None:
    project = Project.create(tmp_path / "new")
    app = open_page(project.root)
    assert not app.exception
    assert "Which of this data is worth training on?" in view_text(app)
    assert [button.label for button in app.button if button.key.startswith("overview")] == ["Import", "Build the demo"]
    assert "creates the separate project `new-demo`" in captions(app)


def test_a_demo_under_way_shows_how_far_it_is(tmp_path: Path, open_page: OpenPage, monkeypatch) -> None:
    project = Project.create(tmp_path / "new")
    building = demo_build.DemoBuild("building", "Training the base", 0.3)
    monkeypatch.setattr(demo_build, "read_build", lambda _root: building)
    app = open_page(project.root)
    assert not app.exception
    assert "Training the base. It continues if you close this tab." in [
        text.replace("\\", "") for text in captions(app)
    ]
    monkeypatch.setattr(
        demo_build, "read_build", lambda _root: replace(building, state="stopped", message="the disk is full")
    )
    app.run()
    assert "Resume the build" in [button.label for button in app.button]
    assert "the disk is full" in captions(app)
    monkeypatch.setattr(demo_build, "read_build", lambda _root: demo_build.DemoBuild("ready", share=1.0))
    app.run()
    assert "Open the demo" in [button.label for button in app.button]


def test_imported_rows_ask_to_be_scored(tmp_path: Path, open_page: OpenPage) -> None:
    project = imported_project(tmp_path / "project", {"conversation": 30, "math": 12})
    app = open_page(project.root)
    assert not app.exception
    text = view_text(app)
    assert "Imported 42" in text
    assert "0 30 to do" in text
    assert "No scores yet.  Score 30 rows" in text
    assert app.button(key="overview-next").label == "Score 42 rows"
    assert "lobass score --project" in app.code[0].value


def test_a_filled_project_shows_the_way_of_its_rows(scored: Project, tmp_path: Path, open_page: OpenPage) -> None:
    result = selections.save(scored, "half", SelectionSpec(value=0.5))
    export(scored, ExportSpec(selection="half", to=str(tmp_path / "out"), format="trl"))
    app = open_page(scored.root)
    assert not app.exception
    text = view_text(app)
    got = {share.domain: share.got for share in result.domains}
    assert got == {"conversation": 150, "math": 60}
    assert "Selected 210 rows 50.0 % · half" in text
    assert "Exported 210 rows TRL · just now" in text
    assert "conversation 1 dataset · " in text
    assert "300 300 100 % 150 50.0 % 150 50.0 %" in text
    assert "each with its cut" in text
    assert "base-7b" in text
    assert app.button(key="overview-next").label == "Move the cut"


def test_a_dataset_row_leads_to_its_samples(scored: Project, open_page: OpenPage) -> None:
    app = open_page(scored.root)
    trees = [data["tree"] for data in component_data(app) if isinstance(data, dict) and "tree" in data]
    found: list[str] = []

    def collect(node: object) -> None:
        if isinstance(node, list) and len(node) == 3 and isinstance(node[1], dict):
            found.extend([node[1]["on"]] if "on" in node[1] else [])
            for child in node[2]:
                collect(child)
        elif isinstance(node, list):
            for child in node:
                collect(child)

    collect(trees)
    assert {"dataset-0", "dataset-1", "domain-0", "domain-1", "import", "runs", "event-0"} <= set(found)


def test_a_sample_full_of_markup_is_only_text(tmp_path: Path, open_page: OpenPage) -> None:
    project = imported_project(tmp_path / "project", {HOSTILE[:60].replace("/", "|"): 3})
    app = open_page(project.root)
    assert not app.exception
    assert "<script>" in view_text(app)
    assert not any("<script>" in element.value for element in app.markdown)


def test_a_hostile_name_of_a_file(tmp_path: Path, open_page: OpenPage) -> None:
    project = scored_project(tmp_path / "project", {"m_a*t*h $x$": 40})
    selections.save(project, "**bold** <b> $x$", SelectionSpec(value=0.5))
    app = open_page(project.root)
    assert not app.exception
    assert "**bold** <b> $x$" in view_text(app)


def test_a_store_in_use_elsewhere_says_so(scored: Project, open_page: OpenPage, monkeypatch) -> None:
    def taken(*_args: object, **_options: object) -> None:
        raise StoreLockedError("the project's store is in use", where="lobass, PID 4242", do="Try again.")

    monkeypatch.setattr("lobass_core.workflows.status.status", taken)
    app = open_page(scored.root)
    assert not app.exception
    assert "4242" in app.warning[0].value


def test_a_failed_run_is_the_next_step(scored: Project, open_page: OpenPage) -> None:
    run = RunFolder.create(scored.runs_dir, "score", A_SCORING, empty_input)
    run.write_progress(Progress(state="failed", n_done=3, n_total=10, error=ErrorNote("memory ran out")))
    app = open_page(scored.root)
    assert app.button(key="overview-next").label == "Resume run r-0002"
    assert "failed: memory ran out" in view_text(app)


@pytest.mark.parametrize("file", ["spec.json", "progress.json", "result.json"])
def test_a_damaged_run_is_an_event_that_says_so(scored: Project, open_page: OpenPage, file: str) -> None:
    run = finished_run(scored.runs_dir)
    cut_off(run.path / file)
    app = open_page(scored.root)
    assert not app.exception
    assert f"damaged: {file} of run r-0002 is incomplete or not JSON" in view_text(app)


def test_ribbons_narrow_and_never_widen() -> None:
    assert funnel.ribbon_heights(DOMAIN) == [100, 50, 25, 12.5]
    assert funnel.ribbon_heights(replace(DOMAIN, n_scored=0, n_selected=50)) == [100, 0, 0, 0]
    assert funnel.ribbon_heights(replace(DOMAIN, n_rows=100_000, n_selected=1, n_exported=None))[2:] == [4.0, 0]


@pytest.mark.parametrize(
    ("n", "total", "text"),
    [
        (0, 10, "0 %"),
        (10, 10, "100 %"),
        (1, 100_000, "0.1 %"),
        (99_999, 100_000, "99.9 %"),
        (1, 3, "33.3 %"),
        (0, 0, "0 %"),
    ],
)
def test_a_share_is_all_or_nothing_only_where_it_is(n: int, total: int, text: str) -> None:
    assert funnel.percent_of(n, total).replace("\u2009", " ").replace("\u202f", " ").replace("\xa0", " ") == text


def test_ticks_lie_inside_the_axis() -> None:
    assert funnel.ticks(-0.2, 0.7) == [-0.0, 0.2, 0.4, 0.6]
    assert funnel.ticks(0.0, 1.0) == [0.2, 0.4, 0.6, 0.8]
    assert funnel.ticks(-3.0, 1.0) == [-2.0, -1.0, 0.0]


def test_events_are_the_latest_ten_and_trouble_has_a_colour(scored: Project) -> None:
    found = status(scored)
    run = RunStatus(
        "r-0009", "score", "a → b", "cancelled", 37, 100, "2999-01-01T00:00:00+00:00", None, "", can_resume=True
    )
    events = lists.events(replace(found, runs=(run,) * 12))
    assert len(events) == 10
    assert (events[0].kind, events[0].result, events[0].tone) == ("scores", "cancelled at 37 %", "amber")
    resumed = replace(
        run, state="done", started_at="2999-01-02T00:00:00+00:00", finished_at="2999-01-02T00:00:08+00:00"
    )
    assert lists.events(replace(found, runs=(resumed,)))[0].result == "100 losses in 8 s"


def test_a_demo_says_what_it_is_and_other_projects_do_not(scored: Project, open_page: OpenPage) -> None:
    selections.save(scored, "demo", SelectionSpec(value=0.5))
    assert "This is the demo" not in view_text(open_page(scored.root))
    (scored.root / MARKER).write_text(json.dumps({"n_rows": 420}))
    assert "This is the demo" not in view_text(open_page(scored.root)), "it is still being built"
    (scored.root / MARKER).write_text(json.dumps({"n_rows": 420, "run_id": "r-0001"}))
    text = view_text(open_page(scored.root))
    assert "This is the demo.  420 sample rows in 2 domains, scored by the base model base-7b" in text
    assert "the 210 selected ones are teal" in text
    assert "export demo" in text


def test_the_rejects_of_a_dataset_are_shown_with_their_lines(tmp_path: Path, open_page: OpenPage, monkeypatch) -> None:
    project = Project.create(tmp_path / "project")
    path = tmp_path / "sums.jsonl"
    path.write_text('{"prompt": "1+1?", "completion": "2"}\n{"prompt": <b>\n', encoding="utf-8")
    import_file(project, ImportSpec(path=str(path), domain="math"))
    draw = view.show

    def clicked(tree, *, key: str, **more):
        drawn = draw(tree, key=key, **more)
        return "rejects-0" if key == "overview" else drawn

    monkeypatch.setattr(view, "show", clicked)
    app = open_page(project.root)
    assert not app.exception
    text = view_text(app)
    assert '{"prompt": <b>' in text and "2" in text
