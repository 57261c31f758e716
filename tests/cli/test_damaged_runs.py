"""A damaged run in what the commands print."""

import pytest

from lobass_core.project import Project
from tests.damaged_runs import cut_off, finished_run


@pytest.mark.parametrize("file", ["spec.json", "progress.json", "result.json"])
def test_runs_and_status_say_what_is_wrong(lobass, tmp_path, file):
    project = Project.create(tmp_path / "p")
    finished_run(project.runs_dir)
    run = finished_run(project.runs_dir)
    cut_off(run.path / file)
    for command in ("runs", "status"):
        ran = lobass(command, "--project", project.root)
        assert ran.exit_code == 0
        said = " ".join(ran.err.split())
        assert f"r-0002: {file} of run r-0002 is incomplete or not JSON." in said, ran
    rows = lobass("runs", "--project", project.root, "--json").json
    assert [(row["run_id"], row["state"]) for row in rows] == [("r-0002", "damaged"), ("r-0001", "done")]
    refused = lobass("cancel", "r-0002", "--project", project.root)
    assert refused.exit_code == 1 and refused.err.startswith("error:") and "r-0002" in refused.err
