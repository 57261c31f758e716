"""The study's rows: the numbers that are promised, no near duplicate across the split, and damage as described."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import study_pool
from lobass_core.similarity.near_duplicates import duplicate_groups

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
