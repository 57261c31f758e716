"""The small demo, over a base that has learned next to nothing: interrupted and gone on with, then cached."""

import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lobass_core.errors import ExportError, ProjectError
from lobass_core.jobs.run_list import list_runs
from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.workflows import demo as workflow
from lobass_core.workflows.demo import DemoResult, demo
from lobass_core.workflows.export import replay

# A quarter of the demo's rows, and a sixth of these.
N_ROWS, N_KEPT = 371, 62


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory, runs_in_this_process: None
) -> Iterator[tuple[Path, DemoResult, list[str]]]:
    """The demo, whose last step fails the first time."""
    root, phases = tmp_path_factory.mktemp("demo") / "project", []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workflow, "_BASE_TEXTS", 400)
        patch.setattr(workflow, "export", _disk_full)
        with pytest.raises(ExportError):
            demo(root, lambda progress: phases.append(progress.phase), small=True)
    yield root, demo(root, small=True), phases
    release(root / "store.duckdb")


def _disk_full(*_: object) -> None:
    raise ExportError("the disk is full")


def test_an_interrupted_demo_goes_on_and_a_finished_one_is_left_alone(built):
    root, result, phases = built
    assert [run.kind for run in list_runs(root / "runs")][:2] == ["train_base", "train_reference"]
    assert sum(run.kind != "score" for run in list_runs(root / "runs")) == 2
    assert "Sample data: importing math.jsonl" in phases
    assert (result.n_rows, result.n_rejected, result.n_selected, result.was_ready) == (N_ROWS, 10, N_KEPT, False)
    began = time.monotonic()
    again = demo(root, small=True)
    assert time.monotonic() - began < 5
    assert again.was_ready and again.run_id == result.run_id and again.export == result.export


def test_the_demo_ends_with_an_export_that_can_be_written_again(built, tmp_path):
    root, result, _ = built
    rows = pq.read_table(Path(result.export) / "train.parquet")["messages"].to_pylist()
    assert len(rows) == N_KEPT
    assert all(messages[-1]["role"] == "assistant" for messages in rows)
    replay(Project.open(root), Path(result.export) / "manifest.json", tmp_path / "again")
    assert (tmp_path / "again" / "train.parquet").read_bytes() == (Path(result.export) / "train.parquet").read_bytes()


def test_a_project_of_somebody_else_is_not_filled_with_samples(project):
    with pytest.raises(ProjectError, match="this project is not the demo"):
        demo(project.root)


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ProjectError, match="not empty"):
        demo(tmp_path)
