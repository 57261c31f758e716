"""What a killed process left of an export or another file outside of the project is found and removed."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.workflows import leftovers
from lobass_core.workflows.clean import cleanable
from lobass_core.workflows.doctor import check
from lobass_core.workflows.outputs import WRITING, noted
from lobass_core.workflows.project_repair import repair

KILLED = """
import os, sys
from pathlib import Path
from lobass_core.exporting.destination import Claim, staging
from lobass_core.files.atomic_file import whole_file
from lobass_core.project import Project
from lobass_core.workflows.outputs import noted
project, to = Project.open(sys.argv[1]), Path(sys.argv[2])
with noted(project, to / "best", to / "scores.csv"), staging(to / "best", Claim("best", "trl")) as folder:
    (folder / "train.jsonl").write_text("half")
    with whole_file(to / "scores.csv") as unfinished:
        unfinished.write_text("half")
        os._exit(9)
"""


@pytest.fixture
def project(tmp_path: Path):
    project = Project.create(tmp_path / "p")
    yield project
    release(project.store_path)


def test_what_a_killed_export_left_elsewhere_is_found_and_removed(project: Project, tmp_path: Path):
    to = tmp_path / "elsewhere"
    to.mkdir()
    (to / ".best.99999999.tmp").write_text("of another project")
    assert subprocess.run([sys.executable, "-c", KILLED, project.root, to], check=False).returncode == 9
    left = {path.name.split(".")[1] for path in to.iterdir() if "99999999" not in path.name}
    assert left == {"best", "scores"}
    written = time.time() - 90
    for note in (project.root / WRITING).iterdir():
        os.utime(note, (written, written))
    (found,) = [one for one in check(project) if one.name == "leftovers"]
    assert found.detail.startswith("4 half-written files or folders of killed processes")
    assert str(to) in found.detail
    assert not cleanable(project)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leftovers.shutil, "rmtree", lambda _: (_ for _ in ()).throw(PermissionError()))
        assert "Removed 1 half-written file or folder left by killed processes." in repair(project)
    assert next(one.detail for one in check(project) if one.name == "leftovers").startswith("3 half-written")
    assert "Removed 3 half-written files and folders left by killed processes." in repair(project)
    assert [path.name for path in to.iterdir()] == [".best.99999999.tmp"]
    assert not [one for one in check(project) if one.name == "leftovers"]


def test_no_note_is_left_by_what_ends_or_fails_and_none_is_made_inside(project: Project, tmp_path: Path):
    with noted(project, tmp_path / "scores.csv", project.exports_dir / "best"):
        (note,) = (project.root / WRITING).iterdir()
        assert note.read_text() == str(tmp_path / "scores.csv")
    with pytest.raises(OSError, match="full"), noted(project, tmp_path / "scores.csv"):
        raise OSError("full")
    assert not (project.root / WRITING).exists()
