"""Chips above a page say which scores, datasets, gates and options its numbers come from."""

import pytest

from lobass_core.project import Project
from lobass_core.specs import Gates, SelectionSpec
from lobass_core.workflows import explore
from lobass_core.workflows import select as selections
from tests.pages.conftest import OpenPage, address_of, component_data, view_text


def test_the_filter_of_datasets_is_seen_and_taken_off(twice: Project, open_page: OpenPage) -> None:
    app = open_page(twice.root, "select", state={"datasets": ["math"], "run": "r-0001"})
    chips = {button.key: button.label for button in app.button if button.key.startswith("scope.chip.")}
    assert chips == {
        "scope.chip.run": "Scores\\: base\\-7b → ref\\-1ep · r\\-0001",
        "scope.chip.datasets": "Only math\\: 120 of 420 rows",
    }
    app.button(key="scope.chip.datasets").click().run()
    app.button(key="scope.chip.run").click().run()
    assert (app.session_state["datasets"], app.session_state["run"]) == ([], "r-0002")
    assert not [button for button in app.button if button.key.startswith("scope.chip.")]
    assert address_of(app)["run"] == ["r-0002"]
    instrument = next(data for data in component_data(app) if isinstance(data, dict) and "exact" in data)
    assert instrument["n_rows"] == 420


@pytest.mark.parametrize("page", ["", "learnability", "browse", "select", "score"])
def test_every_page_that_obeys_the_filter_says_so(twice: Project, open_page: OpenPage, page: str) -> None:
    app = open_page(twice.root, page, state={"datasets": ["math"], "score.shown": "new"})
    assert not app.exception
    assert app.button(key="scope.chip.datasets").label == "Only math\\: 120 of 420 rows"


def test_overview_counts_the_rows_of_the_filter(twice: Project, open_page: OpenPage) -> None:
    text = view_text(open_page(twice.root, "", state={"datasets": ["math"]}))
    math = explore.total(explore.scored(twice, "r-0002", ("math",)))
    picked = selections.picks(twice, "equal").num_rows
    assert "Domains 1 1 dataset Imported 120 rows" in text
    assert "Scored 120 rows 100 %" in text
    assert f"Selected 42 rows of {picked} · equal" in text
    assert f"{math.learnability_median:.3f}".replace("-", "−") in text


def test_gates_that_a_fresh_selection_has_not_are_chips(twice: Project, open_page: OpenPage) -> None:
    gates = Gates(min_response_tokens=30, exclude_negative=True, exclude_duplicates=False)
    app = open_page(twice.root, "select", state={"select.spec": SelectionSpec(method="base-loss", gates=gates)})
    labels = [button.label for button in app.button if button.key.startswith("select.chip.")]
    assert labels == [
        "Ranked by base loss",
        "At least 30 response tokens",
        "Excludes negative",
        "Includes duplicates",
    ]
    for button in ("method", "min-response-tokens", "exclude_negative", "exclude_duplicates"):
        app.button(key=f"select.chip.{button}").click().run()
    assert app.session_state["select.spec"] == SelectionSpec()
    assert not [button for button in app.button if button.key.startswith("select.chip.")]


def test_options_of_an_export_are_chips(twice: Project, open_page: OpenPage) -> None:
    state = {"selection": "equal", "export.validation": 0.1, "export.cutoff": 64, "export.replace": True}
    app = open_page(twice.root, "export", state=state)
    labels = [button.label for button in app.button if button.key.startswith("export.chip.")]
    assert [label.replace("\\", "") for label in labels] == [
        "10.0 % set aside for validation",
        "Replaces another export",
        "Trainer's limit: 64 tokens",
    ]
    assert any("20 %, equal · base\\-7b → ref\\-2ep" in mark.value for mark in app.markdown)
    app.button(key="export.chip.export.cutoff").click().run()
    assert app.session_state["export.cutoff"] == 0
    # A link carries no consent.
    assert "replace" not in address_of(app)


def test_a_side_of_other_scores_or_of_some_datasets_says_so(twice: Project, open_page: OpenPage) -> None:
    selections.save(twice, "older", SelectionSpec(value=0.2, datasets=("math",)), "r-0001", replace=True)
    try:
        state = {"compare.a-selection": "older", "compare.b-selection": "equal"}
        text = view_text(open_page(twice.root, "compare", state=state))
    finally:
        selections.delete(twice, "older")
    assert "older · r-0001 · only math" in text and "equal · r-0002" in text


def test_the_same_loss_of_a_model_stands_on_every_page(scored: Project, open_page: OpenPage) -> None:
    """Each sample has one row here, so that the mean of rows is that of samples."""
    total = explore.total(explore.scored(scored))
    learnability, overview = (view_text(open_page(scored.root, page)) for page in ("learnability", ""))
    assert f"Base loss, mean of rows {total.base_loss:.2f} nats/token" in learnability
    assert "losses as mean of samples" in overview
    assert f"base-7b base 420 {total.base_loss:.2f}" in overview
    assert f"ref-1ep reference 420 {total.reference_loss:.2f}" in overview
