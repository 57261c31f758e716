"""The Export page: nothing saved, a choice and its preflight, a written export, hostile names and texts."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lobass_core.project import Project
from lobass_core.specs import ExportSpec, SelectionSpec
from lobass_core.store.connection import release
from lobass_core.store.decisions import DecisionAct, append_decisions
from lobass_core.workflows import select as selections
from lobass_core.workflows.export import export, preflight
from pages.components.exporting import trainer_view
from tests.copied_project import copied
from tests.pages.conftest import view_text, view_texts
from tests.pages.projects import HOSTILE, imported_project, scored_project


@pytest.fixture(scope="module")
def selected_once(scored_once: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """What `selected` is a copy of."""
    project = copied(scored_once, tmp_path_factory.mktemp("selected"))
    selections.save(project, "large", SelectionSpec(value=0.5))
    selections.save(project, "paper-6", SelectionSpec())
    return project


@pytest.fixture
def selected(selected_once: Project, tmp_path: Path) -> Iterator[Project]:
    """The scored project with two saved selections; `paper-6` has 25 rows."""
    project = copied(selected_once, tmp_path)
    yield project
    release(project.store_path)


def _button(app, key: str):
    return next(button for button in app.button if button.key == key)


def test_without_a_selection_it_leads_to_select(tmp_path, open_page):
    project = imported_project(tmp_path / "project", {"math": 5})
    app = open_page(project.root, "export")
    assert not app.exception
    assert "Nothing to export yet" in view_text(app) and app.button(key="empty-action").label == "Select rows"
    release(project.store_path)
    empty = open_page(Project.create(tmp_path / "empty").root, "export")
    assert empty.button(key="empty-action").label == "Import data"


def test_cards_preflight_files_and_command(selected, open_page):
    app = open_page(selected.root, "export")
    assert not app.exception
    texts = view_texts(app)
    for title in ("TRL", "LLaMA-Factory", "Axolotl", "HF folder", "JSONL messages", "Alpaca", "Source rows", "Parquet"):
        assert title in texts
    assert texts.count("ready") == 7
    text = view_text(app)
    assert "What TRL will do with these rows" in text and "max_length 1,024" in text
    assert "25 rows are written" in text and "are prompt and completion" in text
    assert "train.jsonl" in texts and "train.py" in texts and "manifest.json" in texts
    assert '{"prompt": [{"role": "user"' in text
    assert "lobass export" in text and "--selection paper-6" in text
    assert _button(app, "export.go").label == "Export 25 rows"


def test_rows_dropped_after_the_selection_was_saved_are_named(selected, open_page):
    with selected.store() as store, store.transaction() as cursor:
        keys = cursor.execute(
            "SELECT sample_key FROM selection_picks JOIN selections USING (selection_id) WHERE name = 'paper-6' LIMIT 2"
        ).fetchall()
        append_decisions(cursor, [DecisionAct(str(key), key, "drop", "") for (key,) in keys])
    text = view_text(open_page(selected.root, "export"))
    assert "2 of the 25 rows of 'paper-6' were dropped by hand after it was saved, and are still in it." in text
    assert "To leave them out, save the selection again on Select." in text


def test_the_selection_comes_from_the_address(selected, open_page):
    app = open_page(selected.root, "export", run=False)
    app.query_params["selection"] = "large"
    app.run()
    assert _button(app, "export.go").label == "Export 210 rows"


def test_a_limit_shows_what_the_trainer_drops(selected, open_page):
    app = open_page(selected.root, "export", state={"export.cutoff": 64, "export.format": "axolotl"})
    text = view_text(app)
    n_long = int(text.split(" are dropped: longer than 64 tokens")[0].split()[-1])
    assert 0 < n_long <= 25
    assert f"Left after the trainer: {25 - n_long} of 25" in " ".join(text.split())
    assert "1 warning" in text


@pytest.mark.parametrize("format", ["trl", "source", "huggingface", "parquet"])
def test_export_writes_what_the_page_said(selected, open_page, format):
    app = open_page(selected.root, "export", state={"export.format": format})
    _button(app, "export.go").click().run()
    assert not app.exception
    folder = selected.exports_dir / f"paper-6-{format}"
    manifest = json.loads((folder / "manifest.json").read_text())
    text = view_text(app)
    assert "25 rows are on disk · verified" in text
    for file in manifest["files"]:
        assert file["name"] in text and file["sha256"] in text
    assert "matches disk" in text
    assert len(manifest["picks"]["rank"]) == 25


def test_past_exports_tell_what_changed_since(selected, open_page):
    app = open_page(selected.root, "export", state={"export.format": "messages"})
    _button(app, "export.go").click().run()
    with (selected.exports_dir / "paper-6-messages" / "train.jsonl").open("a") as file:
        file.write("{}\n")
    app.run()
    assert "changed on disk" in view_text(app)
    _button(app, "export.go").click().run()
    assert any("changed since it was written" in str(error.proto) for error in app.error)
    assert (selected.exports_dir / "paper-6-messages" / "train.jsonl").read_text().endswith("{}\n")


def test_all_rows_for_validation_are_refused_as_they_are_typed(selected, open_page):
    app = open_page(selected.root, "export")
    app.text_input(key="export.validation.typed").set_value("100%").run()
    assert app.session_state["export.validation.wrong"][0].startswith("must be a share below 100 %")
    app.text_input(key="export.validation.typed").set_value("20 %").run()
    assert app.session_state["export.validation"] == 0.2


def test_a_split_in_the_order_of_the_ranks_without_the_check(selected, open_page):
    state = {"export.validation": 0.2, "export.seed": 3, "export.ranked": True, "export.check": False}
    app = open_page(selected.root, "export", state=state)
    text = view_text(app)
    assert "validation.jsonl" in view_texts(app)
    for part in ("--validation 0.2", "--seed 3", "--order rank", "--no-check"):
        assert part in text
    _button(app, "export.go").click().run()
    assert not app.exception
    assert "5 for validation." in view_text(app)
    manifest = json.loads((selected.exports_dir / "paper-6-trl" / "manifest.json").read_text())
    assert manifest["export"]["validation"] == {"asked": 0.2, "seed": 3}
    assert manifest["picks"]["rank"] == list(range(1, 26))


def test_another_export_in_the_folder_is_kept_until_it_may_be_replaced(selected, open_page):
    folder = selected.exports_dir / "one"
    export(selected, ExportSpec(selection="large", to=str(folder), check=False))
    state = {"export.format": "messages", "export.to-paper-6-messages": "exports/one", "export.check": False}
    app = open_page(selected.root, "export", state=state)
    _button(app, "export.go").click().run()
    assert any("contains another export" in str(error.proto) for error in app.error)
    assert json.loads((folder / "manifest.json").read_text())["export"]["selection"] == "large"
    app.session_state["export.replace"] = True
    app.run()
    _button(app, "export.go").click().run()
    assert json.loads((folder / "manifest.json").read_text())["export"]["selection"] == "paper-6"


def test_a_split_without_rows_is_said(selected, open_page):
    app = open_page(selected.root, "export", state={"export.validation": 0.01})
    assert not app.exception
    assert any("contains no row" in str(error.proto) for error in app.error)


@pytest.mark.parametrize("typed", ["/etc", "../../elsewhere", "store.duckdb", "runs/x", "exports", "\x00"])
def test_other_places_are_refused(selected, open_page, monkeypatch, tmp_path, typed):
    monkeypatch.setenv("LOBASS_IMPORT_DIRS", str(tmp_path / "allowed"))
    app = open_page(selected.root, "export", state={"export.to-paper-6-trl": typed})
    assert not app.exception
    assert app.error and _button(app, "export.go").disabled


def test_an_allowed_folder_is_taken(selected, open_page, monkeypatch, tmp_path):
    monkeypatch.setenv("LOBASS_IMPORT_DIRS", str(tmp_path / "allowed"))
    app = open_page(selected.root, "export", state={"export.to-paper-6-trl": str(tmp_path / "allowed" / "out")})
    _button(app, "export.go").click().run()
    assert (tmp_path / "allowed" / "out" / "train.jsonl").is_file()


def test_rows_with_markup_are_shown_as_they_are(tmp_path, open_page):
    project = scored_project(tmp_path / "project", {"math": 1}, hostile=True)
    selections.save(project, "<b>`all`</b> $x$", SelectionSpec(value=1.0))
    app = open_page(project.root, "export", state={"export.format": "messages"})
    assert not app.exception
    text = view_text(app)
    assert "<script>document.title = 'owned'</script> **bold**" in text
    assert "U+202E" in text and "\u202e" not in text
    _button(app, "export.go").click().run()
    (folder,) = project.exports_dir.iterdir()
    (row,) = pq.read_table(folder / "train.parquet").to_pylist()
    assert row["messages"][1]["content"] == HOSTILE
    assert Path(folder).name == "b-all-b-x-messages"
    release(project.store_path)


HOLD = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('held', flush=True); time.sleep(60)"


def test_a_store_in_use_elsewhere_says_by_whom(selected, open_page, monkeypatch):
    lease = Project.store
    monkeypatch.setattr(Project, "store", lambda self, **_: lease(self, wait_seconds=0.2))
    app = open_page(selected.root, "export")
    release(selected.store_path)
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(selected.store_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        app.run()
        assert not app.exception
        assert "in use elsewhere" in str(app.warning[0].proto) and f"PID {holder.pid}" in app.warning[0].value
    finally:
        holder.kill()
        holder.wait()


def test_rows_that_a_trainer_loses_can_be_left_out(selected):
    spec = ExportSpec(selection="paper-6", to="-", format="axolotl", cutoff_tokens=64)
    found = preflight(selected, spec)
    (finding,) = [finding for finding in found.findings if finding.effect == "dropped" and finding.n_rows]
    lost = {row["sample_id"] for row in found.rows(finding)}
    trainer_view.leave_out(selected, found, finding)
    again = preflight(selected, spec)
    assert again.n_rows == 25
    assert lost.isdisjoint(again.plan.picks["sample_id"].to_pylist())
    assert {one["verdict"] for one in again.plan.facts["decisions"]} == {"drop"}
    assert {one["reason"] for one in again.plan.facts["decisions"]} == {"Axolotl: over the limit"}


@pytest.mark.parametrize(
    ("what", "one"),
    [
        ("are cut", "is cut"),
        ("have an empty answer", "has an empty answer"),
        ("do not fit trl", "does not fit trl"),
        ("start with the assistant", "starts with the assistant"),
        ("become other samples", "becomes other samples"),
    ],
)
def test_words_for_one_row(what, one):
    assert (trainer_view.phrase(what, 1), trainer_view.phrase(what, 2)) == (one, what)
