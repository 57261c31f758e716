"""Exports with a validation split, or in the order of the ranks: files, settings for trainers, manifest and replay."""

import json
from pathlib import Path
from typing import get_args

import pyarrow.parquet as pq
import pytest
import yaml

from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.specs import ExportFormat, ExportSpec
from lobass_core.workflows.export import export, preview, replay
from tests.scored_files import import_and_score, select_all, write_jsonl

# Two words that no other row has: near duplicates are those meant to be.
MATH = [{"question": f"alpha{n} beta{n}?", "answer": f"gamma{n} delta{n}", "level": n} for n in range(20)]
TWINS = [{"question": "one two three four?", "answer": f"five six seven eight {n % 2}"} for n in range(4)]
PAIRS = [{"prompt": f"ask{n} say{n}", "chosen": f"yes{n}", "rejected": "no"} for n in range(10)]
CHATS = ("messages", "alpaca", "sharegpt", "prompt-completion", "source", "parquet", "huggingface", "axolotl")
SPLIT = {"validation": 0.2, "seed": 5}


@pytest.fixture
def filled(project: Project, tmp_path: Path) -> Project:
    """20 maths rows and 4 near duplicates as chats, and 10 pairs; the later the better. Selection `all`."""
    import_and_score(
        project,
        (write_jsonl(tmp_path / "math.jsonl", [*MATH, *TWINS]), "math"),
        (write_jsonl(tmp_path / "pairs.jsonl", PAIRS), "pairs"),
    )
    select_all(project)
    return project


def _export(project: Project, to: Path, format: str, **more):
    return export(project, ExportSpec(selection="all", to=str(to), format=format, check=False, **more))  # type: ignore[arg-type]


def _rows(path: Path) -> list[dict]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".json":
        return json.loads(path.read_text())
    return [json.loads(line) for line in path.read_text().splitlines()]


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_split_is_the_same_in_every_format_and_no_group_is_in_both(filled, tmp_path):
    splits = []
    for format in ("messages", "trl", "parquet"):
        receipt = _export(filled, tmp_path / format, format, **SPLIT)
        manifest = json.loads((tmp_path / format / "manifest.json").read_text())
        assert manifest["export"]["validation"] == {"asked": 0.2, "seed": 5}
        assert manifest["written"]["n_validation"] == receipt.n_validation
        splits.append(manifest["picks"]["split"])
    assert splits[0] == splits[1] == splits[2]
    of_chats, of_pairs = splits[0][:24], splits[0][24:]
    assert (of_chats.count("validation"), of_pairs.count("validation")) == (5, 2)
    assert len(set(of_chats[20:])) == 1
    assert len(_rows(tmp_path / "trl" / "train.jsonl")) == 19
    assert len(_rows(tmp_path / "trl" / "validation.jsonl")) == 5
    assert len(_rows(tmp_path / "trl" / "preference.jsonl")) == 8
    assert len(_rows(tmp_path / "trl" / "preference-validation.jsonl")) == 2


@pytest.mark.parametrize("format", get_args(ExportFormat))
def test_replay_gives_the_same_bytes(filled, tmp_path, format):
    more = SPLIT if format == "source" else {**SPLIT, "order": "rank"}
    first = _export(filled, tmp_path / "one", format, with_dropped=True, **more)
    again = replay(filled, tmp_path / "one" / "manifest.json", tmp_path / "two")
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "two")
    assert (again.n_validation, again.n_written) == (first.n_validation, first.n_written)
    assert first.n_validation in (5, 7)


@pytest.mark.parametrize("format", CHATS)
def test_readers_find_both_splits_by_the_card(filled, tmp_path, monkeypatch, format):
    import datasets

    datasets.disable_progress_bars()
    receipt = _export(filled, tmp_path / "out", format, **SPLIT)
    found = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(rows) for name, rows in found.items()} == {"train": 19, "validation": 5}
    assert receipt.n_validation in (5, 7)
    if format == "huggingface":
        scores = datasets.load_dataset(str(tmp_path / "out"), "scores", cache_dir=str(tmp_path / "cache"))
        assert {name: len(rows) for name, rows in scores.items()} == {"train": 27, "validation": 7}


def test_each_trainer_is_given_the_validation_rows(filled, tmp_path):
    for format in ("trl", "axolotl", "llama-factory", "alpaca", "tokens"):
        _export(filled, tmp_path / format, format, **SPLIT)
    script = (tmp_path / "trl" / "train.py").read_text()
    assert "tested = load_dataset(\"json\", data_files=str(HERE / 'validation.jsonl')" in script
    assert "eval_dataset=tested" in script and 'eval_strategy="epoch"' in script
    axolotl = yaml.safe_load((tmp_path / "axolotl" / "axolotl.yml").read_text())
    (trained,), (tested,) = axolotl["datasets"], axolotl["test_datasets"]
    assert tested == trained | {"path": "validation.jsonl", "split": "train"}
    pairs = yaml.safe_load((tmp_path / "axolotl" / "axolotl-preference.yml").read_text())
    assert pairs["test_datasets"] == [pairs["datasets"][0] | {"path": "preference-validation.jsonl"}]
    info = json.loads((tmp_path / "llama-factory" / "dataset_info.json").read_text())
    assert {name: entry["file_name"] for name, entry in info.items()} == {
        "curated": "train.json",
        "curated_preference": "preference.json",
        "curated_validation": "validation.json",
        "curated_preference_validation": "preference-validation.json",
    }
    assert info["curated_validation"] == info["curated"] | {"file_name": "validation.json"}
    assert "`eval_dataset: curated_validation`" in (tmp_path / "llama-factory" / "README.md").read_text()
    assert list(json.loads((tmp_path / "alpaca" / "dataset_info.json").read_text())) == [
        "curated",
        "curated_validation",
    ]
    rows = [len(_rows(tmp_path / "tokens" / f"{split}.parquet")) for split in ("train", "validation")]
    assert rows == [19, 5]
    assert '("train", "validation")' in (tmp_path / "tokens" / "save_tokenized.py").read_text()


def test_rank_puts_the_best_first_in_every_file(filled, tmp_path):
    for format in ("parquet", "huggingface", "trl"):
        _export(filled, tmp_path / format, format, order="rank", **SPLIT)
    names = ("train.parquet", "validation.parquet", "preference.parquet", "preference-validation.parquet")
    ranks = {name: [row["rank"] for row in _rows(tmp_path / "parquet" / name)] for name in names}
    assert all(of_file == sorted(of_file) for of_file in ranks.values())
    assert sorted(rank for of_file in ranks.values() for rank in of_file) == list(range(1, 35))
    for split in ("train", "validation"):
        scored = [row["rank"] for row in _rows(tmp_path / "huggingface" / "scores" / f"{split}.parquet")]
        assert scored == sorted(scored)
    chats = [row["level"] for row in _rows(tmp_path / "parquet" / "train.parquet") if row["level"] is not None]
    assert chats == sorted(chats, reverse=True)
    manifest = json.loads((tmp_path / "trl" / "manifest.json").read_text())
    assert manifest["export"]["order"] == "rank, the best first" and manifest["picks"]["rank"] == list(range(1, 35))
    assert "class InOrder(SFTTrainer):" in (tmp_path / "trl" / "train.py").read_text()
    assert "sorted by score, best first" in (tmp_path / "trl" / "README.md").read_text()


def test_what_near_duplicates_and_refusals_take_from_the_split_is_said(filled, tmp_path):
    receipt = _export(filled, tmp_path / "out", "messages", validation=7, seed=5)
    (note,) = [note for note in receipt.notes if "validation" in note]
    assert note.startswith("5 rows are set aside for validation instead of 7")


def test_the_preview_shows_both_splits_and_the_best_row_first(filled):
    spec = ExportSpec(selection="all", to="-", format="trl", order="rank", **SPLIT)  # type: ignore[arg-type]
    found = preview(filled, spec)
    names = [file.name for file in found.files]
    assert names[:4] == ["train.jsonl", "validation.jsonl", "preference.jsonl", "preference-validation.jsonl"]
    written = preview(filled, ExportSpec(selection="all", to="-", format="parquet", order="rank"))
    assert json.loads(written.first_record)["rank"] == 11  # the ten pairs are better, and in another file


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan"), float("inf")])
def test_a_split_that_is_no_share_and_no_number_is_refused(value):
    with pytest.raises(RequestError, match="neither a share of the rows nor a number"):
        ExportSpec(selection="all", to="-", validation=value)


def test_source_rows_are_not_ranked():
    with pytest.raises(RequestError, match="keep the order of their files"):
        ExportSpec(selection="all", to="-", format="source", order="rank")
