"""lobass train-reference and score say what they cost before they start."""

from pathlib import Path

import pytest

from lobass_core.jobs.run_list import list_runs
from lobass_core.project import Project
from lobass_core.workflows import score, train_reference
from tests.cli.conftest import Ran
from tests.filled_project import Row, import_rows


@pytest.fixture
def pool(tmp_path: Path) -> Project:
    project = Project.create(tmp_path / "project")
    import_rows(project, [Row(f"Say {k}", f"It is {k}") for k in range(10)], "first")
    return project


def test_a_dry_run_starts_nothing(pool: Project, lobass):
    ran: Ran = lobass(
        "train-reference", "--project", pool.root, "--base", "org/base", "--folds", 5, "--dry-run", "--json"
    )
    assert ran.exit_code == 0
    assert {name: ran.json[name] for name in ("training", "scoring", "total", "everything", "seconds")} == {
        "training": 12.0, "scoring": 2.0, "total": 14.0, "everything": 9.0, "seconds": None,
    }  # fmt: skip
    assert ran.json["n_samples"] == 10 and ran.json["sentences"][0].startswith("Passes over the pool: 14")
    assert list_runs(pool.runs_dir) == []


def test_a_dry_run_ends_with_the_cost_in_a_sentence(pool: Project, lobass):
    ran: Ran = lobass("train-reference", "--project", pool.root, "--base", "org/base", "--dry-run")
    assert ran.out.splitlines()[-1].startswith("Passes over the pool: 5 (3 to train the reference, 2 to score)")


def test_a_name_that_no_reference_has_is_said_to_be_looked_up(pool: Project, lobass, monkeypatch):
    monkeypatch.setattr(score, "launch", lambda _: (_ for _ in ()).throw(RuntimeError("started")))
    asked = ("score", "--project", pool.root, "--base", "org/base", "--reference")
    misspelt: Ran = lobass(*asked, "reff")
    assert (
        "No reference of this project is called 'reff' (trained here: none). Looking for a Hub model." in misspelt.err
    )
    assert "No reference" not in lobass(*asked, "org/reff").err


def test_the_cost_is_said_before_the_work(pool: Project, lobass, monkeypatch):
    monkeypatch.setattr(train_reference, "launch", lambda _: (_ for _ in ()).throw(RuntimeError("started")))
    ran: Ran = lobass("train-reference", "--project", pool.root, "--base", "org/base", "--seeds", 3)
    assert ran.exit_code != 0
    assert "Passes over the pool: 13 (9 to train the reference, 4 to score)" in ran.err
    assert "How long that takes is unknown" in ran.err and ran.err.index("Passes") < ran.err.index("started")


def test_a_target_that_is_not_there_is_refused(pool: Project, lobass):
    ran: Ran = lobass("train-reference", "--project", pool.root, "--base", "org/base", "--target", "no.jsonl")
    assert ran.exit_code == 2 and "'no.jsonl' is neither a dataset nor a file" in ran.err
