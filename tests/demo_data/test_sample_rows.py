"""The sample rows are what they were planted as, varied, and the same for the same seed."""

import json
import re
from collections import Counter

import pytest

from lobass_core.demo_data.learnable_conversation import LEARNABLE_CONVERSATION
from lobass_core.demo_data.phrases import say
from lobass_core.demo_data.sample_files import write_sample_files
from lobass_core.demo_data.sample_rows import MIXTURES, base_exchanges, sample_rows

DOMAINS = ("conversation", "math")


@pytest.mark.parametrize("domain", DOMAINS)
def test_each_kind_has_its_number_of_rows(domain):
    mixture = MIXTURES[domain]
    kinds = Counter(row.planted for row in sample_rows(domain, 0))
    assert kinds == {**dict(mixture.to_make()), "duplicate": mixture.duplicate}
    assert sum(kinds.values()) == mixture.n_rows


def test_a_share_has_every_kind_in_the_same_proportions(tmp_path):
    assert Counter(row.planted for row in sample_rows("conversation", 0, 0.25)) == {
        "known": 75, "partly-known": 28, "learnable": 55, "noise": 28, "short": 10, "duplicate": 10,
    }  # fmt: skip
    assert {row.planted for row in sample_rows("math", 0, 0.001)} == {row.planted for row in sample_rows("math", 0)}
    assert [file.n_rows for file in write_sample_files(tmp_path, 0, 0.25)] == [206, 165]


@pytest.mark.parametrize("domain", DOMAINS)
def test_only_the_planted_duplicates_repeat(domain):
    rows = sample_rows(domain, 0)
    fresh = [row.exchange for row in rows if row.planted != "duplicate"]
    assert len(set(fresh)) == len(fresh)
    copies = [row.exchange for row in rows if row.planted == "duplicate"]
    assert set(copies) <= set(fresh) and len(set(copies)) == len(copies)


@pytest.mark.parametrize("domain", DOMAINS)
def test_texts_are_finished_sentences_without_left_over_slots(domain):
    for row in sample_rows(domain, 0):
        text = f"{row.exchange.prompt}\n{row.exchange.response}"
        assert not re.search(r"[{}|]|  |\bNone\b", text), text
        assert row.exchange.instruction[0].isupper() and row.exchange.instruction[-1] in ".?'", row
        assert row.exchange.response.strip() == row.exchange.response != ""


@pytest.mark.parametrize("domain", DOMAINS)
def test_short_answers_are_short_and_the_others_are_not(domain):
    for row in sample_rows(domain, 0):
        n_words = len(row.exchange.response.split())
        assert (n_words == 1) if row.planted == "short" else (row.planted == "duplicate" or n_words >= 6)


def test_worked_solutions_are_right():
    n_checked = 0
    for row in sample_rows("math", 0):
        if row.planted in ("noise", "duplicate"):
            continue
        python = row.exchange.response.replace("×", "*").replace("÷", "/").replace("−", "-")
        sides = r"([\d(][\d ()*+/-]*[\d)]) (?:=|leaves|→) (\d[\d ()*+/-]*\d|\d)"
        for left, right in re.findall(sides, python):
            assert eval(left) == eval(right), row.exchange.response
            n_checked += 1
    assert n_checked > 800


def test_seeds_repeat_and_differ():
    assert sample_rows("math", 0) == sample_rows("math", 0)
    assert sample_rows("math", 0) != sample_rows("math", 1)
    assert base_exchanges(50, 0) == base_exchanges(50, 0)


def test_the_base_reads_nothing_of_the_learnable_topics():
    text = "\n".join(f"{item.prompt}\n{item.response}" for item in base_exchanges(9000, 0))
    for word in ("Harlow", "Marrow Bay", "allotment", "In finance", "sale price", "fencing", "Net rate", "unit method"):
        assert word not in text, word


def test_the_invented_world_agrees_with_itself():
    fares: dict[str, set[str]] = {}
    for row in sample_rows("conversation", 0):
        for island, fare in re.findall(
            r"(?:Ferries to|The|Boats for) ([A-Z][\w ]+?) (?:ferry )?(?:depart|leave).* ([\d.]+) pounds",
            row.exchange.response,
        ):
            fares.setdefault(island, set()).add(fare)
    assert len(fares) >= 4
    assert all(len(values) == 1 for values in fares.values()), fares
    assert len(LEARNABLE_CONVERSATION) == 4


def test_files_are_the_same_bytes_and_hold_the_broken_records(tmp_path):
    conversation, math = write_sample_files(tmp_path / "a", 0)
    again = write_sample_files(tmp_path / "b", 0)
    assert [file.path.read_bytes() for file in again] == [file.path.read_bytes() for file in (conversation, math)]
    records = json.loads(conversation.path.read_text(encoding="utf-8"))
    assert len(records) == conversation.n_rows + conversation.n_broken == 825
    assert sum(isinstance(record, dict) and record.get("planted") != "broken" for record in records) == 820
    lines = math.path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == math.n_rows + math.n_broken == 665


def test_choices_may_hold_choices_and_slots_are_taken_as_they_are():
    import random

    texts = {say(random.Random(seed), "[a|b [c|{x}]]!", x="[d|e]") for seed in range(60)}
    assert texts == {"a!", "b c!", "b [d|e]!"}
