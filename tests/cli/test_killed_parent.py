"""The command that scores is killed; its worker goes on, and the next command finds what it computed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lobass_core.cli import opening
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import list_runs
from lobass_core.project import Project
from lobass_core.store.connection import release
from tests.pages.projects import imported_project

LOBASS = (sys.executable, "-c", "from lobass_core.cli.main import main; main()")


@pytest.fixture
def imported(tmp_path: Path):
    project = imported_project(tmp_path / "project", {"math": 12})
    release(project.store_path)
    yield project
    release(project.store_path)


def wait_for(project: Project, *states: str) -> RunFolder:
    deadline = time.monotonic() + 120
    while True:
        runs = list_runs(project.runs_dir)
        if runs and runs[0].state() in states:
            return runs[0]
        assert time.monotonic() < deadline, runs
        time.sleep(0.02)


@pytest.mark.faults
def test_losses_of_a_worker_that_outlived_its_parent(lobass, imported: Project, models: Path):
    options = ["--base", str(models / "base"), "--reference", str(models / "ref"), "--template", "plain"]
    options += ["--project", str(imported.root), "--device", "cpu"]
    parent = subprocess.Popen([*LOBASS, "score", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run = wait_for(imported, "running")
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    wait_for(imported, "done")
    shown = lobass("status", "--json", "--project", imported.root)
    assert shown.json["n_scored"] == 12
    assert "Added 24 losses computed by run r-0001." in shown.err
    resumed = lobass("score", "--resume", run.run_id, "--project", imported.root)
    assert resumed.exit_code == 1
    assert "run r-0001 is done" in resumed.err and "its losses are in the project" in resumed.err
    again = lobass("score", "--json", *options).json
    assert (again["n_computed"], again["n_known"], again["n_ingested"]) == (0, 24, 0)


def test_a_run_that_was_killed_while_its_input_was_written_can_be_cleared(lobass, imported: Project):
    from tests.jobs.test_run_ids import age
    from tests.run_specs import A_SCORING

    run = RunFolder.create(imported.runs_dir, "score", A_SCORING)
    age(run.path / "spec.json", 60)
    shown = lobass("runs", "--project", imported.root)
    assert "r-0001: run r-0001 was stopped while its input was being written." in " ".join(shown.err.split())
    cleared = lobass("cancel", "r-0001", "--project", imported.root)
    assert (cleared.exit_code, cleared.out.strip()) == (0, "Removed r-0001, which had not started")
    assert list_runs(imported.runs_dir) == []


def test_every_command_opens_its_project_by_the_door_that_adds_ended_runs():
    sources = Path(opening.__file__).parent.glob("*.py")
    # The demo opens a project that it has just made, and doctor looks at one as it is.
    assert {path.name for path in sources if "Project.open(" in path.read_text()} == {
        "demo.py",
        "doctor.py",
        "opening.py",
    }
