"""The Select page: what it shows is what the workflow computes, and every state has a face."""

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.project import Project
from lobass_core.specs import PAPER_RATIOS, Gates, SelectionSpec
from lobass_core.store.scorings import find_scoring
from lobass_core.workflows import refine
from lobass_core.workflows import select as selections
from lobass_core.workflows.cut import open_cut
from lobass_core.workflows.refine import rows_near_cut
from pages.components import command_line
from tests.pages.conftest import OpenPage, component_data, view_text
from tests.pages.projects import BASE_FP, HOSTILE, add_scores, imported_project, scored_project


def instrument(app) -> dict:
    """What the cut instrument was given."""
    return next(data for data in component_data(app) if isinstance(data, dict) and "exact" in data)


SPECS = [
    SelectionSpec(),
    SelectionSpec(value=0.167, balance="global"),
    SelectionSpec(budget="threshold", value=0.3, balance="global"),
    SelectionSpec(budget="tokens", value=9000, balance="equal"),
    SelectionSpec(budget="samples", value=100, balance="custom", weights=(("conversation", 1.0), ("math", 3.0))),
    SelectionSpec(value=0.5, balance="equal", gates=Gates(min_response_tokens=100)),
]


@pytest.mark.parametrize("spec", SPECS, ids=[f"{spec.balance}-{spec.budget}" for spec in SPECS])
def test_instrument_shows_what_select_keeps(scored: Project, open_page: OpenPage, spec: SelectionSpec) -> None:
    app = open_page(scored.root, "select", state={"select.spec": spec})
    assert not app.exception
    exact = instrument(app)["exact"]
    result = selections.select(scored, spec)
    assert (exact["kept"], exact["tokens"]) == (result.n_kept, result.tokens_kept)
    assert [domain["kept"] for domain in exact["domains"]] == [share.got for share in result.domains]
    assert [domain["tokens"] for domain in exact["domains"]] == [share.tokens for share in result.domains]


def test_balance_control_moves_the_spec_and_keeps_the_amount(scored: Project, open_page: OpenPage) -> None:
    app = open_page(scored.root, "select", state={"select.spec": SelectionSpec(value=0.1, balance="global")})
    before = instrument(app)
    app.segmented_control(key="select.balance").set_value("custom").run()
    after = instrument(app)
    assert not app.exception
    assert after["spec"]["balance"] == "custom"
    # 42 rows either way: custom starts from the shares that were kept.
    assert after["exact"] == {**before["exact"], "cut": None, "domains": after["exact"]["domains"]}
    assert [d["kept"] for d in after["exact"]["domains"]] == [d["kept"] for d in before["exact"]["domains"]]
    assert after["rev"] > before["rev"]


def test_a_threshold_becomes_rows_when_the_balance_changes(scored: Project, open_page: OpenPage) -> None:
    spec = SelectionSpec(budget="threshold", value=0.3, balance="global")
    app = open_page(scored.root, "select", state={"select.spec": spec})
    kept = instrument(app)["exact"]["kept"]
    app.segmented_control(key="select.balance").set_value("natural").run()
    assert instrument(app)["spec"]["budget"] == "samples"
    assert instrument(app)["exact"]["kept"] == kept


def test_gates_are_counted_and_take_rows_away(scored: Project, open_page: OpenPage) -> None:
    app = open_page(scored.root, "select", state={"select.spec": SelectionSpec(value=1.0, balance="global")})
    assert instrument(app)["exact"]["kept"] == 420
    app.toggle(key="select.gate-negative").set_value(True).run()
    spec = app.session_state["select.spec"]
    assert spec.gates.exclude_negative
    assert instrument(app)["exact"]["kept"] == selections.select(scored, spec).n_kept < 420


def test_save_reopen_delete_undo(scored: Project, open_page: OpenPage) -> None:
    spec = SelectionSpec(value=0.1, balance="equal")
    app = open_page(scored.root, "select", state={"select.spec": spec})
    app.session_state["select.save-open"] = True
    app.run()
    app.text_input(key="select.save-name").set_value("paper").run()
    app.button(key="select.save").click().run()
    assert not app.exception
    assert [saved.name for saved in selections.list_selections(scored)] == ["paper"]
    assert selections.load(scored, "paper")[1] == spec
    app.session_state["select.spec"] = replace(spec, value=0.5)
    app.run()
    assert "paper · changed" in app.selectbox(key="select.open").options
    assert instrument(app)["exact"]["kept"] == 210
    app.selectbox(key="select.open").set_value("").run()
    app.selectbox(key="select.open").set_value("paper").run()
    assert instrument(app)["exact"]["kept"] == 42
    app.get_by_key("select.more").set_value("Delete").run()
    assert selections.list_selections(scored) == []
    app.button(key="select.undelete").click().run()
    assert not app.exception
    assert [saved.name for saved in selections.list_selections(scored)] == ["paper"]


def test_rows_at_the_cut_show_hostile_text_as_text(tmp_path: Path, open_page: OpenPage) -> None:
    project = scored_project(tmp_path / "hostile", {"math": 3}, hostile=True)
    app = open_page(project.root, "select", state={"select.spec": SelectionSpec(budget="samples", value=2)})
    assert not app.exception
    text = view_text(app)
    assert "<script>document.title = 'owned'</script> **bold** $\\frac{1}{0}$" in text
    # The override and the null byte are boxed by name, not sent as they are.
    assert "U+202E" in text and "\u202e" not in text
    assert HOSTILE not in text


def test_scores_in_a_coarser_dtype_say_how_to_have_the_rows_at_the_cut_exact(
    scored: Project, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scored.store() as store, store.transaction() as cursor:
        (changed,) = cursor.execute(
            """UPDATE scorings SET result = replace(result, '"dtype": "float32"', '"dtype": "bfloat16"')"""
        ).fetchall()
    assert changed == (1,)
    app = open_page(scored.root, "select")
    assert any("--refine NAME" in code.value for code in app.code)
    n_near = len(rows_near_cut(open_cut(scored, SelectionSpec(value=PAPER_RATIOS[1]))))
    assert any(f"bfloat16: the {n_near} rows within 0.01" in caption.value for caption in app.caption)
    assert app.button(key="select.refine").label == f"Score {n_near} rows again in float32"
    with monkeypatch.context() as patched:
        patched.setattr(refine, "launch", lambda run: None)
        app.button(key="select.refine").click().run()
    begun = RunFolder.open(scored.runs_dir / "r-0002")
    assert (begun.spec.refines, begun.spec.dtype) == ("r-0001", "float32")
    assert pq.read_metadata(begun.input_path).num_rows == n_near
    by_chance = open_page(scored.root, "select", state={"select.spec": SelectionSpec(method="random")})
    assert not any("bfloat16" in caption.value for caption in by_chance.caption)
    with scored.store() as store, store.transaction() as cursor:
        scoring_id = find_scoring(cursor).scoring_id
        cursor.execute("INSERT INTO refinements VALUES (?, 'r-0002')", [scoring_id])
    app = open_page(scored.root, "select")
    assert not any("--refine" in code.value for code in app.code)
    assert any("again in float32 (r-0002)" in caption.value for caption in app.caption)


def test_empty_and_unscored_projects_say_what_to_do(tmp_path: Path, open_page: OpenPage) -> None:
    empty = Project.create(tmp_path / "empty")
    assert "Nothing to select yet" in view_text(open_page(empty.root, "select"))
    unscored = imported_project(tmp_path / "unscored", {"math": 4})
    assert "No scores yet" in view_text(open_page(unscored.root, "select"))


def test_a_click_on_save_replaces_nothing_whose_name_was_typed_a_moment_before(
    scored: Project, open_page: OpenPage
) -> None:
    kept = SelectionSpec(value=0.2)
    selections.save(scored, "paper", kept)
    app = open_page(scored.root, "select", state={"select.spec": SelectionSpec(value=0.5)})
    app.session_state["select.save-open"] = True
    app.run()
    app.text_input(key="select.save-name").set_value("paper")
    app.button(key="select.save").click()
    app.run()
    assert selections.load(scored, "paper")[1] == kept
    assert app.button(key="select.replace").label == "Replace paper"
    app.button(key="select.replace").click().run()
    assert selections.load(scored, "paper")[1].value == 0.5


def test_command_is_the_same_selection(scored: Project, open_page: OpenPage) -> None:
    spec = SelectionSpec(budget="samples", value=100, balance="custom", weights=(("conversation", 1.0), ("math", 3.0)))
    app = open_page(scored.root, "select", state={"select.spec": spec})
    assert app.code[0].value == command_line.select(scored.root, spec, name="NAME")


def test_overlap_leads_to_compare_with_both_sides_chosen(scored: Project, open_page: OpenPage) -> None:
    selections.save(scored, "<b>old</b>", SelectionSpec(value=0.2))
    selections.save(scored, "older", SelectionSpec(value=0.3))
    app = open_page(scored.root, "select", state={"select.spec": SelectionSpec(value=0.1), "select.tab": 3})
    assert "This selection is not saved yet. Save it to compare the two row by row" in view_text(app)
    assert "Compare row by row" not in view_text(app)
    app.session_state["select.save-open"] = True
    app.run()
    app.text_input(key="select.save-name").set_value("new").run()
    app.button(key="select.save").click().run()
    # What is saved and unchanged is not set against itself.
    assert app.selectbox(key="select.overlap").options == ["older", "<b>old</b>"]
    app.selectbox(key="select.overlap").set_value("<b>old</b>").run()
    assert "Compare row by row" in view_text(app)
    app.session_state["select.spec"] = SelectionSpec(value=0.4)
    app.run()
    assert "new has changed since it was saved. Save it" in view_text(app)
    assert app.selectbox(key="select.overlap").options == ["new", "older", "<b>old</b>"]


def test_gates_that_let_nothing_through_leave_an_empty_instrument(scored: Project, open_page: OpenPage) -> None:
    app = open_page(scored.root, "select", state={"select.spec": SelectionSpec(gates=Gates(min_learnability=2.0))})
    assert not app.exception
    exact = instrument(app)["exact"]
    assert exact["kept"] == 0
    assert [domain["cut"] for domain in exact["domains"]] == [None, None]
    assert "No rows are kept by score." in view_text(app)


def test_a_draft_that_names_a_domain_that_is_gone_starts_over(scored: Project, open_page: OpenPage) -> None:
    spec = SelectionSpec(balance="custom", weights=(("poetry", 1.0),))
    app = open_page(scored.root, "select", state={"select.spec": spec})
    assert not app.exception
    assert app.error[0].proto.title == "There is no scored domain poetry\\."
    assert instrument(app)["spec"]["balance"] == "natural"


def test_a_reference_that_is_the_base_leaves_the_base_loss_to_rank_by(tmp_path: Path, open_page: OpenPage) -> None:
    project = imported_project(tmp_path / "p", {"math": 40})
    add_scores(project, reference_name="base again", reference_fp=BASE_FP)
    app = open_page(project.root, "select")
    assert not app.exception
    assert "Learnability needs a reference that differs from the base" in app.error[0].title
    assert app.session_state["select.spec"].method == "base-loss"
    assert instrument(app)["exact"]["kept"] == selections.select(project, SelectionSpec(method="base-loss")).n_kept > 0
