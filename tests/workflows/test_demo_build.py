"""How far a demo in the making is, read from its files alone."""

import json
from pathlib import Path

import pytest
from filelock import FileLock

from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_specs import TrainBaseRun
from lobass_core.workflows import demo_build
from lobass_core.workflows.demo import MARKER
from lobass_core.workflows.demo_build import DemoBuild, read_build
from tests.run_specs import A_SCORING


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return demo_build.demo_root(tmp_path / "mine")


def test_the_demo_stands_beside_the_project(root: Path, tmp_path: Path) -> None:
    assert root == tmp_path / "mine-demo"
    assert read_build(root) == DemoBuild("absent")


def test_a_build_shows_the_run_in_hand(root: Path) -> None:
    with FileLock(root.with_name(".mine-demo.lock")):
        assert read_build(root) == DemoBuild("building", "Writing and importing the sample data", 0.02)
        run = RunFolder.create(root / "runs", "train_base", TrainBaseRun("texts.parquet", "demo-base"))
        run.write_progress(Progress(state="running", n_done=1, n_total=2))
        assert read_build(root) == DemoBuild("building", "Training the base", 0.30)
        run = RunFolder.create(root / "runs", "score", A_SCORING)
        assert read_build(root) == DemoBuild("building", "Scoring with both", 0.85)


def test_a_build_that_stopped_says_why(root: Path) -> None:
    root.with_name(".mine-demo.log").write_text("importing\nthe disk is full. Free some space.\n")
    assert read_build(root) == DemoBuild("stopped", message="the disk is full. Free some space.")


def test_a_finished_demo_is_ready(root: Path) -> None:
    root.mkdir()
    (root / MARKER).write_text("null")
    assert read_build(root).state == "stopped"
    (root / MARKER).write_text(json.dumps({"n_rows": 3}))
    assert read_build(root) == DemoBuild("ready", share=1.0)


def test_a_folder_of_somebody_else_is_left_alone(root: Path, capsys: pytest.CaptureFixture) -> None:
    root.mkdir()
    (root / "file").touch()
    assert demo_build.main(root) == 2
    assert "not empty" in capsys.readouterr().out
