"""A project that version 1 left behind opens with everything in it: see `old_projects/make_v1.py` for what that is."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from lobass_core.formats.detect import Detection, parse_row
from lobass_core.formats.raw_records import decode_line
from lobass_core.learnability.response_bytes import n_response_bytes
from lobass_core.project import Project
from lobass_core.specs import ExportSpec
from lobass_core.store import decisions, exports, scorings, selections
from lobass_core.store.browse import read_rows
from lobass_core.store.chosen_records import standing_decisions
from lobass_core.store.connection import Store, release
from lobass_core.store.datasets import list_datasets
from lobass_core.store.rebuild import rebuild_losses
from lobass_core.store.rejects import rejects
from lobass_core.store.scored_rows import score_rows
from lobass_core.workflows.export import export
from lobass_core.workflows.row_table import open_rows
from lobass_core.workflows.token_heat import read_token_losses
from tests.store.old_projects import unpack

# The first row, under the first scoring: summed nats and tokens of its response.
FIRST_LOSS, FIRST_TOKENS = 1018.7028846740723, 155
# Tables that an update only adds to or leaves alone, whatever the readers of the day make of the records.
KEPT = (
    "datasets", "rejects", "models", "losses", "ingested_shards", "scoring_runs", "reference_models", "selections",
    "exports",
)  # fmt: skip


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory):
    """The project and what its own version read from it."""
    project, facts = unpack("project-v1", tmp_path_factory.mktemp("old"))
    yield project, facts
    release(project.store_path)


@pytest.fixture
def store(old: tuple[Project, dict]):
    with old[0].store() as held:
        yield held


@pytest.fixture
def facts(old: tuple[Project, dict]) -> dict:
    return old[1]


def table(facts: dict, name: str) -> list[dict]:
    """A table as version 1 held it."""
    kept = facts["tables"][name]
    return [dict(zip(kept["columns"], row, strict=True)) for row in kept["rows"]]


def row_ids(store: Store) -> dict[int, str]:
    """row_key -> sample id, now."""
    return dict(
        store.cursor().execute("SELECT row_key, sample_id FROM rows JOIN samples USING (sample_key)").fetchall()
    )


def ids_then(facts: dict) -> dict[int, str]:
    """row_key -> sample id, under version 1."""
    ids = {sample["sample_key"]: sample["sample_id"] for sample in table(facts, "samples")}
    return {row["row_key"]: ids[row["sample_key"]] for row in table(facts, "rows")}


def test_the_tables_hold_what_they_held(store: Store, facts: dict):
    for name in KEPT:
        columns = facts["tables"][name]["columns"]
        now = store.cursor().execute(f"SELECT {', '.join(columns)} FROM {name} ORDER BY ALL").fetchall()
        assert [list(row) for row in now] == facts["tables"][name]["rows"], name
    found = {name: len(table(facts, name)) for name in ("datasets", "rejects", "losses", "selections", "exports")}
    assert found == {"datasets": 6, "rejects": 3, "losses": 320, "selections": 6, "exports": 2}


def test_scorings_have_their_losses_by_name(store: Store, facts: dict):
    cursor = store.cursor()
    refined = {row["scoring_id"]: (row["base_fp"], row["reference_fp"]) for row in table(facts, "refinements")}
    expected = [
        (one["scoring_id"], part, one[f"{part}_name"], one[f"{part}_fp"], one["render_fp"],
         dict(zip(("base", "reference"), refined.get(one["scoring_id"], ("", "")), strict=True))[part])
        for one in table(facts, "scorings") for part in ("base", "reference")
    ]  # fmt: skip
    assert len(refined) == 1
    assert cursor.execute("SELECT * FROM loss_columns ORDER BY scoring_id, name").fetchall() == sorted(expected)
    now = cursor.execute("SELECT scoring_id, run_id FROM refinements").fetchall()
    assert now == [(row["scoring_id"], row["run_id"]) for row in table(facts, "refinements")]


def test_every_row_is_there_with_its_record_and_reads_as_an_import_would_read_it_now(store: Store, facts: dict):
    names = [name for name in facts["tables"]["rows"]["columns"] if name not in ("sample_key", "is_duplicate")]
    now = store.cursor().execute(f"SELECT {', '.join(names)} FROM rows ORDER BY row_key").fetchall()
    then = sorted(tuple(row[name] for name in names) for row in table(facts, "rows"))
    assert now == then and len(now) == 56
    datasets = {
        one.dataset_id: Detection(one.format, json.loads(one.mapping), "", 1.0) for one in list_datasets(store.cursor())
    }
    read = {
        row["row_key"]: parse_row(decode_line(row["source"]), datasets[row["dataset_id"]]).sample.sample_id
        for row in table(facts, "rows")
    }
    assert row_ids(store) == read


def test_duplicates_are_those_of_the_present_samples(store: Store):
    ids = row_ids(store)
    cursor = store.cursor()
    first = Counter[str]()
    for row_key, is_duplicate in cursor.execute(
        "SELECT row_key, is_duplicate FROM rows JOIN datasets USING (dataset_id) ORDER BY domain, name, row_index"
    ).fetchall():
        assert is_duplicate == (first[ids[row_key]] > 0)
        first[ids[row_key]] += 1


def test_two_rows_that_differ_in_their_reasoning_alone_are_two_samples_with_the_same_acts(store: Store):
    cursor = store.cursor()
    keys = [
        key
        for (key,) in cursor.execute(
            "SELECT row_key FROM rows JOIN datasets USING (dataset_id) WHERE name = 'chats of ours'"
            " AND row_index IN (3, 4) ORDER BY row_index"
        ).fetchall()
    ]
    islands = read_rows(cursor, keys)
    assert len({row.sample_id for row in islands}) == 2
    assert [json.loads(row.turns)[1]["reasoning_content"] for row in islands] == [
        "A small one, far out.", "Shetland has many.",
    ]  # fmt: skip
    for row in islands:
        assert (row.verdict, row.reason, row.tags) == ("keep", "an island", ("check",))
        assert (row.note, row.is_duplicate) == ("two thoughts, one answer", False)


def test_decisions_tags_and_notes_stand_on_the_rows_they_stood_on(store: Store, facts: dict):
    verdicts = {one["sample_id"]: one["verdict"] for one in standing_decisions(store.cursor())}
    then, now = ids_then(facts), row_ids(store)
    for row_key, sample_id in then.items():
        assert verdicts.get(now[row_key]) == facts["verdicts"].get(sample_id), row_key
    assert sorted(facts["verdicts"].values()) == ["drop", "drop", "keep", "keep", "keep", "keep"]
    log = {entry.decision_id: entry for entry in decisions.decision_log(store.cursor())}
    for entry in facts["log"]:
        here = log[entry["decision_id"]].to_dict()
        for name in ("verdict", "reason", "made_at", "batch_id", "undone_at"):
            assert here[name] == entry[name]
    assert sum(entry.undone_at is not None for entry in log.values()) == 3
    by_key = {row.row_key: row for row in read_rows(store.cursor(), list(now))}
    tagged = {row["sample_key"]: row["tag"] for row in table(facts, "tags") if row["removed_at"] is None}
    keys = {row["row_key"]: row["sample_key"] for row in table(facts, "rows")}
    noted = {key: note for key, note in _last_notes(facts).items() if note}
    for row_key, row in by_key.items():
        assert row.tags == ((tagged[keys[row_key]],) if keys[row_key] in tagged else ())
        assert row.note == noted.get(keys[row_key], "")
    assert set(noted.values()) == {"written as 3.10", "two thoughts, one answer", "second"}


def _last_notes(facts: dict) -> dict[int, str]:
    """The note that stood on each sample: "second" was written after "first", and "" took one back."""
    order = {"second": 1, "": 1}
    rows = sorted(table(facts, "notes"), key=lambda row: order.get(row["note"], 0))
    return {row["sample_key"]: row["note"] for row in rows}


def test_losses_of_every_scoring_are_the_same_numbers(store: Store, facts: dict):
    then, now = ids_then(facts), row_ids(store)
    found = {one.run_id: one for one in scorings.list_scorings(store.cursor())}
    assert {run_id: one.refined_by for run_id, one in found.items()} == {"r-0001": "", "r-0002": "r-0003", "r-0005": ""}
    n_equal = 0
    for run_id, scoring in found.items():
        rows = {row["row_key"]: row for row in score_rows(store.cursor(), scoring).to_pylist()}
        for row in facts["scorings"][run_id]["losses"]:
            if then[row["row_key"]] == now[row["row_key"]]:
                for name in ("base_loss_sum", "base_n_tokens", "base_status", "reference_loss_sum", "n_prompt_tokens"):
                    assert rows[row["row_key"]][name] == row[name]
                n_equal += 1
    assert n_equal == 3 * sum(then[key] == now[key] for key in then) > 120
    first = score_rows(store.cursor(), found["r-0001"]).to_pylist()[0]
    assert (first["base_loss_sum"], first["base_n_tokens"]) == pytest.approx((FIRST_LOSS, FIRST_TOKENS), abs=1e-9)


def test_scorings_have_the_time_of_their_runs(old: tuple[Project, dict], store: Store):
    said = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8"))["finished_at"]
        for path in old[0].runs_dir.glob("r-*/progress.json")
    }
    found = scorings.list_scorings(store.cursor())
    assert [(one.run_id, one.made_at) for one in found] == [(run, said[run]) for run in ("r-0005", "r-0002", "r-0001")]
    registered = dict(store.cursor().execute("SELECT * FROM registered_runs").fetchall())
    assert registered == {run: said[run] for run in ("r-0001", "r-0002", "r-0003", "r-0005")}


def test_response_bytes_come_from_the_token_files(old: tuple[Project, dict], store: Store):
    cursor = store.cursor()
    assert cursor.execute("SELECT count(*) FROM losses WHERE n_response_bytes IS NULL").fetchone() == (0,)
    by_hand = {}
    for path in old[0].runs_dir.glob("r-*/tokens/*.parquet"):
        for row in pq.read_table(path).to_pylist():
            parts = (np.array(row[name]) for name in ("token_starts", "token_ends", "response_mask"))
            by_hand[row["sample_id"], row["render_fp"]] = n_response_bytes(row["text"], *parts)
    stored = cursor.execute(
        "SELECT DISTINCT sample_id, render_fp, n_response_bytes FROM losses JOIN samples USING (sample_key)"
        " WHERE n_tokens > 0"
    ).fetchall()
    assert {(sample_id, render_fp): n for sample_id, render_fp, n in stored} == by_hand
    answer = cursor.execute(
        "SELECT DISTINCT n_response_bytes FROM losses JOIN samples USING (sample_key) WHERE response_text = '16'"
    ).fetchall()
    # The answer with the end marker, "</s>" or "<|im_end|>".
    assert sorted(answer) == [(2 + 4,), (2 + 10,)]


def test_selections_and_their_picks_are_the_same_rows(store: Store, facts: dict):
    cursor, now = store.cursor(), row_ids(store)
    found = [*selections.list_selections(cursor), *selections.list_selections(cursor, deleted=True)]
    assert [one.to_dict() for one in found] == [{**one, "n_gone": 0} for one in facts["selections"]]
    assert [one.name for one in found if one.deleted_at] == ["set aside", "by hand"]
    keys = dict(cursor.execute("SELECT row_key, sample_key FROM rows").fetchall())
    for one in found:
        picks = selections.selection_picks(cursor, one.selection_id).to_pylist()
        then = facts["picks"][str(one.selection_id)]
        assert [{**pick, "sample_key": 0} for pick in picks] == [{**pick, "sample_key": 0} for pick in then]
        assert all(keys[pick["row_key"]] == pick["sample_key"] for pick in picks)
    assert len(now) == 56


def test_exports_are_logged(store: Store, facts: dict):
    logged = exports.list_exports(store.cursor())
    assert [entry.to_dict() for entry in logged] == facts["exports"]
    assert [(entry.selection_name, entry.format, entry.n_rows) for entry in logged] == [
        ("everything", "source", 53), ("best", "messages", 16),
    ]  # fmt: skip


def test_what_the_old_project_holds_can_be_worked_with(old: tuple[Project, dict], tmp_path: Path):
    project, _ = old
    receipt = export(project, ExportSpec("best", str(tmp_path / "best"), "messages"))
    assert receipt.n_written == 16
    rows = open_rows(project, "r-0001")
    heat = read_token_losses(project, rows, int(rows.table.sample_key[0]))
    scored = [loss for loss in heat.base if loss is not None]
    assert (sum(scored), len(scored)) == pytest.approx((FIRST_LOSS, FIRST_TOKENS), abs=1e-3)
    assert [row[0] for row in rejects_of(project)] == ["conversation", "math", "math"]


def rejects_of(project: Project) -> list[tuple]:
    with project.store() as store:
        return rejects(store.cursor())


def test_losses_read_again_from_the_run_folders_are_the_same(old: tuple[Project, dict]):
    project, _ = old
    sql = "SELECT * FROM losses ORDER BY ALL"
    with project.store() as store:
        before = store.cursor().execute(sql).fetchall()
        assert rebuild_losses(store, project.runs_dir) == 320
        assert store.cursor().execute(sql).fetchall() == before


def test_what_was_decided_before_authors_were_kept_is_of_somebody_unknown(store: Store, facts: dict):
    cursor = store.cursor()
    for name in ("decisions", "tags", "notes"):
        assert facts["tables"][name]["rows"]
        assert cursor.execute(f"SELECT DISTINCT author FROM {name}").fetchall() == [("",)]
    assert {one.author for one in decisions.decision_log(cursor)} == {""}
