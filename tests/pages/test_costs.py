"""What scoring and its references cost stands before the buttons, and on Select."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lobass_core.project import Project
from lobass_core.store.connection import release
from tests.pages.conftest import OpenPage, view_text
from tests.pages.projects import imported_project

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


def test_a_target_is_one_more_reference_of_the_scoring(imported: Project, open_page: OpenPage) -> None:
    for name, target in (("ref", ""), ("towards-code", "code")):
        folder = imported.models_dir / name
        folder.mkdir(parents=True)
        spec = {"base": {"path": "org/base"}, "name": name, "target": target}
        (folder / "recipe.json").write_text(json.dumps({"spec": spec, "n_samples": 42}), encoding="utf-8")
        (folder / "config.json").write_text("{}", encoding="utf-8")
    state = {"score.base": "org/base", "score.reference": "ref", "score.target": "towards-code"}
    app = open_page(imported.root, "score", state={**state, "score.named-by-address": {"org/base"}})
    assert not app.exception
    assert "--reference ref --target towards-code" in " ".join(app.code[0].value.split())
    # Each was trained on 42 of 420 samples for one epoch; three models score.
    assert "Passes over the pool: 3.6 (0.6 to train the reference, 3 to score)" in view_text(app)
    assert app.query_params["target"] == "towards-code"


def test_select_says_what_its_selection_costs(scored: Project, open_page: OpenPage) -> None:
    app = open_page(scored.root, "select")
    assert not app.exception
    # 25 of 420 rows, and 9 passes for three epochs on all.
    assert "2.5 (2 to score, 0.5 to train on 6 % for 3 epochs), less than the 9" in view_text(app)
