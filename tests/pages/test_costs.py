"""What scoring and its references cost stands before the buttons, and on Select."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.project import Project
from lobass_core.specs import ModelSpec, NamedReference, ScoreSpec, TrainReferenceSpec
from lobass_core.store.connection import release
from lobass_core.workflows.known_models import known_models
from pages.components.selection import evidence_line, trust_line
from tests.filled_project import Row, add_references, fill
from tests.pages.conftest import OpenPage, view_text
from tests.pages.projects import imported_project
from tests.run_specs import empty_input as empty

TRAIN = {"score.base": "org/base", "score.how": "Train a reference"}


@pytest.fixture
def imported(tmp_path: Path) -> Iterator[Project]:
    project = imported_project(tmp_path / "project", {"conversation": 300, "math": 120})
    yield project
    release(project.store_path)


def test_each_kind_of_reference_has_its_cost(imported: Project, open_page: OpenPage) -> None:
    app = open_page(imported.root, "score", state=TRAIN)
    assert not app.exception
    shown = view_text(app)
    assert "Half-pools: 2 models, each scores the other half 3.0 2 5.0" in shown
    assert "5 folds 12.0 2 14.0" in shown and "3 references and their mean 9.0 4 13.0" in shown
    assert "A published model that was fine-tuned from the base – 2 2.0" in shown
    assert "Passes over the pool: 5 (3 to train the reference, 2 to score), less than the 9" in shown
    app.text_input(key="score.train-seeds.typed").set_value("3").run()
    app.toggle(key="score.train-keep-epochs").set_value(True).run()
    assert "--seeds 3" in app.code[0].value and "--keep-epochs" in app.code[0].value
    assert "Passes over the pool: 13 (9 to train the reference, 4 to score), no less than the 9" in view_text(app)


def test_a_dataset_can_be_the_target(tmp_path: Path, open_page: OpenPage) -> None:
    project = imported_project(tmp_path / "two", {"code": 5, "math": 15})
    app = open_page(project.root, "score", state={**TRAIN, "datasets": ["math"]})
    app.selectbox(key="score.train-on").set_value("code").run()
    assert "--target code" in app.code[0].value and "--datasets" not in app.code[0].value
    # 5 of 20 samples, 3 passes.
    assert "Passes over the pool: 2.8 (0.8 to train the reference, 2 to score)" in view_text(app)
    address = {name: value for name, value in app.query_params.items() if value}
    assert address["target"] == "code"
    assert open_page(project.root, "score", query=address).code[0].value == app.code[0].value
    release(project.store_path)


def test_a_file_can_be_the_target(
    imported: Project, open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOBASS_IMPORT_DIRS", str(tmp_path))
    path = tmp_path / "wanted.jsonl"
    records = [{"instruction": f"Add {n}.", "output": f"{n}"} for n in range(42)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    app = open_page(imported.root, "score", state={**TRAIN, "score.train-on": str(path)})
    assert not app.exception
    assert f"--target {path}" in " ".join(app.code[0].value.split())
    assert app.selectbox(key="score.train-on").options == [
        "The data",
        "Target: conversation",
        "Target: math",
        "Target: wanted.jsonl",
    ]
    # 42 of 420 samples, 3 passes.
    assert "Passes over the pool: 2.3 (0.3 to train the reference, 2 to score)" in view_text(app)
    assert app.button(key="score.train").label == "Train on 42 samples"
    address = {name: value for name, value in app.query_params.items() if value}
    assert open_page(imported.root, "score", query=address).code[0].value == app.code[0].value


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("gone.jsonl", "Check the path, or choose a dataset"),
        ("../outside.jsonl", "To allow others"),
    ],
)
def test_a_target_that_cannot_be_read_says_why(
    imported: Project, open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, why: str
) -> None:
    monkeypatch.setenv("LOBASS_IMPORT_DIRS", str(tmp_path / "allowed"))
    (tmp_path / "outside.jsonl").write_text('{"instruction": "a", "output": "b"}\n', encoding="utf-8")
    path = str(tmp_path / "allowed" / named)
    app = open_page(imported.root, "score", state={**TRAIN, "score.train-on": path})
    assert why in " ".join(error.value for error in app.error).replace("\\", "")
    assert app.button(key="score.train").disabled
    # A link to it names it, and looks at nothing.
    linked = open_page(imported.root, "score", query={"show": "new", "reference-from": "training", "target": path})
    assert linked.selectbox(key="score.train-on").value == ""


def test_lora_can_have_another_seed(imported: Project, open_page: OpenPage) -> None:
    app = open_page(imported.root, "score", state={**TRAIN, "score.train-method": "lora"})
    app.text_input(key="score.train-seed.typed").set_value("3").run()
    app.text_input(key="score.train-rank.typed").set_value("8").run()
    assert "--seed 3" in app.code[0].value and "--lora-rank 8" in app.code[0].value


def trained(project: Project, name: str, target: str = "", made_at: str = "2026-01-02T00:00:00+00:00") -> None:
    """A reference of org/base, as a training leaves it."""
    folder = project.models_dir / name
    folder.mkdir(parents=True)
    spec = {"base": {"path": "org/base"}, "name": name, "target": target}
    recipe = {"spec": spec, "base": "org/base", "n_samples": 42, "made_at": made_at}
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    (folder / "config.json").write_text("{}", encoding="utf-8")


def test_a_target_is_one_more_reference_of_the_scoring(imported: Project, open_page: OpenPage) -> None:
    trained(imported, "ref")
    trained(imported, "towards-code", "code")
    state = {"score.base": "org/base", "score.reference": "ref", "score.target": "towards-code"}
    app = open_page(imported.root, "score", state={**state, "score.named-by-address": {"org/base"}})
    assert not app.exception
    assert "--reference ref --target towards-code" in " ".join(app.code[0].value.split())
    # Each was trained on 42 of 420 samples for one epoch; three models score.
    assert "Passes over the pool: 3.6 (0.6 to train the reference, 3 to score)" in view_text(app)
    assert app.query_params["target"] == "towards-code"


LOOKED_AT = {"score.named-by-address": {"org/base"}}


def test_a_target_of_the_base_is_chosen_until_a_person_takes_it_away(imported: Project, open_page: OpenPage) -> None:
    trained(imported, "a-target", "code")
    # A reference that was trained on a target does not stand for the data.
    app = open_page(imported.root, "score", state=LOOKED_AT)
    assert not app.exception and app.session_state["score.reference"] is None and not app.code
    assert app.selectbox(key="score.target").value == "a-target"
    trained(imported, "ref")
    app = open_page(imported.root, "score", state=LOOKED_AT)
    assert app.selectbox(key="score.reference").value == "ref"
    assert "--reference ref --target a-target" in " ".join(app.code[0].value.split())
    (chip,) = [button for button in app.button if button.label.startswith("Target ")]
    chip.click().run()
    assert "--target" not in app.code[0].value
    address = {name: value for name, value in app.query_params.items() if value}
    assert "--target" not in open_page(imported.root, "score", query=address, state=LOOKED_AT).code[0].value
    # The target as the reference too would be one model twice.
    app = open_page(imported.root, "score", state={**LOOKED_AT, "score.reference": "a-target"})
    assert "--target" not in app.code[0].value


def test_new_rows_are_scored_with_the_target_of_the_others_or_without_one(imported: Project) -> None:
    trained(imported, "one", "code")
    trained(imported, "two", "code", made_at="2026-01-03T00:00:00+00:00")
    assert known_models(imported).usual_targets == {"org/base": "two"}
    for titles, expected in (((), ""), (("one",), "one")):
        others = tuple(NamedReference("reference@target", (ModelSpec("org/t"),), title) for title in titles)
        spec = ScoreSpec(ModelSpec("org/base"), (ModelSpec("org/ref"),), others=others)
        RunFolder.create(imported.runs_dir, "score", spec)
        assert known_models(imported).usual_targets == {"org/base": expected}
    # Trained since the last scoring, so that none could use it.
    trained(imported, "three", "code", made_at="2999-01-01T00:00:00+00:00")
    assert known_models(imported).usual_targets == {"org/base": "three"}


def test_after_the_training_of_a_target_it_is_the_target(
    imported: Project, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(imported, "ref")
    spec = TrainReferenceSpec(ModelSpec("org/base"), "towards", target="math")
    run = RunFolder.create(imported.runs_dir, "train_reference", TrainReferenceRun(spec, "models/towards", ()), empty)
    trained(imported, "towards", "math")
    run.write_progress(Progress(state="done", finished_at="2026-01-02T10:00:51+00:00"))
    monkeypatch.setattr("lobass_core.jobs.run_folder.RunFolder.state", lambda _: "done")
    app = open_page(imported.root, "score", state=LOOKED_AT)
    app.button(key="score.use").click().run()
    assert not app.exception
    assert "--reference ref --target towards" in " ".join(app.code[0].value.split())


def test_select_offers_to_rank_towards_the_target(tmp_path: Path, open_page: OpenPage, monkeypatch) -> None:
    project = Project.create(tmp_path / "p")
    rows = [Row(f"Ask {n}?", f"Answer {n}", "chat", 2.0, 1 + n / 40) for n in range(20)]
    filled = fill(project, rows)
    run = add_references(filled, rows, {"reference@target": [1.9 - n / 40 for n in range(20)]})
    text = "These scores have a target."
    assert text not in view_text(open_page(project.root, "select", query={"run": "r-0001"}))
    show = trust_line.view.show
    clicks = {"select-trust": trust_line.RANK}
    monkeypatch.setattr(
        trust_line.view, "show", lambda nodes, **asked: show(nodes, **asked) or clicks.pop(asked["key"], None)
    )
    app = open_page(project.root, "select", query={"run": run})
    assert not app.exception and app.query_params["method"] == "target-learnability"
    assert text not in view_text(app)
    release(project.store_path)


def test_select_says_what_its_selection_costs(scored: Project, open_page: OpenPage) -> None:
    app = open_page(scored.root, "select")
    assert not app.exception
    # 25 of 420 rows, and 9 passes for three epochs on all.
    assert "2.5 (2 to score, 0.5 to train on 6 % for 3 epochs), less than the 9" in view_text(app)
    assert "no measure chose rows that trained a better model than random draws" in view_text(app)


def test_select_offers_the_measure_that_did_better(scored: Project, open_page: OpenPage, monkeypatch) -> None:
    offer = "Rank by length-adjusted learnability"
    assert offer in view_text(open_page(scored.root, "select"))
    show = evidence_line.view.show
    clicks = {"select-evidence": evidence_line.RANK}
    monkeypatch.setattr(
        evidence_line.view, "show", lambda nodes, **asked: show(nodes, **asked) or clicks.pop(asked["key"], None)
    )
    app = open_page(scored.root, "select")
    assert not app.exception and app.query_params["method"] == "length-adjusted"
    assert offer not in view_text(app)
