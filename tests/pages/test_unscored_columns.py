"""Every page of a project that no model has scored works by its score column, and says what needs a scoring."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lobass_core.project import Project
from lobass_core.specs import ImportSpec, SelectionSpec
from lobass_core.store.connection import release
from lobass_core.workflows import explore, saved_filters
from lobass_core.workflows import select as selections
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.import_scores import remove_scores
from tests.pages.conftest import OpenPage, view_text
from tests.pages.projects import scored_project, write_rows
from tests.pages.test_browse import listing
from tests.pages.test_learnability import chart
from tests.pages.test_select import instrument
from tests.unscored_columns import unscored_project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = unscored_project(tmp_path)
    yield project
    release(project.store_path)


def test_select_ranks_by_the_column_and_leaves_tokens_open(project: Project, open_page: OpenPage) -> None:
    app = open_page(project.root, "select")
    assert not app.exception
    assert not app.error
    data = instrument(app)
    assert (data["measure"]["title"], data["has_tokens"], data["exact"]["kept"]) == ("quality", False, 2)
    assert "--method quality" in app.code[0].value.replace("\\\n  ", "")
    assert app.query_params["method"] == "quality"
    assert [toggle.label for toggle in app.toggle if "gate" in str(toggle.key)] == ["Exclude duplicates"]
    assert [button.key for button in app.button if "chip" in str(button.key)] == []


@pytest.mark.parametrize(
    ("tab", "shown"),
    [(0, "Last kept"), (1, "Response tokens are counted"), (2, "quality, points 19.000"), (4, "36")],
)
def test_tabs_of_select(project: Project, open_page: OpenPage, tab: int, shown: str) -> None:
    state = {
        "select.tab": tab,
        "select.spec": SelectionSpec(method="quality", budget="samples", value=1, balance="global"),
    }
    app = open_page(project.root, "select", state=state)
    assert not app.exception
    assert shown in view_text(app) + " ".join(caption.value for caption in app.caption)
    assert not [html for html in app.get("html") if "ρ" in html.proto.body]


def test_a_measure_that_is_gone_starts_over_and_says_so(project: Project, open_page: OpenPage) -> None:
    for method, said in (("depth", "There is no measure 'depth'"), ("learnability", "needs losses")):
        app = open_page(project.root, "select", query={"method": method, "ratio": "0.5"})
        assert not app.exception
        assert said in app.error[0].proto.title.replace("\\", "")
        assert instrument(app)["measure"]["title"] == "quality"


def test_learnability_draws_the_column(project: Project, open_page: OpenPage) -> None:
    app = open_page(project.root, "learnability")
    assert not app.exception
    assert [domain["n"] for domain in chart(app)["domains"]] == [20, 16]
    text = view_text(app)
    assert "With a value 36 rows 4 without" in text
    assert "quality, median" in text
    assert "higher is better" in text
    for view, shown in (("Loss plane", "The loss plane needs losses"), ("Length", "This view needs losses")):
        app.segmented_control(key="learnability.view").set_value(view).run()
        assert not app.exception
        assert not app.error
        assert shown in view_text(app)
    app.segmented_control(key="learnability.view").set_value("Tables").run()
    assert "chat 24 20 9.500 4.750 to 14.25 9.500" in view_text(app)


def test_browse_lists_the_best_first(project: Project, open_page: OpenPage) -> None:
    app = open_page(project.root, "browse")
    assert not app.exception
    rows = listing(app)["pages"]["1"]
    assert [(row["rank"], row["score"]) for row in rows[:3]] == [(1, 19), (2, 18), (3, 17)]
    assert rows[0]["numbers"] == [{"text": "quality 19 points", "about": "from quality.jsonl; higher is better"}]
    assert listing(app)["shapes"]["chat"]["label"] == "quality"
    assert app.selectbox(key="browse.w.sort").value == "quality"


def test_the_lowest_come_first_where_lower_is_better(tmp_path: Path, open_page: OpenPage) -> None:
    project = unscored_project(tmp_path, higher_is_better=False)
    app = open_page(project.root, "browse")
    assert [row["score"] for row in listing(app)["pages"]["1"][:3]] == [0, 0.5, 1]
    assert app.button(key="browse.direction").label == "Lowest first"
    selections.save(project, "low", SelectionSpec(method="quality", budget="threshold", value=2, balance="global"))
    text = view_text(open_page(project.root))
    assert "cut at 2" in text
    assert "worse" in text


def test_overview_shows_the_column(project: Project, open_page: OpenPage) -> None:
    app = open_page(project.root)
    assert not app.exception
    text = view_text(app)
    assert "Scored 36 rows 90.0 % · by quality" in text
    assert "Score columns 1" in text
    assert "quality points 36 better quality.jsonl" in text
    assert "to do" not in text
    assert app.button(key="overview-next").label == "Select rows"


def test_compare_and_export_without_a_model(project: Project, open_page: OpenPage) -> None:
    for name, method in (("best", "quality"), ("chance", "random")):
        selections.save(project, name, SelectionSpec(method=method, value=0.25))
    app = open_page(project.root, "compare")
    assert not app.exception
    assert "A keeps 10 rows" in view_text(app)
    methods = open_page(project.root, "compare", state={"compare.kind": "Methods"})
    assert not methods.exception
    assert methods.selectbox(key="compare.a-method").options == ["A: quality", "A: Random"]
    app = open_page(project.root, "export", state={"selection": "best"})
    assert not app.exception
    assert app.button(key="export.go").label == "Export 10 rows"
    assert "response tokens" not in view_text(app)


def test_what_names_a_removed_column_says_so(project: Project, open_page: OpenPage) -> None:
    saved_filters.save(project, "good", BrowseFilter(ranges=(("quality", (5.0, None)),)))
    remove_scores(project, "quality")
    app = open_page(project.root, "browse", query={"range": "quality:5..", "sort": "quality"})
    assert not app.exception
    assert "There is no measure 'quality'" in app.error[0].proto.title.replace("\\", "")
    assert "No scores yet" in view_text(open_page(project.root, "learnability", query={"measure": "quality"}))
    assert "No scores yet" in view_text(open_page(project.root, "select", query={"method": "quality"}))


@pytest.mark.parametrize(
    ("page", "shown"), [("trust", "No losses yet"), ("validate", "No losses yet"), ("score", "Choose two models")]
)
def test_pages_that_need_losses_say_so(project: Project, open_page: OpenPage, page: str, shown: str) -> None:
    app = open_page(project.root, page)
    assert not app.exception
    assert not app.error
    assert shown in view_text(app)


def test_tokens_are_those_of_the_scored_rows_where_others_are_left(tmp_path: Path, open_page: OpenPage) -> None:
    project = scored_project(tmp_path / "part", {"math": 20})
    import_file(project, ImportSpec(str(write_rows(tmp_path / "more.json", 5, "more")), domain="math", format="alpaca"))
    n_tokens = explore.total(explore.scored(project)).n_tokens
    assert f"2 datasets · {n_tokens:,}+\u00a0tok" in view_text(open_page(project.root, ""))
    assert f"{n_tokens:,}+ response tokens" in view_text(open_page(project.root, "learnability"))
    sent = instrument(open_page(project.root, "select"))
    assert (sent["n_tokens"], sent["n_uncounted"], sent["has_tokens"]) == (n_tokens, 5, True)
    release(project.store_path)
