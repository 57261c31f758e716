"""The study's rows: the numbers that are promised, no near duplicate across the split, and damage as described."""

import argparse
import importlib
import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import study_pool
from lobass_core.similarity.near_duplicates import duplicate_groups
from tests.models import tiny_llama

DOMAINS = ("conversation", "mathematics")
pytestmark = pytest.mark.real_data

# Four characters a token: no tokenizer is needed to tell short rows from long ones.
SHORT = SimpleNamespace(
    render=lambda samples: [
        SimpleNamespace(status="ok" if sum(len(turn.content) for turn in one.turns) < 1000 else "truncated")
        for one in samples
    ]
)


@pytest.fixture(scope="module")
def rows(real_data):
    return study_pool.study_rows(real_data, SHORT)


def _answer(sample):
    return sample.turns[-1].content


def _text(row):
    return "\n".join(turn.content for turn in row.sample.turns)


def test_parts_have_their_numbers_and_share_no_near_duplicate_with_the_pool(rows):
    counts = Counter((row.part, row.set_name) for row in rows)
    assert counts == {
        ("pool", "conversation"): 500,
        ("pool", "mathematics"): 500,
        **{("held out", name): 100 for name in ("conversation", "mathematics", "gsm8k_test", "dolly_3k")},
        ("further", "conversation"): 30,
        ("further", "mathematics"): 30,
    }
    assert len({row.sample.sample_id for row in rows}) == len(rows)
    groups = duplicate_groups([_text(row) for row in rows])
    in_pool = np.array([row.part == "pool" for row in rows])
    assert not set(groups[in_pool]) & set(groups[~in_pool])


def test_three_tenths_are_damaged_each_in_its_way(rows, real_data):
    pool = [row for row in rows if row.part == "pool"]
    bad = study_pool.with_bad_rows(pool, real_data)
    assert Counter(row.damage for row in bad) == {
        "": 700, "swapped": 76, "cut": 74, "other language": 74, "shuffled": 76,
    }  # fmt: skip
    whole = {row.sample.sample_id: row.sample for row in pool}
    answers = {domain: {_answer(row.sample) for row in pool if row.set_name == domain} for domain in DOMAINS}
    for row in bad:
        source = whole[row.stands_for or row.sample.sample_id]
        answer, before = _answer(row.sample), _answer(source)
        assert row.sample.turns[:-1] == source.turns[:-1]
        if row.damage == "swapped":
            assert answer != before and answer in answers[row.set_name]
        elif row.damage == "cut":
            assert before.startswith(answer) and len(answer) == max(1, len(before) // 2)
        elif row.damage == "shuffled":
            assert sorted(answer.split()) == sorted(before.split())
    foreign = [_answer(row.sample) for row in bad if row.damage == "other language"]
    # A few answers of that file are formulas or code.
    assert sum(any("\u4e00" <= letter <= "\u9fff" for letter in answer) for answer in foreign) >= 70


@pytest.mark.thorough
def test_a_study_chooses_its_recipe_trains_every_arm_once_and_goes_on_where_it_stopped(
    real_data, tmp_path, monkeypatch
):
    monkeypatch.setenv("LOBASS_REAL_DATA", str(real_data))
    monkeypatch.syspath_prepend(str(Path(study_pool.__file__).parent))
    pool, lab, study = (importlib.import_module(name) for name in ("study_pool", "study_lab", "study"))
    for name, n in (("N_POOL", 12), ("N_HELD_OUT", 3), ("N_FURTHER", 3)):
        monkeypatch.setattr(pool, name, n)
    monkeypatch.setattr(study, "RATES", (1e-3, 1e-1))
    torch.set_num_threads(1)
    arguments = argparse.Namespace(
        model=tiny_llama(tmp_path / "base"), name="tiny", results=tmp_path / "results", work=tmp_path, workers=1
    )

    def run() -> list[dict]:
        study.Study(lab.StudyLab(arguments), (1.0, 2.0)).run([study.Part("clean", 0.5, 1)])
        return json.loads((tmp_path / "results" / "tiny" / "index.json").read_text(encoding="utf-8"))

    entries = run()
    counts = Counter(entry["arm"] for entry in entries)
    assert counts["random"] == 5 and counts["length-matched"] == 3 and counts["reference"] == 3
    assert counts["rate 0.001"] == counts["epochs 2"] == counts["full"] == counts["base"] == 1
    keys = {entry["key"] for entry in entries}
    assert {path.stem for path in (tmp_path / "results" / "tiny" / "arms").iterdir()} == keys
    (full,) = (entry["key"] for entry in entries if entry["arm"] == "full")
    (in_sample,) = (
        entry["key"] for entry in entries if entry["reference"] == "in-sample" and entry["arm"] == "reference"
    )
    assert full == in_sample
    # Each arm holds half of the pool, and what is finished is not trained again.
    assert {
        entry["n_rows"] for entry in entries if entry["budget"] == 0.5 and entry["arm"] not in ("reference", "full")
    } == {12}
    monkeypatch.setattr(lab.StudyLab, "train", lambda *_: pytest.fail("a finished arm was trained again"))
    assert run() == entries
