"""The Trust page: every finding with its action, the self-test's states, and the line on Select."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.jobs.experiment_results import PlantedResult, PlantedRow
from lobass_core.jobs.progress import ErrorNote, Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import PlantedRun
from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.store.connection import release
from lobass_core.workflows import planted
from lobass_core.workflows import select as selections
from lobass_core.workflows.diagnose import diagnose
from lobass_core.workflows.findings import findings
from lobass_core.workflows.leftovers import size_of
from pages.components import command_line, theme
from pages.components.selection.in_address import query
from pages.components.trust import findings_view, self_test
from tests.filled_project import Row, fill
from tests.pages.conftest import OpenPage, component_data, view_text, view_texts
from tests.pages.projects import finished_scores, imported_project

ROWS = [
    *(Row(f"Ask {k}?", f"Reply{k} " * (3 + k) + "end", "chat", 2.0, 0.4 + k / 50) for k in range(40)),
    *(Row(f"Sum {k}?", f"Step{k} " * (3 + k % 7) + "end", "math", 2.0, 1 + (k * 7 % 10) / 20) for k in range(40)),
]


@pytest.fixture
def short_first(tmp_path) -> Iterator[Project]:
    """In chat short answers gain most."""
    project = Project.create(tmp_path / "project")
    fill(project, ROWS)
    selections.save(project, "third", SelectionSpec(value=1 / 3))
    yield project
    release(project.store_path)


def test_every_finding_of_the_command_stands_on_the_page(short_first: Project, open_page: OpenPage) -> None:
    app = open_page(short_first.root, "trust", query={"selection": "third"})
    assert not app.exception
    text, found = view_text(app), findings(diagnose(short_first, selection="third"))
    assert len(found) > 5
    for one in found:
        assert findings_view.whole(one.what) in text and findings_view.whole(one.meaning) in text
        assert f"lobass {one.command[0]} …" in text
        assert all(link.words in text for link in one.links)
    assert "Published, gemma-2b" in text and "+0.75" in text and "Alpaca" in text
    assert "chat: the score prefers short responses (−1.00)." in text
    assert app.selectbox(key="trust.selection").value == "third"
    assert app.code[0].value == command_line.plain(
        "diagnose", short_first.root, ["--selection", "third"], ["--run", "r-0001"]
    )
    assert app.query_params["selection"] == "third"


def test_the_working_selection_is_looked_at_where_none_is_chosen(short_first: Project, open_page: OpenPage) -> None:
    state = {"select.spec": SelectionSpec(value=0.5)}
    app = open_page(short_first.root, "trust", state=state)
    assert not app.exception
    assert "the best 50 %" in view_text(app) and "40" in view_texts(app)


def test_links_carry_the_selection_with_the_change(short_first: Project) -> None:
    found = diagnose(short_first, spec=SelectionSpec(value=0.5))
    adjusted = next(link for one in findings(found) for link in one.links if link.page == "select")
    assert query(found.spec) | dict(adjusted.query) == {
        "ratio": "0.5", "balance": "natural", "method": "length-adjusted"
    }  # fmt: skip
    groups = findings_view._groups(("FILE", "--domain", "a b", "--range=x:1..2", "--plan"))
    assert groups == [["FILE"], ["--domain", "a b"], ["--range=x:1..2"], ["--plan"]]


def test_a_link_opens_the_rows_that_could_go_either_way(short_first: Project, open_page: OpenPage) -> None:
    report = diagnose(short_first, spec=SelectionSpec(value=0.5))
    one = next(one for one in findings(report) if one.topic == "stability")
    (link,) = one.links
    app = open_page(short_first.root, link.page, query=dict(link.query))
    assert not app.exception
    listing = next(data for data in component_data(app) if isinstance(data, dict) and "page_rows" in data)
    assert listing["n"] == report.either_way.n_rows >= sum(cut.n_unsure for cut in report.cuts) > 0
    assert any("either way" in button.label for button in app.button)


def finished_test(project: Project, reference: float, seed: int = 0, run: RunFolder | None = None) -> None:
    run = run or planted.prepare_run(project, planted.plan(project, 20, seed=seed))
    ids = [row.sample().sample_id for row in ROWS]
    rows = [PlantedRow(ids[k], ids[k + 1], ROWS[k].domain, 5, 3.0, reference) for k in range(0, 78, 4)]
    run.write_result(PlantedResult(tuple(rows), "cpu", 1.0))
    run.write_progress(Progress(state="done", finished_at="2026-01-02T10:00:51+00:00"))


def test_the_self_test_says_its_cost_its_progress_and_its_result(
    short_first: Project, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page(short_first.root, "trust")
    button = app.button(key="trust.self-test")
    assert button.label == "Self-test, 40 rows" and not button.disabled
    assert "gives 40 rows the response of another row of their domain and scores them: about" in view_text(app)
    assert "no self-test yet" in view_text(app)
    monkeypatch.setattr(planted, "launch", lambda run: run.write_progress(Progress(state="running", n_total=80)))
    monkeypatch.setattr("lobass_core.jobs.run_folder.RunFolder.is_live", lambda run: not run.result_path.is_file())
    monkeypatch.setattr(
        "lobass_core.jobs.run_folder.RunFolder.state", lambda run: "done" if run.result_path.is_file() else "running"
    )
    button.click().run()
    assert not app.exception
    assert "0 of 80 losses. You can close this tab." in view_text(app)
    app.button(key="trust.cancel-yes").click().run()
    (run,) = (run for run in list_runs(short_first.runs_dir) if run.kind == "planted")
    assert run.cancel_requested() and app.button(key="trust.cancel-yes").disabled
    run.clear_cancel()
    assert app.button(key="trust.self-test").disabled
    finished_test(short_first, 2.7, run=run)
    app.run()
    text = view_text(app)
    assert "Loss drop, summed" in text and "20 of 20" in text
    assert findings_view.whole("In 100 % of pairs an imported row scores above a row with a swapped response") in text


def test_a_self_test_that_failed_for_good_says_why_and_another_can_be_started(
    short_first: Project, open_page: OpenPage
) -> None:
    run = planted.prepare_run(short_first, planted.plan(short_first, 20))
    error = ErrorNote("the models have changed since run r-0001 scored the rows", "/m", "Score again.", True)
    run.write_progress(Progress(state="failed", error=error, finished_at="2026-01-02T10:00:51+00:00"))
    app = open_page(short_first.root, "trust")
    assert not app.exception
    assert "The last self-test stopped. The models have changed since run r-0001 scored the rows." in view_text(app)
    assert not app.button(key="trust.self-test").disabled


def test_a_stopped_self_test_is_resumed_or_another_is_begun(
    short_first: Project, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[str] = []
    monkeypatch.setattr(planted, "launch", lambda run: launched.append(run.run_id))
    run = planted.prepare_run(short_first, planted.plan(short_first, 20))
    run.write_progress(Progress(state="cancelled", n_done=30, n_total=40))
    pq.write_table(pa.table({"sample_id": ["0" * 64] * 20}), run.known_path)
    app = open_page(short_first.root, "trust")
    assert "The last self-test was cancelled." in view_text(app) and "Resume continues from" in view_text(app)
    button = app.button(key="trust.resume")
    assert button.label == "Resume the self-test, 20 losses to do"
    button.click().run()
    assert not app.exception and launched == [run.run_id]
    app.button(key="trust.new-self-test.click").click().run()
    app.button(key="trust.self-test").click().run()
    assert not app.exception and launched[1:] == ["r-0003"]
    # Another seed draws other rows.
    assert RunFolder.open(short_first.runs_dir / "r-0003").spec_as(PlantedRun).seed == 1


def test_old_self_tests_are_offered_for_deletion_with_their_size(
    short_first: Project, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished_test(short_first, 2.7)
    app = open_page(short_first.root, "trust")
    assert "Delete old self-tests" not in view_text(app)
    finished_test(short_first, 2.6, seed=1)
    size = theme.byte_size(size_of(short_first.runs_dir / "r-0002"))
    text = view_text(open_page(short_first.root, "trust"))
    assert f"1 earlier self-test takes {size}." in text and "Delete old self-tests" in text
    show = self_test.view.show
    monkeypatch.setattr(self_test.view, "show", lambda nodes, **asked: (show(nodes, **asked), clicked(asked["key"]))[1])
    app = open_page(short_first.root, "trust")
    button = app.button(key="overview-clean")
    assert button.label == f"Remove 1 item, {size}"
    button.click().run()
    assert not (short_first.runs_dir / "r-0002").exists() and (short_first.runs_dir / "r-0003").exists()


def clicked(key: str) -> str | None:
    return self_test.OLD if key == "trust-self-test" else None


def test_no_scores_a_scoring_that_runs_and_one_that_stopped(tmp_path, open_page: OpenPage, monkeypatch) -> None:
    project = Project.create(tmp_path / "empty")
    assert "Nothing to look at yet" in view_text(open_page(project.root, "trust"))
    project = imported_project(tmp_path / "unscored", {"math": 4})
    app = open_page(project.root, "trust")
    assert "No scores yet" in view_text(app) and app.button(key="empty-action").label == "Score the data"
    run = finished_scores(project)
    run.result_path.unlink()
    run.write_progress(Progress(state="failed", n_done=2, n_total=8, error=ErrorNote("memory ran out")))
    text = view_text(open_page(project.root, "trust"))
    assert f"Run {run.run_id} stopped at 25 %." in text and "No scores yet" in text
    monkeypatch.setattr("lobass_core.jobs.run_folder.RunFolder.state", lambda _: "running")
    assert f"Run {run.run_id} is scoring: 25 % done." in view_text(open_page(project.root, "trust"))
    release(project.store_path)


def test_select_says_the_most_important_thing_with_a_way_to_trust(short_first: Project, open_page: OpenPage) -> None:
    app = open_page(short_first.root, "select")
    assert not app.exception
    said = "This cut prefers short responses in chat: Spearman \N{MINUS SIGN}1.00 with length."
    assert said in view_texts(app) and "Look at Trust" in view_texts(app)
    by_length = open_page(short_first.root, "select", query={"method": "length"})
    assert "Look at Trust" not in view_texts(by_length)


def test_the_gate_for_evaluation_files_waits_for_a_comparison(short_first: Project, open_page: OpenPage) -> None:
    app = open_page(short_first.root, "select")
    assert app.toggle(key="select.gate-overlap").disabled
    link = open_page(short_first.root, "select", query={"exclude-overlap": "yes"})
    assert "not been compared with evaluation files" in " ".join(error.proto.title for error in link.error).lower()
