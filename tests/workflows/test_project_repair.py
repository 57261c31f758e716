"""What a check of a project finds, and what a repair makes of it: nothing is lost that can be read."""

import os
import random
import time
from pathlib import Path

import pytest

from lobass_core.errors import ReadOnlyError
from lobass_core.project import Project
from lobass_core.specs import ExportSpec, ImportSpec
from lobass_core.store.connection import release
from lobass_core.workflows.decide import decide
from lobass_core.workflows.export import export, logged_exports
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.project_check import check_project
from lobass_core.workflows.project_repair import repair
from lobass_core.workflows.status import status
from lobass_core.workflows.update_dataset import compare_dataset, update_dataset
from tests.pages.projects import scored_project
from tests.read_only import read_only
from tests.scored_files import import_and_score, select_best, write_jsonl

RANDOM = random.Random(7)
ROWS = [{"instruction": f"Ask {n} {RANDOM.randbytes(300).hex()}", "output": f"Answer {n}"} for n in range(600)]
READ = "SELECT sample_key, model_fp, loss_sum_nats, n_tokens, status FROM losses ORDER BY ALL"
SAMPLES = "SELECT * FROM samples ORDER BY ALL"
PICKS = "SELECT * FROM selection_picks ORDER BY ALL"


@pytest.fixture
def scored(tmp_path):
    """600 scored rows, a selection, a decision."""
    project = Project.create(tmp_path / "p")
    import_and_score(project, (write_jsonl(tmp_path / "chats.jsonl", ROWS), "chat"))
    select_best(project, 20)
    with project.store() as store:
        ((sample_id,),) = store.cursor().execute("SELECT sample_id FROM samples WHERE sample_key = 1").fetchall()
    decide(project, [sample_id], "keep", "a good one")
    yield project
    release(project.store_path)


def read(project: Project, sql: str) -> list:
    with project.store() as store:
        return store.cursor().execute(sql).fetchall()


def verdicts(project: Project) -> dict[str, str]:
    return {check.name: check.verdict for check in check_project(project) if check.verdict != "good"}


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_a_whole_project_is_good_and_a_repair_does_nothing(scored):
    assert verdicts(scored) == {}
    assert repair(scored) == []
    assert sorted(path.name for path in scored.root.glob("store*")) == ["store.duckdb"]


def test_losses_that_the_store_lacks_are_read_from_the_shards_and_a_copy_is_kept(scored):
    whole = read(scored, READ)
    with scored.store() as store, store.transaction() as cursor:
        cursor.execute("DELETE FROM losses WHERE sample_key < 100")
    assert verdicts(scored) == {"losses": "bad"}
    (said,) = repair(scored)
    assert said == "Read 1,200 losses from the shards; the old store is kept as store-before-repair.duckdb."
    assert read(scored, READ) == whole
    assert verdicts(scored) == {"copies": "note"}


def test_a_damaged_shard_is_set_aside_and_its_losses_stay(scored):
    whole = read(scored, READ)
    shard = next(scored.runs_dir.glob("r-0001/shards/*.parquet"))
    flip(shard, 200)
    assert verdicts(scored)["shards"] == "bad"
    (said,) = repair(scored)
    assert shard.name in said
    assert (shard.exists(), read(scored, READ) == whole) == (False, True)


@pytest.mark.parametrize("table", ["losses", "samples"])
def test_a_flipped_bit_in_the_store_costs_what_it_hit_and_no_more(scored, table):
    """Losses are read again from their shards, samples from the records of their rows."""
    whole, picks, samples = read(scored, READ), read(scored, PICKS), read(scored, SAMPLES)
    with scored.store() as store:
        store.checkpoint()
        blocks = [
            block
            for (block,) in store.cursor()
            .execute(f"SELECT DISTINCT block_id FROM pragma_storage_info('{table}') WHERE persistent AND block_id >= 0")
            .fetchall()
        ]
        ((size,),) = store.cursor().execute("SELECT block_size FROM pragma_database_size()").fetchall()
    release(scored.store_path)
    flip(scored.store_path, 3 * 4096 + max(blocks) * size + size // 3)
    assert verdicts(scored)["store"] == "bad"
    said = repair(scored)
    assert "kept as store-damaged.duckdb" in said[0]
    assert verdicts(scored).keys() <= {"copies"}
    assert read(scored, PICKS) == picks
    assert read(scored, "SELECT verdict, reason FROM decisions") == [("keep", "a good one")]
    assert (read(scored, READ), read(scored, SAMPLES)) == (whole, samples)


def test_a_store_that_does_not_open_gives_way_to_its_copy(scored):
    with scored.store() as store, store.transaction() as cursor:
        cursor.execute("DELETE FROM losses WHERE sample_key = 1")
    repair(scored)
    whole, picks = read(scored, READ), read(scored, PICKS)
    release(scored.store_path)
    scored.store_path.write_bytes(scored.store_path.read_bytes()[:5000])
    assert "replaces it with store-before-repair.duckdb" in next(
        c.repair for c in check_project(scored) if c.name == "store"
    )
    assert "It was replaced by store-before-repair.duckdb" in repair(scored)[0]
    assert (read(scored, READ), read(scored, PICKS)) == (whole, picks)


def test_without_a_copy_the_losses_come_back_after_the_same_import(tmp_path):
    project = scored_project(tmp_path / "p", {"chat": 50})
    whole = read(project, READ)
    release(project.store_path)
    project.store_path.write_bytes(b"nothing of a database")
    assert "Import the same files again" in repair(project)[0]
    import_file(project, ImportSpec(path=str(tmp_path / "chat.json"), domain="chat", format="alpaca"))
    assert repair(project)[0].startswith("Read 100 losses from the shards")
    assert read(project, READ) == whole
    assert status(project).n_scored == 50
    release(project.store_path)


@pytest.mark.parametrize("n_lost", [30, 50])
def test_rows_that_a_damaged_store_lost_come_back_by_an_update(tmp_path, n_lost):
    project = scored_project(tmp_path / "p", {"chat": 50})
    with project.store() as store, store.transaction() as cursor:
        cursor.execute("DELETE FROM rows WHERE row_index < ?", [n_lost])
    (said,) = [check.detail for check in check_project(project) if check.name == "rows"]
    assert said.startswith(f"only {50 - n_lost} of the 50 rows of chat are left; lobass import --update chat")
    found = compare_dataset(project, "chat", {"path": str(tmp_path / "chat.json")})
    assert (found.is_same, found.counts.n_new, found.counts.n_unchanged) == (False, n_lost, 50 - n_lost)
    update_dataset(project, found)
    assert status(project).n_scored == 50
    assert "rows" not in verdicts(project)
    release(project.store_path)


@pytest.mark.parametrize("seconds_ago", [90, -90], ids=["old", "from a clock that was set back"])
def test_an_export_that_the_log_lacks_is_added_and_leftovers_go(scored, seconds_ago):
    to = scored.exports_dir / "best"
    export(scored, ExportSpec("best", str(to), check=False))
    with scored.store() as store, store.transaction() as cursor:
        cursor.execute("DELETE FROM exports")
    left = [
        scored.root / ".store-v3.duckdb.77.tmp",
        scored.runs_dir / "r-0001" / "shards" / ".base.parquet.77.tmp",
        scored.runs_dir / ".new-run-77" / "input.parquet",
        scored.runs_dir / "r-0001" / "seed-0" / "epoch-1" / ".recipe.json.77.tmp",
        scored.root / ".store.duckdb.77.tmp.wal",
        scored.root / ".lobass-x1y2" / "store.duckdb",
        scored.exports_dir / ".next.99999999.01234567.lobass" / "train.jsonl",
        scored.root / "store.duckdb.tmp" / "duckdb_temp_99999999_0_storage_S32K-0.tmp",
    ]
    fresh = scored.runs_dir / "r-0001" / "shards" / ".reference.parquet.78.tmp"
    ours = scored.root / "store.duckdb.tmp" / f"duckdb_temp_{os.getpid()}_0_storage_S32K-0.tmp"
    for path in (*left, ours, fresh):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    written = time.time() - seconds_ago
    for path in (*left, ours, *(path.parent for path in left)):
        os.utime(path, (written, written))
    assert verdicts(scored) == {"exports": "bad", "leftovers": "note"}
    assert repair(scored) == [
        "Added the export exports/best to the log.",
        "Removed 8 half-written files and folders left by killed processes.",
    ]
    assert [(entry.selection_name, entry.n_rows) for entry in logged_exports(scored)] == [("best", 20)]
    assert (fresh.exists(), ours.exists(), any(path.exists() for path in left)) == (True, True, False)


def test_an_export_that_replaced_a_logged_one_is_added_too(scored):
    to = scored.exports_dir / "best"
    export(scored, ExportSpec("best", str(to), check=False))
    select_best(scored, 3, name="less")
    export(scored, ExportSpec("less", str(to), check=False, replace=True))
    with scored.store() as store, store.transaction() as cursor:
        cursor.execute("DELETE FROM exports WHERE selection_name = 'less'")
    assert repair(scored) == ["Added the export exports/best to the log."]
    assert [entry.selection_name for entry in logged_exports(scored)] == ["less", "best"]


def test_a_process_killed_while_it_saves_a_store_leaves_one(scored, monkeypatch):
    """Whatever happens between the two names, `store.duckdb` is there."""
    release(scored.store_path)
    scored.store_path.write_bytes(b"nothing of a database")
    seen = []
    replace = Path.replace

    def look(path: Path, target: Path) -> Path:
        seen.append(scored.store_path.exists())
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", look)
    repair(scored)
    assert seen and all(seen)


def test_an_export_that_was_about_to_be_replaced_is_put_back(scored):
    to = scored.exports_dir / "best"
    export(scored, ExportSpec("best", str(to), check=False))
    aside = scored.exports_dir / ".best.99999999.01234567.old.lobass"
    to.rename(aside)
    os.utime(aside, (time.time() - 90, time.time() - 90))
    repair(scored)
    assert (to / "manifest.json").is_file()


def test_a_read_only_project_is_checked_and_not_mended(scored):
    release(scored.store_path)
    with read_only(scored.root):
        assert verdicts(scored) == {}
        with pytest.raises(ReadOnlyError):
            repair(scored)
        release(scored.store_path)
