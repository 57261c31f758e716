"""What can go and what must stay; after a removal the project has all that it had."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from lobass_core.errors import ReadOnlyError, StoreError
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.project import Project
from lobass_core.specs import ExportSpec, ImportSpec, ModelSpec
from lobass_core.store import compact
from lobass_core.store.connection import release
from lobass_core.store.rebuild import rebuild_losses
from lobass_core.workflows.clean import clean, cleanable
from lobass_core.workflows.export import export, replay
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.import_scores import ScoreFileSpec, import_scores, remove_scores
from lobass_core.workflows.project_check import check_project
from lobass_core.workflows.runs import list_runs
from lobass_core.workflows.status import status
from lobass_core.workflows.uploads import keep_upload
from tests.read_only import read_only
from tests.run_specs import A_SCORING, empty_input
from tests.scored_files import import_and_score, select_best, write_jsonl

ROWS = [{"instruction": f"Ask {n}", "output": f"Answer {n}"} for n in range(40)]
READ = "SELECT * EXCLUDE (run_id) FROM losses ORDER BY ALL"


@pytest.fixture
def scored(tmp_path):
    """40 scored rows and a selection of five; nothing can go."""
    project = Project.create(tmp_path / "p")
    import_and_score(project, (write_jsonl(tmp_path / "chats.jsonl", ROWS), "chat"))
    select_best(project, 5)
    yield project
    release(project.store_path)


def age(path: Path, days: float) -> None:
    at = time.time() - days * 86_400
    os.utime(path, (at, at))


def listed(project: Project) -> list[tuple[str, str]]:
    return [(item.kind, item.path) for item in cleanable(project)]


def losses(project: Project) -> list:
    with project.store() as store:
        return store.cursor().execute(READ).fetchall()


def stopped(project: Project, spec=A_SCORING, **values) -> RunFolder:
    run = RunFolder.create(project.runs_dir, "score", spec, **values)
    run.write_progress(Progress(state="cancelled"))
    return run


def model(project: Project, name: str, made_at: str) -> Path:
    folder = project.models_dir / name
    folder.mkdir()
    spec = {"base": {"path": "org/tiny"}, "name": name}
    (folder / "recipe.json").write_text(json.dumps({"spec": spec, "base": "org/tiny", "made_at": made_at}))
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def test_nothing_that_is_needed_is_listed(scored, tmp_path):
    resumable = stopped(scored, prepare=empty_input)
    training_goes_on = model(scored, "newest", "2999-01-01T00:00:00+00:00")
    used = model(scored, "used", "2020-01-01T00:00:00+00:00")
    stopped(scored, replace(A_SCORING, references=(ModelSpec(str(used)),)), prepare=empty_input)
    imported = keep_upload(scored, "kept.jsonl", b'{"instruction": "Ask", "output": "Answer"}\n')
    import_file(scored, ImportSpec(path=str(imported), domain="chat"))
    age(imported, 3)
    keep_upload(scored, "fresh.jsonl", b"{}")
    shutil.copyfile(scored.store_path, scored.root / "store-mine.duckdb")
    export(scored, ExportSpec("best", str(scored.exports_dir / "best"), check=False))
    assert resumable.path.exists() and training_goes_on.exists()
    assert listed(scored) == []


def test_what_nothing_needs_goes_and_the_rest_works_as_before(scored, tmp_path):
    preview = RunFolder.create(scored.runs_dir, "preflight", A_SCORING, empty_input)
    preview.write_progress(Progress(state="done"))
    age(preview.path, 1)
    hopeless = stopped(scored)  # without input
    foreign = stopped(scored, prepare=empty_input, project_id="another")
    model(scored, "old", "2020-01-01T00:00:00+00:00")
    for name in ("first", "second"):
        export(scored, ExportSpec("best", str(scored.exports_dir / name), check=False))
    for name in ("store-v3.duckdb", "store-before-repair-2.duckdb"):
        shutil.copyfile(scored.store_path, scored.root / name)
    unused = keep_upload(scored, "unused.jsonl", b"{}")
    age(unused, 3)
    with scored.store() as store:
        with store.transaction() as cursor:
            cursor.execute(
                "INSERT INTO notes SELECT uuid()::VARCHAR, 1, repeat(uuid()::VARCHAR, 20), '', '' FROM range(9000)"
            )
        store.checkpoint()
        with store.transaction() as cursor:
            cursor.execute("DELETE FROM notes")
        store.checkpoint()
    whole, found = losses(scored), cleanable(scored)
    assert [(item.kind, item.path) for item in found] == [
        ("run", f"runs/{preview.run_id}"),
        ("run", f"runs/{hopeless.run_id}"),
        ("run", f"runs/{foreign.run_id}"),
        ("model", "models/old"),
        ("export", "exports/first"),
        ("copy", "store-before-repair-2.duckdb"),
        ("copy", "store-v3.duckdb"),
        ("upload", str(unused.relative_to(scored.root))),
        ("store", "store.duckdb"),
    ]
    before = sum(path.stat().st_size for path in scored.root.rglob("*") if path.is_file())
    cleaned = clean(scored, found)
    after = sum(path.stat().st_size for path in scored.root.rglob("*") if path.is_file())
    assert (cleaned.removed, cleaned.stayed) == (found, ())
    assert before - after == cleaned.n_bytes
    assert listed(scored) == []
    assert (losses(scored), status(scored).n_scored) == (whole, 40)
    assert [run.run_id for run in list_runs(scored)] == ["r-0001"]
    replay(scored, scored.exports_dir / "second" / "manifest.json", tmp_path / "again")
    with scored.store() as store:
        assert rebuild_losses(store, scored.runs_dir) == len(whole)
    assert {check.verdict for check in check_project(scored) if check.name != "exports"} == {"good"}


def test_what_is_needed_by_now_stays(scored):
    hopeless = stopped(scored)
    found = cleanable(scored)
    hopeless.write_shard("base", pa.table({"n": [1]}))
    cleaned = clean(scored, found)
    assert (cleaned.removed, hopeless.path.exists()) == ((), True)
    assert cleaned.stayed == ((f"runs/{hopeless.run_id}", "it is now needed, or already gone"),)


def test_a_folder_that_leads_out_of_the_project_stays(scored, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "recipe.json").write_text(
        json.dumps({"spec": {"base": {"path": "b"}, "name": "x"}, "made_at": "2020"})
    )
    (scored.models_dir / "linked").symlink_to(elsewhere)
    assert listed(scored) == []


def test_a_store_in_use_elsewhere_is_not_written_anew(scored):
    with scored.store() as store:
        store.checkpoint()
    release(scored.store_path)
    holder = subprocess.Popen(
        [sys.executable, "-c", "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()",
         str(scored.store_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with holder:
        holder.stdout.readline()
        inode = scored.store_path.stat().st_ino
        with pytest.raises(StoreError, match="could not be compacted"):
            compact.compact(scored.store_path)
        holder.communicate(b"\n")
    assert scored.store_path.stat().st_ino == inode


def test_who_asks_for_the_store_while_it_is_written_anew_waits_for_the_new_one(scored, monkeypatch):
    """Other tabs of a dashboard ask in the same process, which the system's locks do not keep out."""
    with scored.store() as store:
        store.checkpoint()
    asked, in_place = list[str](), compact._take_place

    def ask() -> None:
        with scored.store(on_wait=asked.append) as store, store.transaction() as cursor:
            cursor.execute("UPDATE datasets SET name = 'renamed'")

    other = threading.Thread(target=ask)

    def put_in_place(new: Path, path: Path) -> None:
        other.start()
        while not asked:
            time.sleep(0.01)
        in_place(new, path)

    monkeypatch.setattr(compact, "_take_place", put_in_place)
    compact.compact(scored.store_path)
    other.join()
    release(scored.store_path)
    assert asked == ["this program, which is compacting it"]
    assert [dataset.name for dataset in status(scored).datasets] == ["renamed"]


def test_a_copy_that_differs_does_not_take_the_store_s_place(scored, monkeypatch):
    with scored.store() as store:
        store.checkpoint()
    whole = losses(scored)
    sums = iter(range(100))
    monkeypatch.setattr(compact, "_sum", lambda *_: (next(sums),))
    with pytest.raises(StoreError, match="differs"):
        compact.compact(scored.store_path)
    assert losses(scored) == whole
    assert [path.name for path in scored.root.glob(".store*")] == []


def test_a_read_only_project_is_left_alone(scored):
    release(scored.store_path)
    with read_only(scored.root):
        with pytest.raises(ReadOnlyError):
            clean(scored, cleanable(scored))
        release(scored.store_path)


def test_an_uploaded_file_of_scores_says_where_its_scores_are(scored):
    held = keep_upload(scored, "ratings.jsonl", b'{"row": 0, "quality": 1}\n')
    import_scores(scored, ScoreFileSpec(str(held), "quality", key="row"))
    assert cleanable(scored) == ()
    age(held, 3)
    (item,) = cleanable(scored)
    assert (item.kind, item.reason) == ("upload", "uploaded, and its scores are in the project: quality")
    remove_scores(scored, "quality")
    assert cleanable(scored)[0].reason == "uploaded, but no dataset was imported from it"
