"""Scores that mislead are said on Learnability and Select, with how many rows and what a gate does about them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.project import Project
from lobass_core.specs import Gates, SelectionSpec
from lobass_core.store.connection import release
from lobass_core.workflows import select as selections
from lobass_core.workflows.doubts import Doubts
from pages.components import doubts_notice
from tests.filled_project import BASE, REFERENCE, RENDER, VOCABULARY_SIZE, Row, fill
from tests.pages.conftest import OpenPage, view_text
from tests.pages.test_learnability import open_view
from tests.pages.test_select import instrument
from tests.run_specs import score_result

GOOD = [Row(f"Count {n} .", f"{n} comes before {n + 1} .", base=2.0, reference=1.0 - n / 100) for n in range(60)]
# 23 nats a token: worse than the 10.8 of a blind guess over 50,000 tokens.
GARBAGE = [Row(f"数 {n} ?", f"答案 是 {n} 。", domain="zh", base=23.0, reference=1.0 + n / 100) for n in range(40)]


def project_with(folder: Path, garbage: list[Row], **settings: object) -> Project:
    project = Project.create(folder)
    fill(project, [*GOOD, *garbage], **settings)  # type: ignore[arg-type]
    return project


@pytest.fixture(scope="module")
def doubtful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """40 of 100 rows are worse than chance, 30 of the others are new to the reference."""
    seen = [row.prompt for row in [*GOOD[:30], *GARBAGE]]
    project = project_with(tmp_path_factory.mktemp("doubts") / "project", GARBAGE, trained_on=seen)
    yield project
    release(project.store_path)


def test_learnability_says_both(doubtful: Project, open_page: OpenPage) -> None:
    text = view_text(open_view(open_page, doubtful, "Distributions"))
    assert "The base is worse than chance on 40 of 100 scored rows (40.0 %)." in text
    assert "See these rows" in text
    assert "The reference was not trained on 30 of 100 scored rows (30.0 %)." in text
    assert "Train a reference" in text
    assert "gate" not in text


def test_learnability_shows_bits_a_byte(doubtful: Project, open_page: OpenPage) -> None:
    app = open_view(open_page, doubtful, "Tables")
    rows = [*GOOD, *GARBAGE]
    n_bytes = sum(len(row.response.encode()) for row in rows)
    nats = sum(row.base * len(row.response.split()) for row in rows)
    assert f"{nats / 0.693147 / n_bytes:.2f} bits/byte of all responses · tiny" in view_text(app)


def test_select_leaves_them_out_and_says_so(doubtful: Project, open_page: OpenPage) -> None:
    spec = SelectionSpec(value=0.167, balance="global")
    app = open_page(doubtful.root, "select", state={"select.spec": spec})
    assert not app.exception
    assert "on 40 of 100 scored rows (40.0 %)." in view_text(app) and "A gate excludes them." in view_text(app)
    gate = app.toggle(key="select.gate-chance")
    assert (gate.label, gate.value) == ("Exclude worse than chance (40)", True)
    assert any("30 rows are not in the reference's training data" in caption.value for caption in app.caption)
    # Without the gate the artefacts fill the selection: they were 96 % "learnable".
    assert [part["kept"] for part in instrument(app)["exact"]["domains"]] == [17, 0]
    gate.set_value(False).run()
    assert "No gate excludes them." in view_text(app)
    assert [part["kept"] for part in instrument(app)["exact"]["domains"]] == [0, 17]


def test_a_finished_run_says_both(doubtful: Project, open_page: OpenPage) -> None:
    run = RunFolder.open(doubtful.runs_dir / "r-0001")
    run.write_result(score_result(BASE, REFERENCE, RENDER, vocabulary_size=VOCABULARY_SIZE))
    run.write_progress(Progress(state="done"))
    app = open_page(doubtful.root, "score", state={"score.shown": "r-0001"})
    assert not app.exception
    text = view_text(app)
    assert "worse than chance on 40 of 100 scored rows" in text
    assert "not trained on 30 of 100 scored rows" in text


def test_ranking_by_length_turns_the_gate_off_and_back_on(doubtful: Project, open_page: OpenPage) -> None:
    app = open_page(doubtful.root, "select", state={"select.spec": SelectionSpec(value=1.0, balance="global")})
    for method, n_kept in (("length", 100), ("base-loss", 60), ("random", 100), ("learnability", 60)):
        app.selectbox(key="select.method").set_value(method).run()
        assert instrument(app)["exact"]["kept"] == n_kept, method


def test_a_selection_saved_without_the_gate_opens_without_it(doubtful: Project, open_page: OpenPage) -> None:
    spec = SelectionSpec(value=1.0, balance="global", gates=Gates(exclude_worse_than_chance=False))
    selections.save(doubtful, "older", spec)
    with doubtful.store() as store, store.transaction() as cursor:
        saved = "UPDATE selections SET spec = replace(spec, ', \"exclude_worse_than_chance\": false', '')"
        cursor.execute(f"{saved} WHERE name = 'older'")
        ((text,),) = cursor.execute("SELECT spec FROM selections WHERE name = 'older'").fetchall()
        assert "chance" not in text
    app = open_page(doubtful.root, "select")
    app.selectbox(key="select.open").set_value("older").run()
    assert not app.exception
    assert app.toggle(key="select.gate-chance").value is False
    assert instrument(app)["exact"]["kept"] == 100


@pytest.mark.parametrize(
    ("found", "n_notices"),
    [
        (Doubts(1000, 10, 30), 0),
        (Doubts(1000, 11, 30), 1),
        (Doubts(1000, 11, 31), 2),
        (Doubts(0, 0, 0), 0),
    ],
)
def test_how_many_rows_are_worth_a_notice(found: Doubts, n_notices: int) -> None:
    assert len(doubts_notice.notices(found, None)) == len(found.sentences()) == n_notices
