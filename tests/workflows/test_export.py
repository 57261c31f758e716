"""Export, replay and their log over a project with imported and scored files."""

import contextlib
import csv
import errno
import gzip
import hashlib
import json
import math
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.errors import ExportError, LobassError, SelectionError
from lobass_core.exporting.manifest import manifest_text, plan_of
from lobass_core.exporting.parquet_layouts import scores_table
from lobass_core.project import Project
from lobass_core.specs import ExportSpec, ImportSpec, ModelSpec, TrainReferenceSpec
from lobass_core.store.decisions import DecisionAct, append_decisions
from lobass_core.store.scorings import list_scorings, register_scoring
from lobass_core.workflows import select as selecting
from lobass_core.workflows.export import export, past_exports, preflight, preflights, replay
from lobass_core.workflows.import_data import import_file
from tests.scored_files import CHATML, import_and_score, select_all, select_best, write_jsonl

pytestmark = pytest.mark.usefixtures("no_checks")

FORMATS = (
    "messages",
    "alpaca",
    "sharegpt",
    "prompt-completion",
    "source",
    "parquet",
    "huggingface",
    "axolotl",
    "llama-factory",
    "trl",
    "tokens",
)
MATH = [{"question": f"{n}+{n}?", "answer": str(2 * n), "level": n} for n in range(6)]
CHAT = [
    {
        "messages": [{"role": "user", "content": f"Hi {n}"}, {"role": "assistant", "content": f"Hello {n}"}],
        "id": f"c{n}",
    }
    for n in range(4)
]


@pytest.fixture
def filled(project: Project, tmp_path: Path) -> Project:
    """Six maths rows and four chats, scored; the later the better. Selections `all` and `best` (the upper half)."""
    import_and_score(
        project,
        (write_jsonl(tmp_path / "math.jsonl", MATH), "math"),
        (write_jsonl(tmp_path / "chat.jsonl", CHAT), "conversation"),
    )
    select_all(project)
    select_best(project, 5)
    return project


def _lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_messages_in_the_order_of_the_files(filled, tmp_path):
    receipt = export(filled, ExportSpec(selection="best", to=str(tmp_path / "out")))
    rows = _lines(tmp_path / "out" / "train.jsonl")
    # Some rows have an id, others a level: in a column of their own they would be missing from the first rows.
    assert rows == [
        *({"messages": row["messages"], "metadata": json.dumps({"id": row["id"]})} for row in CHAT),
        {
            "messages": [{"role": "user", "content": "5+5?"}, {"role": "assistant", "content": "10"}],
            "metadata": '{"level": 5}',
        },
    ]
    assert (receipt.n_selected, receipt.n_written, receipt.not_written) == (5, 5, {})
    assert receipt.left_out == {"below the cut": 5}
    assert [file.name for file in receipt.files] == ["train.jsonl", "chat_template.jinja", "README.md", "manifest.json"]
    assert (tmp_path / "out" / "chat_template.jinja").read_text() == CHATML


def test_the_receipt_is_what_the_disk_holds(filled, tmp_path):
    receipt = export(filled, ExportSpec(selection="all", to=str(tmp_path / "out"), format="trl"))
    for file in receipt.files:
        data = (tmp_path / "out" / file.name).read_bytes()
        assert (file.n_bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert receipt.n_bytes == sum(map(len, _bytes(tmp_path / "out").values()))
    assert set(_bytes(tmp_path / "out")) == {file.name for file in receipt.files}


def test_manifest(filled, tmp_path):
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "out"), license="mit", languages=("en", "de")))
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [(source["dataset"], source["file_name"], source["n_rows"]) for source in manifest["sources"]] == [
        ("chat", "chat.jsonl", 4),
        ("math", "math.jsonl", 6),
    ]
    assert manifest["models"]["base"] == {"name": "tiny", "fingerprint": "base0000base0000", "revision": ""}
    assert manifest["models"]["render_fingerprint"] == "rend0000rend0000"
    assert manifest["formula"]["text"] == "(base_loss - reference_loss) / base_loss"
    assert manifest["selection"]["seed"] == 0 and manifest["selection"]["spec"]["value"] == 5
    assert {share["domain"]: (share["asked"], share["got"]) for share in manifest["selection"]["domains"]} == {
        "conversation": (4, 4),
        "math": (1, 1),
    }
    assert manifest["counts"] == {
        "n_considered": 10,
        "n_selected": 5,
        "n_by_hand": 0,
        "left_out": {"below the cut": 5},
    }
    assert manifest["picks"]["row_index"] == [0, 1, 2, 3, 5]
    assert manifest["picks"]["rank"] == [4, 3, 2, 1, 5]
    assert manifest["picks"]["base_loss"] == [2.0] * 5
    assert "made_at" not in json.dumps(manifest) and str(tmp_path) not in json.dumps(manifest)
    card = (tmp_path / "out" / "README.md").read_text()
    assert 'license: "mit"\n' in card and 'language:\n- "en"\n- "de"\n' in card


@pytest.mark.parametrize("format", FORMATS)
def test_replay_gives_the_same_bytes_after_everything_changed(filled, tmp_path, format):
    spec = ExportSpec(selection="best", to=str(tmp_path / "one"), format=format, with_dropped=True)
    first = export(filled, spec)
    ids = json.loads((tmp_path / "one" / "manifest.json").read_text())["picks"]["sample_id"]
    with filled.store() as store, store.transaction() as cursor:
        keys = cursor.execute("SELECT sample_key FROM samples WHERE sample_id = ?", [ids[0]]).fetchall()
        append_decisions(cursor, [DecisionAct("d1", keys[0][0], "drop", "boring")])
    selecting.delete(filled, "best")
    import_file(filled, ImportSpec(path=str(write_jsonl(tmp_path / "more.jsonl", MATH[:2])), domain="more"))
    again = replay(filled, tmp_path / "one" / "manifest.json", tmp_path / "two")
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "two")
    assert again.manifest_sha256 == first.manifest_sha256


def test_replay_in_another_project_that_holds_the_files_under_other_names(filled, tmp_path):
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "one"), format="huggingface"))
    other = Project.create(tmp_path / "other")
    import_file(other, ImportSpec(path=str(tmp_path / "math.jsonl"), domain="numbers", name="renamed"))
    with pytest.raises(ExportError, match=r"does not contain chat\.jsonl .*4 rows"):
        replay(other, tmp_path / "one" / "manifest.json", tmp_path / "two")
    assert not (tmp_path / "two").exists()
    import_file(other, ImportSpec(path=str(tmp_path / "chat.jsonl"), domain="talk"))
    replay(other, tmp_path / "one" / "manifest.json", tmp_path / "two")
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "two")


def test_a_replay_that_comes_out_different_is_refused(filled, tmp_path):
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "one")))
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text())
    manifest["files"][0]["sha256"] = "0" * 64
    (tmp_path / "altered.json").write_text(json.dumps(manifest))
    with pytest.raises(ExportError, match=r"same bytes: train\.jsonl"):
        replay(filled, tmp_path / "altered.json", tmp_path / "two")
    assert not (tmp_path / "two").exists()


def test_a_replay_may_explain_itself_in_other_words(filled, tmp_path):
    """README and scripts of an export change between versions; the rows and what a trainer is told do not."""
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "one"), format="trl"))
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text())
    for entry in manifest["files"]:
        if entry["name"] in ("README.md", "train.py"):
            entry["sha256"] = "0" * 64
    (tmp_path / "earlier.json").write_text(json.dumps(manifest))
    again = replay(filled, tmp_path / "earlier.json", tmp_path / "two")
    assert again.notes[-1:] == ("not the same text as in the earlier export: README.md, train.py",)
    assert _bytes(tmp_path / "two") == _bytes(tmp_path / "one")


def test_a_manifest_of_another_layout_is_refused_by_name(filled, tmp_path):
    """Its bytes could not come out: an older one was written with other columns."""
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "one"), format="trl"))
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text())
    written = manifest["export"].pop("layout")
    assert written > 1
    path = tmp_path / "m.json"
    path.write_text(json.dumps(manifest))
    with pytest.raises(ExportError, match=f"layout 1 of trl; this program writes layout {written}"):
        replay(filled, path, tmp_path / "two")
    assert not (tmp_path / "two").exists()


def test_the_manifest_says_how_the_tokens_were_made(filled, tmp_path):
    recipe = {"epochs": 2.0, "learning_rate": 1e-4, "seed": 3, "n_samples_trained": 7, "losses": [1], "base": "/m/tiny"}
    folder = filled.models_dir / "tuned"
    folder.mkdir(parents=True)
    trained = TrainReferenceSpec(ModelSpec("/m/tiny"), "tuned", datasets=("math",))
    (folder / "recipe.json").write_text(json.dumps(recipe | {"spec": trained.to_dict()}))
    with filled.store() as store, store.transaction() as cursor:
        (scoring,) = list_scorings(cursor)
        spec = replace(scoring.spec, references=(ModelSpec(str(folder)),))
        base = replace(scoring.result.base, info=replace(scoring.result.base.info, revision="abc123"))
        result = replace(scoring.result, base=base, mask_rule="last", max_tokens=512)
        register_scoring(cursor, scoring.run_id, spec, result, Path("no folds"))
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "out"), format="trl"))
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["render"] == {
        "fingerprint": "rend0000rend0000",
        "template": "chatml",
        "template_sha256": hashlib.sha256(CHATML.encode()).hexdigest(),
        "mask_rule": "last",
        "max_tokens": 512,
        "truncation_side": "right",
        "chat_template": CHATML,
        "answer_ending": "",
    }
    assert manifest["models"]["base"]["revision"] == "abc123"
    assert manifest["models"]["reference"]["recipe"] == {
        "epochs": 2.0,
        "learning_rate": 1e-4,
        "seed": 3,
        "n_samples_trained": 7,
        "base": "tiny",
        "datasets": ["math"],
        "folds": 1,
    }
    assert 'mask_rule="last"' in (tmp_path / "out" / "train.py").read_text().replace("'", '"')


def test_tokens_are_those_that_were_scored(filled, tmp_path):
    receipt = export(filled, ExportSpec(selection="best", to=str(tmp_path / "out"), format="tokens"))
    assert (receipt.n_written, receipt.not_written) == (5, {})
    rows = pq.read_table(tmp_path / "out" / "train.parquet").to_pylist()
    assert rows[4] == {
        "input_ids": [*map(ord, "5+5?"), *range(370, 380)],
        "attention_mask": [1] * 14,
        "labels": [*[-100] * 4, *range(370, 380)],
    }
    shutil.rmtree(next(filled.runs_dir.glob("r-*")) / "tokens")
    with pytest.raises(ExportError, match="no row fits the format tokens: its tokens are not on disk"):
        export(filled, ExportSpec(selection="best", to=str(tmp_path / "again"), format="tokens"))


@pytest.mark.parametrize(("format", "file"), [("huggingface", "scores/train.parquet"), ("parquet", "train.parquet")])
def test_losses_are_in_bits_a_byte_too(filled, tmp_path, format, file):
    """Ten tokens of ten bytes: a nat a token is a nat a byte. Where the bytes are not known there is no number."""
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "out"), format=format, check=False))
    table = pq.read_table(tmp_path / "out" / file)
    assert table["n_response_bytes"].to_pylist() == [10] * 5
    for part in ("base", "reference"):
        nats = table[f"{part}_loss"].to_pylist()
        assert table[f"{part}_bits_per_byte"].to_pylist() == [loss * 10 / (10 * math.log(2)) for loss in nats]
    plan = plan_of(json.loads((tmp_path / "out" / "manifest.json").read_text()), "here")
    bare = scores_table(replace(plan, picks=plan.picks.drop_columns(["n_response_bytes"])))
    assert bare["base_bits_per_byte"].null_count == bare["n_response_bytes"].null_count == 5


def test_manifests_from_before_the_bytes_give_their_bytes_or_are_refused(filled, tmp_path):
    for format in ("messages", "parquet"):
        export(filled, ExportSpec(selection="best", to=str(tmp_path / format), format=format, check=False))
        manifest = json.loads((tmp_path / format / "manifest.json").read_text())
        del manifest["picks"]["n_response_bytes"]
        manifest["export"]["layout"] = 2
        (tmp_path / f"{format}.json").write_bytes(manifest_text(manifest))
    replay(filled, tmp_path / "messages.json", tmp_path / "again")
    before, again = _bytes(tmp_path / "messages"), _bytes(tmp_path / "again")
    assert again.pop("manifest.json") == (tmp_path / "messages.json").read_bytes()
    assert again.items() <= before.items()
    with pytest.raises(ExportError, match="layout 2 of parquet; this program writes layout 3"):
        replay(filled, tmp_path / "parquet.json", tmp_path / "refused")


def test_fields_whose_name_is_taken_are_written_under_another(project, tmp_path):
    """None overwrites ours, none is lost."""
    rows = [{"prompt": f"{n}?", "completion": "!", "dataset": "own", "score": n, "sample_id": "s"} for n in range(3)]
    import_and_score(project, (write_jsonl(tmp_path / "rows.jsonl", rows), "d"))
    select_all(project)
    receipt = export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format="parquet"))
    table = pq.read_table(tmp_path / "out" / "train.parquet")
    assert table["dataset"].to_pylist() == ["rows"] * 3
    assert table["source_dataset"].to_pylist() == ["own"] * 3
    assert table["source_score"].to_pylist() == [0, 1, 2]
    assert "the field 'score' is written as 'source_score'" in "; ".join(receipt.notes)


def test_each_source_has_a_configuration_and_the_first_opens_by_itself(filled, tmp_path):
    export(filled, ExportSpec(selection="all", to=str(tmp_path / "out"), format="source"))
    card = (tmp_path / "out" / "README.md").read_text()
    assert [line for line in card.splitlines() if "config_name" in line or "path:" in line] == [
        '- config_name: "default"',
        '    path: "chat.jsonl"',
        '- config_name: "math"',
        '    path: "math.jsonl"',
    ]


def test_alpaca_and_sharegpt_name_their_columns_for_llama_factory(project, tmp_path):
    chat = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}
    rows = [{"messages": [{"role": "system", "content": "Be brief."}, *chat, *chat]}, {"messages": list(chat)}]
    pair = {"prompt": "p", "chosen": "good", "rejected": "bad"}
    import_and_score(
        project,
        (write_jsonl(tmp_path / "chat.jsonl", rows), "chat"),
        (write_jsonl(tmp_path / "pairs.jsonl", [pair]), "pairs"),
    )
    select_all(project)
    for format in ("alpaca", "sharegpt", "llama-factory"):
        export(project, ExportSpec(selection="all", to=str(tmp_path / format), format=format))
    alpaca = json.loads((tmp_path / "alpaca" / "dataset_info.json").read_text())["curated"]
    assert alpaca["columns"] == {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "system": "system",
        "tools": None,
        "history": "history",
    }
    first, second = json.loads((tmp_path / "alpaca" / "train.json").read_text())
    assert (first["system"], first["history"]) == ("Be brief.", [["Hi", "Hello"]])
    assert (second["system"], second["history"]) == ("", [])
    sharegpt = json.loads((tmp_path / "sharegpt" / "dataset_info.json").read_text())["curated"]
    assert sharegpt["tags"]["role_tag"] == "from" and sharegpt["columns"]["messages"] == "conversations"
    card = (tmp_path / "llama-factory" / "README.md").read_text()
    assert "`dataset: curated`, `dataset: curated_preference`" in card


def test_damaged_and_newer_manifests(filled, tmp_path):
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "one")))
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text())
    path = tmp_path / "m.json"
    path.write_text(json.dumps(manifest | {"lobass_manifest": 99}))
    with pytest.raises(ExportError, match="version 99"):
        replay(filled, path, tmp_path / "two")
    path.write_text(json.dumps({key: value for key, value in manifest.items() if key != "picks"}))
    with pytest.raises(ExportError, match="damaged"):
        replay(filled, path, tmp_path / "two")


def test_dropped_rows_have_their_reasons_and_records(filled, tmp_path):
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "out"), with_dropped=True))
    rows = _lines(tmp_path / "out" / "dropped.jsonl")
    assert [(row["dataset"], row["row_index"], row["domain"], row["reason"]) for row in rows] == [
        ("math", n, "math", "below the cut") for n in range(5)
    ]
    assert [json.loads(row["record"]) for row in rows] == MATH[:5]


def test_decisions_stand_in_the_manifest(filled, tmp_path):
    with filled.store() as store, store.transaction() as cursor:
        rows = cursor.execute("SELECT sample_key, sample_id FROM samples ORDER BY sample_key").fetchall()
        acts = [
            DecisionAct("k", rows[0][0], "keep", "rare", author="anna"),
            DecisionAct("d", rows[9][0], "drop", "wrong"),
        ]
        append_decisions(cursor, acts)
    select_best(filled, 5, name="decided")
    export(filled, ExportSpec(selection="decided", to=str(tmp_path / "out"), with_dropped=True))
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert {one.pop("sample_id"): one for one in manifest["decisions"]} == {
        rows[0][1]: {"verdict": "keep", "reason": "rare", "author": "anna"},
        rows[9][1]: {"verdict": "drop", "reason": "wrong", "author": ""},
    }
    reasons = dict(zip(manifest["picks"]["sample_id"], manifest["picks"]["reason"], strict=True))
    assert reasons[rows[0][1]] == "kept by hand"
    assert manifest["counts"]["n_by_hand"] == 1
    assert manifest["counts"]["left_out"] == {"below the cut": 4, "dropped by hand": 1}


def test_rows_that_do_not_fit_are_listed(project, tmp_path):
    odd = {
        "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}, CHAT[0]["messages"][0]]
    }
    import_and_score(project, (write_jsonl(tmp_path / "chat.jsonl", [*CHAT, odd]), "conversation"))
    select_all(project)
    receipt = export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format="alpaca"))
    reason = "user and assistant do not take turns, as Alpaca requires"
    assert (receipt.n_selected, receipt.n_written, receipt.not_written) == (5, 4, {reason: 1})
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["written"]["not_written"] == [{"dataset": "chat", "row_index": 4, "reason": reason}]


def test_a_format_that_none_fits_writes_nothing(project, tmp_path):
    import_and_score(project, (write_jsonl(tmp_path / "texts.jsonl", [{"text": "Once upon a time."}]), "stories"))
    select_all(project)
    with pytest.raises(ExportError, match="no row fits the format sharegpt: a text sample is not a conversation"):
        export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format="sharegpt"))
    assert not (tmp_path / "out").exists()


def test_source_gives_back_the_very_bytes(project, tmp_path):
    odd = '{"prompt": "NaN?",   "completion": "ja \\u00fc \\ud83d", "x": NaN, "n": 1.50}\n'
    text = odd + "\n" + json.dumps({"prompt": "a\u2028b", "completion": "c"}, ensure_ascii=False) + "\n"
    (tmp_path / "odd.jsonl").write_text(text, encoding="utf-8")
    first, second = (
        '{\n    "instruction": "I",\n    "input": "",\n    "output": "O"\n  }',
        '{"instruction": "J", "output": "P"}',
    )
    array = f"[\n  {first},\n  {second}\n]"
    (tmp_path / "array.json").write_text(array, encoding="utf-8")
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress(b'{"prompt": "p", "completion": "q"}\n'))
    import_and_score(project, *((tmp_path / name, "d") for name in ("odd.jsonl", "array.json", "packed.jsonl.gz")))
    select_all(project)
    export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format="source"))
    out = tmp_path / "out"
    assert (out / "odd.jsonl").read_text(encoding="utf-8") == text.replace("\n\n", "\n")
    assert (out / "array.json").read_text() == f"[\n{first},\n{second}\n]\n"
    assert (out / "packed.jsonl").read_bytes() == b'{"prompt": "p", "completion": "q"}\n'


def test_a_dataset_of_several_files_is_written_file_by_file_and_replayed_from_elsewhere(project, tmp_path):
    for number in (1, 2, 3):
        columns = {
            "prompt": [f"file {number}, row {row}" for row in range(number)],
            "response": ["r"] * number,
            "tiny": pa.array([number] * number, pa.int8()),
        }
        table = pa.table(columns)
        (tmp_path / "set").mkdir(exist_ok=True)
        pq.write_table(table, tmp_path / f"set/part-{number}.parquet")
    import_and_score(project, (tmp_path / "set", "d"))
    select_best(project, 4)  # the last row of the second file, and the third file
    out = tmp_path / "out"
    export(project, ExportSpec(selection="best", to=str(out), format="source"))
    manifest = json.loads((out / "manifest.json").read_text())
    assert [(one["dataset"], one["file_name"], one["n_rows"], one["first_row"]) for one in manifest["sources"]] == [
        ("set", "part-1.parquet", 1, 0),
        ("set", "part-2.parquet", 2, 1),
        ("set", "part-3.parquet", 3, 3),
    ]
    digests = [hashlib.sha256((tmp_path / f"set/part-{n}.parquet").read_bytes()).hexdigest() for n in (1, 2, 3)]
    assert [one["sha256"] for one in manifest["sources"]] == digests
    assert manifest["picks"]["source"] == [1, 2, 2, 2]
    second, third = pq.read_table(out / "part-2.parquet"), pq.read_table(out / "part-3.parquet")
    assert second["prompt"].to_pylist() == ["file 2, row 1"]
    assert third.equals(pq.read_table(tmp_path / "set/part-3.parquet"))
    other = Project.create(tmp_path / "other")
    for number in (3, 2, 1):
        import_file(other, ImportSpec(str(tmp_path / f"set/part-{number}.parquet"), domain="d"))
    replay(other, out / "manifest.json", tmp_path / "again")
    assert _bytes(tmp_path / "again") == _bytes(out)


def test_source_tables_keep_header_cells_and_types(project, tmp_path):
    cells = [["prompt", "response", "note"], ['say "hi"', "a,b\nc", ""], ["1", "2", "ü"]]
    with (tmp_path / "t.csv").open("w", encoding="utf-16", newline="") as file:
        csv.writer(file).writerows(cells)
    table = pa.table(
        {
            "prompt": ["p", "q", "r"],
            "response": ["1", "2", "3"],
            "n": pa.array([1, 2, 3], pa.int8()),
            "raw": pa.array([b"\xff", b"", None], pa.binary()),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=1)
    import_and_score(project, (tmp_path / "t.csv", "d"), (tmp_path / "t.parquet", "d"))
    select_best(project, 4)  # all but the first row of the CSV file
    export(project, ExportSpec(selection="best", to=str(tmp_path / "out"), format="source"))
    with (tmp_path / "out" / "t.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [cells[0], cells[2]]
    assert pq.read_table(tmp_path / "out" / "t.parquet").equals(table)
    (tmp_path / "t.parquet").unlink()
    receipt = export(project, ExportSpec(selection="best", to=str(tmp_path / "again"), format="source"))
    assert "no longer at the path it was imported from" in receipt.notes[0]
    assert pq.read_table(tmp_path / "again" / "t.parquet")["prompt"].to_pylist() == ["p", "q", "r"]


def test_a_full_disk_leaves_no_half_file(filled, tmp_path, monkeypatch):

    from lobass_core.exporting.data_file import DataFile

    def full(self: DataFile, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    export(filled, ExportSpec(selection="all", to=str(tmp_path / "out")))
    before = _bytes(tmp_path / "out")
    monkeypatch.setattr(DataFile, "write", full)
    for format in FORMATS:
        with pytest.raises(ExportError, match="disk is full"):
            export(filled, ExportSpec(selection="best", to=str(tmp_path / "out"), format=format, replace=True))
    assert _bytes(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_export_that_cannot_be_logged_is_not_kept(filled, tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("lobass_core.workflows.export.log_export", full)
        with pytest.raises(LobassError, match="the disk is full"):
            export(filled, ExportSpec("all", str(tmp_path / "out")))
    assert (list(tmp_path.glob("out*")), list(tmp_path.glob(".out*")), past_exports(filled)) == ([], [], [])


def test_an_export_that_cannot_take_its_place_is_not_in_the_log(filled, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("lobass_core.exporting.destination._take_place", full)
        with pytest.raises(ExportError, match="the disk is full"):
            export(filled, ExportSpec("all", str(tmp_path / "out")))
    assert (list(tmp_path.glob("out*")), list(tmp_path.glob(".out*")), past_exports(filled)) == ([], [], [])
    assert export(filled, ExportSpec("all", str(tmp_path / "out"))).n_written
    assert len(past_exports(filled)) == 1


def test_bytes_that_the_disk_gives_back_wrong_are_noticed(filled, tmp_path, monkeypatch):
    from lobass_core.exporting import verify as verifying

    monkeypatch.setattr(verifying, "file_sha256", lambda path: (1, "0" * 64))
    with pytest.raises(ExportError, match="failed verification"):
        export(filled, ExportSpec(selection="all", to=str(tmp_path / "out")))
    assert not (tmp_path / "out").exists()


def test_destinations_that_the_project_needs_are_refused(filled):
    for folder in (filled.root, filled.exports_dir, filled.runs_dir, filled.models_dir):
        with pytest.raises(ExportError, match="project uses this folder"):
            export(filled, ExportSpec(selection="all", to=str(folder)))
    export(filled, ExportSpec(selection="all", to=str(filled.exports_dir / "one")))
    assert (filled.exports_dir / "one" / "train.jsonl").is_file()


def test_no_such_selection(filled, tmp_path):
    with pytest.raises(SelectionError, match="no selection 'other'"):
        export(filled, ExportSpec(selection="other", to=str(tmp_path / "out")))


def test_progress_ends_at_all_rows(filled, tmp_path):
    seen: list[tuple[int, int]] = []
    export(filled, ExportSpec(selection="all", to=str(tmp_path / "out"), format="trl"), lambda *pair: seen.append(pair))
    assert seen[-1] == (20, 20)


def test_past_exports_know_what_became_of_their_files(filled, tmp_path):
    for name in ("kept", "edited", "replaced", "gone"):
        export(filled, ExportSpec(selection="all", to=str(tmp_path / name)))
    assert {entry.state for entry in past_exports(filled)} == {"matches disk"}
    with (tmp_path / "edited" / "train.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(ExportError, match="another export, of selection 'all' as messages"):
        export(filled, ExportSpec(selection="best", to=str(tmp_path / "replaced")))
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "replaced"), replace=True))
    for file in (tmp_path / "gone").iterdir():
        file.unlink()
    states = [
        (Path(entry.logged.folder).name, entry.logged.selection_name, entry.state) for entry in past_exports(filled)
    ]
    assert states == [
        ("replaced", "best", "matches disk"),
        ("gone", "all", "gone"),
        ("replaced", "all", "replaced"),
        ("edited", "all", "changed on disk"),
        ("kept", "all", "matches disk"),
    ]
    assert [entry.changed for entry in past_exports(filled)] == [(), (), (), ("train.jsonl",), ()]


def test_the_log_keeps_no_picks(filled, tmp_path):
    export(filled, ExportSpec(selection="all", to=str(tmp_path / "out"), with_dropped=True))
    (entry,) = past_exports(filled)
    assert "picks" not in entry.logged.manifest and "dropped" not in entry.logged.manifest
    assert entry.logged.manifest["counts"]["n_selected"] == 10 and entry.logged.n_rows == 10


def test_preflights_of_all_formats_over_one_reading(filled):
    found = preflights(filled, ExportSpec(selection="all", to="-", cutoff_tokens=12))
    assert set(found) == set(FORMATS)
    assert {name: (one.n_rows, one.n_left) for name, one in found.items()} == {
        **dict.fromkeys(FORMATS, (10, 10)),
        "axolotl": (10, 0),
    }
    assert preflight(filled, ExportSpec(selection="best", to="-", format="trl")).n_rows == 5


def test_tools_calls_pairs_and_texts_go_into_files_of_their_own(project, tmp_path):
    pair = {"prompt": "p", "chosen": "good", "rejected": "bad", "source": "x"}
    import_and_score(
        project,
        (write_jsonl(tmp_path / "chat.jsonl", CHAT), "chat"),
        (write_jsonl(tmp_path / "pairs.jsonl", [pair]), "pairs"),
        (write_jsonl(tmp_path / "texts.jsonl", [{"text": "Once."}]), "stories"),
    )
    select_all(project)
    for format, files in (
        (
            "trl",
            {"train.jsonl": 4, "preference.jsonl": 1, "text.jsonl": 1, "train.py": 0, "chat_template.jinja": 0},
        ),
        ("llama-factory", {"train.json": 4, "preference.json": 1, "text.json": 1, "dataset_info.json": 0}),
        (
            "huggingface",
            {
                "data/train.parquet": 4,
                "data/preference.parquet": 1,
                "data/text.parquet": 1,
                "scores/train.parquet": 6,
                "chat_template.jinja": 0,
            },
        ),
    ):
        receipt = export(project, ExportSpec(selection="all", to=str(tmp_path / format), format=format))
        assert {file.name: file.rows for file in receipt.files[:-2]} == files
    info = json.loads((tmp_path / "llama-factory" / "dataset_info.json").read_text())
    assert info["curated_preference"]["ranking"] is True
    assert set(info["curated"]["columns"]) == {"messages", "system", "tools"}
    assert info["curated"]["tags"] == {
        "role_tag": "role",
        "content_tag": "content",
        "user_tag": "user",
        "assistant_tag": "assistant",
        "observation_tag": "tool",
        "function_tag": "function_call",
        "system_tag": "system",
    }
    for entry in info.values():
        (row, *_) = json.loads((tmp_path / "llama-factory" / entry["file_name"]).read_text())
        assert {column for column in entry["columns"].values() if column} <= set(row)


def test_axolotl_fragment(filled, tmp_path):
    export(filled, ExportSpec(selection="all", to=str(tmp_path / "out"), format="axolotl"))
    text = (tmp_path / "out" / "axolotl.yml").read_text()
    import yaml

    assert yaml.safe_load(text) == {
        "chat_template": "jinja",
        "chat_template_jinja": "chat_template.jinja",
        "datasets": [
            {
                "path": "train.jsonl",
                "ds_type": "json",
                "type": "chat_template",
                "field_messages": "messages",
                "field_tools": "tools",
                "message_property_mappings": {"role": "role", "content": "content"},
                "roles_to_train": ["assistant"],
                "train_on_eos": "turn",
            }
        ],
    }
    assert [row["messages"][0]["content"] for row in _lines(tmp_path / "out" / "train.jsonl")][:2] == ["Hi 0", "Hi 1"]


def test_a_disk_that_is_really_full(filled, tmp_path):
    """A file system of 64 kB: the data do not fit, nothing is left, and the earlier export stands."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system can be mounted by root only")
    try:
        export(filled, ExportSpec(selection="best", to=str(disk / "out")))
        before = _bytes(disk / "out")
        with contextlib.suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(b"x" * 1024)
        (disk / "ballast").write_bytes((disk / "ballast").read_bytes()[4096:])
        for format in FORMATS:
            with pytest.raises(ExportError, match="disk is full"):
                export(filled, ExportSpec(selection="all", to=str(disk / "out"), format=format, replace=True))
            assert _bytes(disk / "out") == before
        assert sorted(path.name for path in disk.iterdir()) == ["ballast", "out"]
        with pytest.raises(ExportError, match="mount point"):
            export(filled, ExportSpec(selection="best", to=str(disk)))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_axolotl_is_told_which_turns_to_leave_out_and_how_to_read_pairs(project, tmp_path):
    weighted = {"messages": [*CHAT[0]["messages"], *CHAT[1]["messages"]]}
    weighted["messages"][1] = weighted["messages"][1] | {"weight": 0}
    pair = {"prompt": "p", "chosen": "good", "rejected": "bad"}
    import_and_score(
        project,
        (write_jsonl(tmp_path / "chat.jsonl", [weighted]), "chat"),
        (write_jsonl(tmp_path / "pairs.jsonl", [pair]), "pairs"),
    )
    select_all(project)
    export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format="axolotl"))
    assert "    message_field_training: training\n" in (tmp_path / "out" / "axolotl.yml").read_text()
    (row,) = pq.read_table(tmp_path / "out" / "train.parquet").to_pylist()
    assert [message["training"] for message in row["messages"]] == [None, False, None, True]
    pairs = (tmp_path / "out" / "axolotl-preference.yml").read_text()
    assert "rl: dpo\n" in pairs and "    field_chosen: chosen\n    field_rejected: rejected\n" in pairs
