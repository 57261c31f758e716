"""The whole job from the command line: import, train, score, select, export, replay; on a tiny model."""

import json
import math

import pyarrow.parquet as pq
import pytest

from tests.models import tiny_llama

COLUMNS = [
    "dataset",
    "row_index",
    "sample_id",
    "domain",
    "base_loss",
    "reference_loss",
    "n_response_tokens",
    "n_response_bytes",
    "base_bits_per_byte",
    "reference_bits_per_byte",
    "learnability",
    "status",
    "flags",
]


def write_files(folder):
    math = [{"question": f"What is {n} plus {n + 1}?", "answer": f"It is {2 * n + 1}, by addition."} for n in range(30)]
    talk = [
        {
            "instruction": f"Name animal number {n}.",
            "input": "" if n % 2 else "Briefly.",
            "output": "A fox " * (1 + n % 4),
        }
        for n in range(20)
    ]
    (folder / "math.jsonl").write_text("\n".join(json.dumps(row) for row in math) + "\n{broken\n")
    (folder / "talk.json").write_text(json.dumps(talk))


def test_the_whole_job(lobass, tmp_path):
    write_files(tmp_path)
    base = tiny_llama(tmp_path / "base")
    project = ("--project", tmp_path / "p")
    assert lobass("init", tmp_path / "p").exit_code == 0
    imported = lobass("import", tmp_path / "math.jsonl", *project, "--domain", "math", "--json")
    assert (imported.exit_code, imported.json["n_imported"], imported.json["n_rejected"]) == (0, 30, 1)
    assert lobass("import", tmp_path / "talk.json", *project, "--domain", "conversation").exit_code == 0

    trained = lobass("train-reference", *project, "--base", base, "--name", "ref", "--max-tokens", "128", "--json")
    assert trained.exit_code == 0, trained.err
    scored = lobass("score", *project, "--base", base, "--reference", "ref", "--json")
    assert scored.exit_code == 0, scored.err
    assert scored.json["n_computed"] == 100
    again = lobass("score", *project, "--base", base, "--reference", "ref", "--json")
    assert (again.json["n_computed"], again.json["n_known"]) == (0, 100)

    for ending in ("parquet", "csv", "jsonl"):
        assert lobass("scores", *project, "--to", tmp_path / f"scores.{ending}").exit_code == 0
    scores = pq.read_table(tmp_path / "scores.parquet")
    assert scores.column_names == COLUMNS
    assert scores.num_rows == 50
    for row in scores.to_pylist():
        assert row["learnability"] == pytest.approx((row["base_loss"] - row["reference_loss"]) / row["base_loss"])
        nats = row["base_loss"] * row["n_response_tokens"]
        assert row["base_bits_per_byte"] == pytest.approx(nats / math.log(2) / row["n_response_bytes"])
    flags = [row["flags"].split(",") for row in scores.to_pylist()]
    held_out = pq.read_table(tmp_path / "p" / "models" / "ref" / "held_out.parquet")
    assert sum("unseen_by_reference" in found for found in flags) == again.json["n_unseen"] == held_out.num_rows > 0
    assert sum("worse_than_chance" in found for found in flags) == again.json["n_worse_than_chance"] > 0
    assert any("worse than chance" in warning for warning in again.json["warnings"])
    lines = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    assert [line["sample_id"] for line in lines] == scores["sample_id"].to_pylist()

    # The base is random, and so no better than chance.
    wanted = ("--ratio", "0.2", "--balance", "equal", "--keep-worse-than-chance")
    selected = lobass("select", *project, *wanted, "--name", "fifth", "--json")
    assert selected.json["n_kept"] == 10
    assert {share["domain"]: share["got"] for share in selected.json["domains"]} == {"conversation": 5, "math": 5}
    assert lobass("select", *project, "--ratio", "0.2", "--name", "fifth").exit_code == 2

    exported = lobass(
        "export", *project, "--selection", "fifth", "--to", tmp_path / "out", "--format", "messages", "--json"
    )
    assert exported.exit_code == 0, exported.err
    assert exported.json["n_written"] == 10
    replayed = lobass("export", *project, "--replay", tmp_path / "out" / "manifest.json", "--to", tmp_path / "again")
    assert replayed.exit_code == 0, replayed.err
    for file in exported.json["files"]:
        assert (tmp_path / "again" / file["name"]).read_bytes() == (tmp_path / "out" / file["name"]).read_bytes()

    status = lobass("status", *project, "--rejects", tmp_path / "rejects.csv", "--json")
    assert status.json["n_rejected"] == 1
    assert "math" in (tmp_path / "rejects.csv").read_text()
    assert len(lobass("runs", *project, "--json").json) == 3


def test_an_import_can_be_taken_back(lobass, tmp_path):
    write_files(tmp_path)
    project = ("--project", tmp_path / "p")
    lobass("init", tmp_path / "p")
    assert lobass("import", tmp_path / "math.jsonl", *project, "--domain", "math").exit_code == 0
    assert lobass("undo-import", "math", *project).exit_code == 0
    assert lobass("status", *project, "--json").json["n_rows"] == 0
    assert lobass("undo-import", "math", *project).exit_code in (1, 2)
