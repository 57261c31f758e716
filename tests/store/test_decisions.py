"""Decisions are appended once, the latest stands, and undoing brings back what stood before."""

import numpy as np
import pyarrow as pa
import pytest

from lobass_core.errors import RequestError
from lobass_core.store import standing
from lobass_core.store.browse import read_rows
from lobass_core.store.bulk_acts import decide_many
from lobass_core.store.chosen_records import standing_decisions
from lobass_core.store.counts import count_decided
from lobass_core.store.decisions import (
    DecisionAct,
    add_tag,
    append_decisions,
    decision_log,
    remove_tag,
    set_note,
)
from lobass_core.store.standing import standing_decisions_of, standing_verdicts_of, verdict_codes
from lobass_core.store.undo import undo_decision
from tests.store.conftest import add_file, sample

PAIRS = [("1+1", "2"), ("2+2", "4"), ("3+3", "6")]
IDS = [sample(*pair).sample_id for pair in PAIRS]


@pytest.fixture
def rows(store):
    add_file(store, "a", "math", PAIRS)
    return store


def decide(store, *acts: DecisionAct) -> int:
    with store.transaction() as cursor:
        return append_decisions(cursor, acts)


def verdicts(store) -> dict[str, str]:
    """Sample id -> keep or drop, where one stands."""
    standing = standing_decisions_of(store.cursor())
    return {IDS[one.sample_key]: one.text for one in standing if one.text != "undecided"}


def test_the_latest_verdict_stands(rows):
    decide(
        rows, DecisionAct("u1", 0, "keep", "good"), DecisionAct("u2", 1, "drop"), DecisionAct("u3", 0, "drop", "wrong")
    )
    assert verdicts(rows) == {IDS[0]: "drop", IDS[1]: "drop"}
    decide(rows, DecisionAct("u4", 1, "undecided"))
    assert verdicts(rows) == {IDS[0]: "drop"}


def test_an_act_sent_twice_is_one(rows):
    act = DecisionAct("u1", 0, "keep")
    assert decide(rows, act, act) == 1
    assert decide(rows, act, DecisionAct("u2", 1, "drop")) == 1
    assert [line.decision_id for line in decision_log(rows.cursor())] == ["u2", "u1"]


def test_undo_brings_back_what_stood_before(rows):
    decide(rows, DecisionAct("u1", 0, "keep"), DecisionAct("u2", 0, "drop"))
    with rows.transaction() as cursor:
        (undone,) = undo_decision(cursor).decisions
    assert (undone.decision_id, undone.verdict) == ("u2", "drop")
    assert verdicts(rows) == {IDS[0]: "keep"}
    with rows.transaction() as cursor:
        undo_decision(cursor, "u1")
    assert verdicts(rows) == {}
    with pytest.raises(RequestError, match="nothing to undo"), rows.transaction() as cursor:
        undo_decision(cursor)
    # The log keeps what was undone.
    assert [(line.decision_id, line.undone_at is not None) for line in decision_log(rows.cursor())] == [
        ("u2", True),
        ("u1", True),
    ]


def test_a_batch_is_undone_as_one(rows):
    decide(rows, DecisionAct("u1", 0, "keep"))
    with rows.transaction() as cursor:
        assert decide_many(cursor, "b1", np.array([0, 1, 2, 2]), "drop", "too short") == 3
        assert decide_many(cursor, "b1", np.array([0, 1]), "drop", "too short") == 0
    assert verdicts(rows) == dict.fromkeys(sorted(IDS), "drop")
    with rows.transaction() as cursor:
        assert len(undo_decision(cursor).decisions) == 3
    assert verdicts(rows) == {IDS[0]: "keep"}


def test_every_reader_tells_the_same_of_a_long_log(rows, monkeypatch):
    random = np.random.default_rng(7)
    stands: dict[int, str] = {}
    for number in range(60):
        key, verdict = int(random.integers(3)), ("keep", "drop", "undecided")[int(random.integers(3))]
        decide(rows, DecisionAct(f"u{number}", key, verdict, f"because {number}"))
        if number % 4 == 3:
            with rows.transaction() as cursor:
                undo_decision(cursor)
        else:
            stands[key] = f"{verdict}: because {number}"
    cursor = rows.cursor()
    told = standing_decisions_of(cursor)
    assert {one.sample_key: f"{one.text}: {one.reason}" for one in told} == stands
    assert standing_decisions_of(cursor, [2, 0, 2]) == [one for one in told if one.sample_key != 1]
    monkeypatch.setattr(standing, "_MOST_LISTED", 1)
    assert standing_decisions_of(cursor, [2, 0, 2]) == [one for one in told if one.sample_key != 1]
    verdict_of = {key: said.partition(":")[0] for key, said in stands.items()}
    codes = dict(zip(*(column.tolist() for column in verdict_codes(cursor)), strict=True))
    assert codes == {key: {"keep": 1, "drop": -1, "undecided": 0}[verdict] for key, verdict in verdict_of.items()}
    assert standing_verdicts_of(cursor, [0, 1, 2, 9]) == {**dict(sorted(verdict_of.items())), 9: "undecided"}
    assert {row.sample_key: row.verdict for row in read_rows(cursor, [0, 1, 2])} == verdict_of
    decided = {IDS[key]: verdict for key, verdict in verdict_of.items() if verdict != "undecided"}
    assert {one["sample_id"]: one["verdict"] for one in standing_decisions(cursor)} == decided
    assert count_decided(cursor, pa.table({"row_key": pa.array([0, 1, 2], pa.int64())})) == len(decided)


def test_tags_and_notes_are_once_each(rows):
    with rows.transaction() as cursor:
        add_tag(cursor, "t1", 0, "odd")
        add_tag(cursor, "t2", 0, "odd")
        add_tag(cursor, "t3", 1, "odd")
        remove_tag(cursor, 1, "odd")
        add_tag(cursor, "t4", 1, "odd")
        set_note(cursor, "n1", 0, "look again")
        set_note(cursor, "n1", 0, "look again")
    read = rows.cursor().execute
    assert read("SELECT tag_id FROM tags WHERE removed_at IS NULL ORDER BY ALL").fetchall() == [("t1",), ("t4",)]
    assert read("SELECT note FROM notes").fetchall() == [("look again",)]


def test_of_one_tag_set_twice_the_first_stands(rows):
    """Two samples that have become one bring the tags of both."""
    rows.cursor().executemany(
        "INSERT INTO tags (tag_id, sample_key, tag, made_at, author) VALUES (?, 0, 'good', ?, ?)",
        [("b", "2026-01-02", "second"), ("a", "2026-01-03", "third"), ("c", "2026-01-01", "first")],
    )
    assert [one.author for one in standing.standing_tags_of(rows.cursor())] == ["first"]
