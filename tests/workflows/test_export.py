"""Exports of a selection: rows, receipt, manifest, and the numbers beside the rows."""

import hashlib
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lobass_core.errors import ExportError, SelectionError
from lobass_core.exporting.manifest import plan_of
from lobass_core.exporting.parquet_layouts import scores_table
from lobass_core.specs import ExportSpec, ModelSpec, TrainReferenceSpec
from lobass_core.store.decisions import DecisionAct, append_decisions
from lobass_core.store.scorings import list_scorings, register_scoring
from lobass_core.workflows.export import export
from tests.exported_project import (
    CHAT,
    MATH,
    contents_of,
    records_in,
)
from tests.scored_files import CHATML, import_and_score, select_all, select_best, write_jsonl

pytestmark = pytest.mark.usefixtures("no_checks")


def test_messages_in_the_order_of_the_files(filled, tmp_path):
    receipt = export(filled, ExportSpec(selection="best", to=str(tmp_path / "out")))
    rows = records_in(tmp_path / "out" / "train.jsonl")
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
    assert receipt.n_bytes == sum(map(len, contents_of(tmp_path / "out").values()))
    assert set(contents_of(tmp_path / "out")) == {file.name for file in receipt.files}


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


def test_dropped_rows_have_their_reasons_and_records(filled, tmp_path):
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "out"), with_dropped=True))
    rows = records_in(tmp_path / "out" / "dropped.jsonl")
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


def test_no_such_selection(filled, tmp_path):
    with pytest.raises(SelectionError, match="no selection 'other'"):
        export(filled, ExportSpec(selection="other", to=str(tmp_path / "out")))


def test_progress_ends_at_all_rows(filled, tmp_path):
    seen: list[tuple[int, int]] = []
    export(filled, ExportSpec(selection="all", to=str(tmp_path / "out"), format="trl"), lambda *pair: seen.append(pair))
    assert seen == [(10, 10)]
