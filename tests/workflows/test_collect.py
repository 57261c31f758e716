"""What an ended run holds is in the project as soon as anybody opens it, once, and whatever stopped its parent."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from lobass_core.errors import RunError
from lobass_core.jobs.checksums import checksum_path
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_files import read_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.store.losses import ingest_run
from lobass_core.store.rebuild import rebuild_losses
from lobass_core.workflows import collect as collecting
from lobass_core.workflows import score
from lobass_core.workflows.collect import collect
from lobass_core.workflows.run_views import run_view, run_views
from lobass_core.workflows.status import status
from tests.jobs.test_checksums import flip_bit
from tests.pages.projects import add_scores, finished_scores, imported_project
from tests.read_only import closed

N_ROWS = 12


@pytest.fixture
def imported(tmp_path: Path):
    project = imported_project(tmp_path / "project", {"math": N_ROWS})
    yield project
    release(project.store_path)


def in_a_new_process() -> None:
    collecting._collected.clear()


def losses(project: Project) -> list[tuple]:
    with project.store() as store:
        read = "SELECT sample_key, model_fp, loss_sum_nats FROM losses ORDER BY ALL"
        return store.cursor().execute(read).fetchall()


def test_losses_that_nobody_ingested_are_added_once(imported: Project):
    finished_scores(imported)
    assert status(imported).n_scored == 0
    added = collect(imported)
    assert (added.n_new, added.sentences) == (24, ("Added 24 losses computed by run r-0001.",))
    assert status(imported).n_scored == N_ROWS
    for _ in range(2):
        in_a_new_process()
        assert collect(imported) == collecting.Collected()


def test_a_run_that_has_not_changed_is_not_opened(imported: Project, monkeypatch: pytest.MonkeyPatch):
    finished_scores(imported)
    collect(imported)
    monkeypatch.setattr(collecting, "open_any", None)
    assert collect(imported).n_new == 0
    in_a_new_process()
    assert collect(imported).n_new == 0
    monkeypatch.setattr(Project, "store", None)  # this process has looked at all runs by now
    assert collect(imported).n_new == 0


def test_a_new_scoring_knows_what_an_ended_run_computed(imported: Project):
    run = finished_scores(imported)
    again = score.prepare_run(imported, "score", run.spec_as(score.ScoreSpec))
    assert read_parquet(again.known_path).num_rows == 24


def test_whole_shards_of_an_interrupted_run_are_added_and_the_rest_later(imported: Project):
    run = finished_scores(imported)
    kept = (run.shards_dir / "reference-00000.parquet").rename(run.path / "later.parquet")
    sidecar = checksum_path(run.shards_dir / "reference-00000.parquet").rename(run.path / "later.sha256")
    (run.path / "result.json").rename(run.path / "later.json")
    run.write_progress(Progress(state="running", n_done=12, n_total=24))
    assert (run.state(), collect(imported).n_new) == ("interrupted", 12)
    kept.rename(run.shards_dir / "reference-00000.parquet")
    sidecar.rename(checksum_path(run.shards_dir / "reference-00000.parquet"))
    (run.path / "later.json").rename(run.result_path)
    run.write_progress(Progress(state="done", n_done=24, n_total=24))
    in_a_new_process()
    assert collect(imported).n_new == 12
    assert status(imported).n_scored == N_ROWS


def test_a_run_at_work_is_left_alone(imported: Project):
    run = finished_scores(imported)
    run.write_progress(Progress(state="running"))
    with run.hold_lock():
        assert collect(imported).n_new == 0
    assert collect(imported).n_new == 24


FULL_DISK = """
import resource, signal, sys
from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.workflows.collect import collect
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
project = Project.open(sys.argv[1])
said = collect(project)
print(said.n_new, *said.sentences, sep="\\n")
"""


def test_a_disk_that_is_full_at_the_ingest_loses_nothing(imported: Project):
    finished_scores(imported)
    before = losses(imported)
    release(imported.store_path)
    command = [sys.executable, "-c", FULL_DISK, str(imported.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "Added" not in done.stdout, done
    assert losses(imported) == before == []
    assert collect(imported).n_new == 24


KILLED_AT_INGEST = """
import os, signal, sys
from lobass_core.project import Project
from lobass_core.store import losses
from lobass_core.workflows.collect import collect
insert = losses.insert_shards
def die(*arguments):
    insert(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
losses.insert_shards = die
collect(Project.open(sys.argv[1]))
"""


def test_a_process_killed_in_the_middle_of_the_ingest_loses_nothing_and_doubles_nothing(imported: Project):
    finished_scores(imported)
    release(imported.store_path)
    done = subprocess.run([sys.executable, "-c", KILLED_AT_INGEST, str(imported.root)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert losses(imported) == []
    assert collect(imported).n_new == 24
    assert len(losses(imported)) == 24


def test_scores_of_a_run_under_a_reused_id_are_not_lost(imported: Project):
    """A project of an earlier program: the newest run folder was deleted, its id and shard names were used again."""
    old = add_scores(imported)
    shutil.rmtree(old.path)
    (imported.runs_dir / ".last-run").unlink()
    with imported.store() as store:
        again = RunFolder.create(imported.runs_dir, "score", old.spec)
        assert again.run_id == old.run_id
        table = shard_of(imported, "another-model")
        again.write_shard("base-00000", table)
        assert ingest_run(store, again).n_new == N_ROWS


def test_after_the_newest_run_was_deleted_a_scoring_of_new_rows_is_whole(imported: Project):
    shutil.rmtree(add_scores(imported).path)
    (imported.runs_dir / ".last-run").unlink()
    run = finished_scores(imported, reference_fp="4ef0000000000002")
    assert run.run_id == "r-0002"
    assert collect(imported).n_new == N_ROWS  # the base's losses are the ones known before
    assert [scoring.run_id for scoring in status(imported).scorings] == ["r-0002", "r-0001"]


def shard_of(project: Project, model_fp: str) -> pa.Table:
    with project.store() as store:
        ids = [one for (one,) in store.cursor().execute("SELECT sample_id FROM samples").fetchall()]
    n = len(ids)
    return pa.table(
        {
            "sample_id": ids,
            "model_fp": [model_fp] * n,
            "render_fp": ["render"] * n,
            "loss_sum_nats": [1.0] * n,
            "n_tokens": pa.array([2] * n, pa.int32()),
            "n_response_bytes": pa.array([2] * n, pa.int32()),
            "n_prompt_tokens": pa.array([5] * n, pa.int32()),
            "n_dropped_tokens": pa.array([0] * n, pa.int32()),
            "status": ["ok"] * n,
        }
    )


def test_a_damaged_shard_is_named_set_aside_and_computed_again_by_a_resume(
    imported: Project, monkeypatch: pytest.MonkeyPatch
):
    run = finished_scores(imported)
    flip_bit(run.shards_dir / "reference-00000.parquet", 4000)
    added = collect(imported)
    assert added.sentences == (
        "Added 12 losses computed by run r-0001.",
        "reference-00000.parquet of run r-0001 cannot be used: its content does not match its checksum. "
        "Its losses are computed again when you resume the run or score again.",
    )
    view = run_view(imported, run.run_id)
    assert (view.state, view.can_resume) == ("damaged", True)
    assert view.fault is not None and view.fault.what == "1 loss file was damaged and set aside"
    launched: list[str] = []
    monkeypatch.setattr(score, "launch", lambda run: launched.append(run.run_id))
    score.resume(imported, run.run_id)
    assert launched == ["r-0001"]
    run.write_shard("reference-00000", shard_of(imported, "4ef0000000000001"))  # as the worker would
    assert (run_view(imported, run.run_id).state, collect(imported).n_new) == ("done", N_ROWS)


def test_a_shard_that_was_damaged_after_its_losses_were_added_is_computed_again_by_a_resume(
    imported: Project, monkeypatch: pytest.MonkeyPatch
):
    run = add_scores(imported)
    before, launched = losses(imported), list[str]()
    monkeypatch.setattr(score, "launch", lambda run: launched.append(run.run_id))
    with pytest.raises(RunError, match="r-0001 is done, and its losses are in the project"):
        score.resume(imported, run.run_id)
    flip_bit(run.shards_dir / "reference-00000.parquet", 4000)
    score.resume(imported, run.run_id)
    assert (launched, run.missing_shards(), losses(imported)) == (["r-0001"], ["reference-00000"], before)


def test_an_older_shard_is_checked_against_what_the_store_recorded(imported: Project):
    run = add_scores(imported)
    before = losses(imported)
    for name in ("base-00000", "reference-00000"):
        checksum_path(run.shards_dir / f"{name}.parquet").unlink()
    flip_bit(run.shards_dir / "base-00000.parquet", 4000)
    in_a_new_process()
    run.write_progress(run.read_progress())
    (sentence,) = collect(imported).sentences
    assert sentence.startswith("base-00000.parquet of run r-0001 cannot be used: its content does not match")
    assert losses(imported) == before


def copied_run(project: Project, tmp_path: Path) -> RunFolder:
    """A scoring of another project that finished later than any of this one."""
    other = imported_project(tmp_path / "elsewhere" / "project", {"math": N_ROWS})
    run = finished_scores(other, reference_name="theirs", reference_fp="4ef00000000000ff")
    release(other.store_path)
    return RunFolder.open(Path(shutil.copytree(run.path, project.runs_dir / "r-0007")))


def test_a_run_folder_of_another_project_is_listed_and_not_added(imported: Project, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    add_scores(imported)
    before = losses(imported)
    copied_run(imported, tmp_path)
    assert collect(imported) == collecting.Collected()
    found = status(imported)
    assert losses(imported) == before
    assert found.scoring is not None and (found.scoring.run_id, len(found.scorings)) == ("r-0001", 1)
    assert [(run.run_id, run.state) for run in found.runs] == [("r-0007", "foreign"), ("r-0001", "done")]
    assert found.runs[0].message == "run r-0007 was copied from another project: its scores are not added to this one"
    assert found.next_step.label == "Select rows"
    view = run_view(imported, "r-0007")
    assert (view.state, view.can_resume, view.is_own) == ("foreign", False, False)
    with imported.store() as store:
        assert rebuild_losses(store, imported.runs_dir) == len(before)
    assert losses(imported) == before
    assert score.prepare_run(imported, "score", view.spec).run_id == "r-0008"  # type: ignore[arg-type]


def test_a_copy_of_a_run_under_another_name_is_no_second_scoring(imported: Project):
    run = add_scores(imported)
    shutil.copytree(run.path, imported.runs_dir / "r-0004")
    collect(imported)
    found = status(imported)
    assert [scoring.run_id for scoring in found.scorings] == ["r-0001"]
    assert found.runs[0].message == "run r-0004 is a copy of r-0001 under another name: it is not added to the project"


def test_a_copied_project_keeps_its_runs(imported: Project, tmp_path: Path):
    add_scores(imported)
    release(imported.store_path)
    copy = Project.open(shutil.copytree(imported.root, tmp_path / "copy"))
    assert collect(copy) == collecting.Collected()
    run = finished_scores(copy, reference_fp="4ef0000000000002")
    assert (run.run_id, collect(copy).n_new) == ("r-0002", N_ROWS)
    assert [one.state for one in status(copy).runs] == ["done", "done"]
    release(copy.store_path)


def test_runs_moved_into_another_project_as_a_whole_are_foreign(imported: Project, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    other = imported_project(tmp_path / "elsewhere" / "project", {"math": N_ROWS})
    add_scores(other)
    release(other.store_path)
    shutil.rmtree(imported.runs_dir)
    shutil.copytree(other.runs_dir, imported.runs_dir)
    assert collect(imported).n_new == 0
    assert [run.state for run in status(imported).runs] == ["foreign"]


@pytest.mark.parametrize("what", ["run", "shards", "file"])
def test_what_nobody_may_read_is_added_when_somebody_may(imported: Project, what: str):
    run = finished_scores(imported)
    shard = run.finished_shards()[0]
    place = {"run": run.path, "shards": run.shards_dir, "file": shard}[what]
    with closed(place):
        assert collect(imported).n_new == (N_ROWS if what == "file" else 0)
        (view,) = run_views(imported)
        assert view.state == ("done" if what == "file" else "damaged")
    collect(imported)
    assert (len(losses(imported)), run_view(imported, run.run_id).state) == (24, "done")
