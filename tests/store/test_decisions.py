"""Decisions are appended once, the latest stands, and undoing brings back what stood before."""

import numpy as np
import pytest

from lobass_core.errors import RequestError
from lobass_core.store.bulk_acts import decide_many
from lobass_core.store.decisions import (
    DecisionAct,
    add_tag,
    append_decisions,
    decision_log,
    remove_tag,
    set_note,
    standing_verdicts,
)
from lobass_core.store.scorings import Scoring, score_rows
from lobass_core.store.undo import undo_decision
from tests.run_specs import A_SCORING, score_result
from tests.store.conftest import add_file, sample

PAIRS = [("1+1", "2"), ("2+2", "4"), ("3+3", "6")]
IDS = [sample(*pair).sample_id for pair in PAIRS]
NOTHING_SCORED = Scoring(1, "r-0001", "B", "R", "render", "b", "r", A_SCORING, score_result("B", "R", "render"), "")


@pytest.fixture
def rows(store):
    add_file(store, "a", "math", PAIRS)
    return store


def decide(store, *acts: DecisionAct) -> int:
    with store.transaction() as cursor:
        return append_decisions(cursor, acts)


def test_the_latest_verdict_stands(rows):
    decide(
        rows, DecisionAct("u1", 0, "keep", "good"), DecisionAct("u2", 1, "drop"), DecisionAct("u3", 0, "drop", "wrong")
    )
    assert standing_verdicts(rows.cursor()) == {IDS[0]: "drop", IDS[1]: "drop"}
    decide(rows, DecisionAct("u4", 1, "undecided"))
    assert standing_verdicts(rows.cursor()) == {IDS[0]: "drop"}
    assert score_rows(rows.cursor(), NOTHING_SCORED)["decision"].to_pylist() == [-1, 0, 0]


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
    assert standing_verdicts(rows.cursor()) == {IDS[0]: "keep"}
    with rows.transaction() as cursor:
        undo_decision(cursor, "u1")
    assert standing_verdicts(rows.cursor()) == {}
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
    assert standing_verdicts(rows.cursor()) == dict.fromkeys(sorted(IDS), "drop")
    with rows.transaction() as cursor:
        assert len(undo_decision(cursor).decisions) == 3
    assert standing_verdicts(rows.cursor()) == {IDS[0]: "keep"}


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
