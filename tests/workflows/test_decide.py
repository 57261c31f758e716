"""Acts on samples: idempotent by their ids, undone whole, never lost."""

import pytest

from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.workflows import browse, decide
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.decide import Act
from tests.filled_project import Filled, Row, fill

ROWS = [Row(f"Question {n}", f"Answer {n}", domain="math" if n % 2 else "chat") for n in range(6)]


@pytest.fixture
def filled(project: Project) -> Filled:
    return fill(project, [*ROWS, ROWS[0]])


def verdicts(project: Project) -> list[str]:
    found = browse.find(project, BrowseFilter(sort="imported"))
    return [row.stored.verdict for row in browse.read_page(project, found)]


def test_an_act_sent_twice_is_done_once(filled: Filled):
    acts = [Act("a", "keep", 0, "why"), Act("b", "drop", 1), Act("a", "keep", 0, "why")]
    assert [done.error for done in decide.apply(filled.project, acts)] == ["", "", ""]
    decide.apply(filled.project, acts)
    assert [(one.decision_id, one.verdict) for one in decide.log(filled.project)] == [("b", "drop"), ("a", "keep")]


def test_the_latest_wins_and_undo_brings_back_what_stood_before(filled: Filled):
    project = filled.project
    decide.apply(project, [Act("a", "keep", 0), Act("b", "drop", 0)])
    assert verdicts(project)[0] == "drop"
    assert decide.apply(project, [Act("c", "undo", 0, "b")])[0].changed == ((0, "keep"),)
    assert verdicts(project)[0] == "keep"
    assert decide.apply(project, [Act("d", "undo", -1)])[0].changed == ((0, "undecided"),)
    assert decide.apply(project, [Act("e", "undo", -1)])[0].error == "there is nothing to undo"


def test_one_act_that_fails_does_not_stop_the_others(filled: Filled):
    results = decide.apply(filled.project, [Act("a", "undo", -1), Act("b", "keep", 2)])
    assert [bool(result.error) for result in results] == [True, False]
    assert verdicts(filled.project)[2] == "keep"


def test_all_that_a_filter_finds_is_one_batch(filled: Filled):
    project = filled.project
    found = browse.find(project, BrowseFilter(domains=("chat",)))
    # Four rows, but the last is a copy of the first.
    assert (found.n_found, decide.decide_matching(project, found, "drop", "off topic", "batch")) == (4, 3)
    assert decide.decide_matching(project, found, "drop", "off topic", "batch") == 0
    assert verdicts(project) == ["drop", "undecided"] * 3 + ["drop"]
    decide.decide(project, [filled.sample_ids[1]], "keep")
    assert len(decide.undo(project).decisions) == 1
    assert len(decide.undo(project).decisions) == 3
    assert set(verdicts(project)) == {"undecided"}
    assert {one.undone_at is None for one in decide.log(project)} == {False}


def test_tags_on_all_and_off_one(filled: Filled):
    project = filled.project
    everything = browse.find(project, BrowseFilter())
    assert decide.tag_matching(project, everything, " check ") == 6
    assert decide.tag_matching(project, everything, "check") == 0
    decide.act_on(project, [filled.sample_ids[1]], "untag", "check")
    assert browse.find(project, BrowseFilter(tags=("check",))).n_found == 6


def test_samples_are_named_by_the_beginning_of_their_id(filled: Filled):
    assert decide.decide(filled.project, [filled.sample_ids[3][:10].upper()], "keep") == 1
    assert verdicts(filled.project)[3] == "keep"


@pytest.mark.parametrize("sample_id", ["abc", "ffffffffff"])
def test_an_id_that_names_nothing_is_refused(filled: Filled, sample_id: str):
    with pytest.raises(RequestError):
        decide.decide(filled.project, [sample_id], "keep")
    assert decide.log(filled.project) == []


@pytest.mark.parametrize(
    "act",
    [
        ("a", "burn", 0, ""),
        ("", "keep", 0, ""),
        ("a", "tag", 0, "  "),
        ("a", "tag", 0, "x" * 61),
        ("a", "tag", 0, "two\nlines"),
        ("a", "note", 0, "x" * 10_001),
        ("a", "keep", 0, "x" * 1_001),
    ],
)
def test_acts_that_cannot_be_meant(act: tuple):
    with pytest.raises(RequestError):
        Act(*act)


def test_acts_in_a_project_that_can_only_be_read_say_so_and_what_stands_on(filled: Filled, monkeypatch):
    project = filled.project
    decide.apply(project, [Act("a", "keep", 0)])
    release(project.store_path)
    monkeypatch.setenv("LOBASS_READ_ONLY", "1")
    several = Act("e", "drop", sample_keys=(0, 2))
    done = decide.apply(project, [Act("b", "drop", 0), Act("c", "tag", 1, "odd"), Act("d", "undo", -1), several])
    release(project.store_path)
    assert {one.error for one in done} == {"the project is opened read-only"}
    assert [one.changed for one in done[:2]] == [((0, "keep"),), ((1, "undecided"),)]
    assert done[3].changed == ((0, "keep"), (2, "undecided"))


def test_a_range_is_one_act_sent_twice_done_once_and_undone_whole_by_its_id(filled: Filled):
    project = filled.project
    acts = [Act("r", "drop", text="dull", sample_keys=(0, 1, 2, 1)), Act("t", "tag", text="odd", sample_keys=(2, 3))]
    assert [done.error for done in decide.apply(project, acts)] == ["", ""]
    decide.apply(project, acts)
    assert verdicts(project) == ["drop"] * 3 + ["undecided"] * 3 + ["drop"]
    logged = [(one.batch_id, one.sample_key, one.reason) for one in decide.log(project)]
    assert logged == [("r", 2, "dull"), ("r", 1, "dull"), ("r", 0, "dull")]
    rows = browse.read_page(project, browse.find(project, BrowseFilter(sort="imported")))
    assert [row.stored.tags for row in rows] == [(), (), ("odd",), ("odd",), (), (), ()]
    [undone] = decide.apply(project, [Act("u", "undo", text="r")])
    assert undone.changed == ((0, "undecided"), (1, "undecided"), (2, "undecided"))
    assert set(verdicts(project)) == {"undecided"}


def test_a_tag_of_a_range_that_was_taken_off_does_not_come_back_with_the_act_sent_again(filled: Filled):
    act = Act("t", "tag", text="odd", sample_keys=(2, 3))
    decide.apply(filled.project, [act, Act("u", "untag", 2, "odd"), act])
    rows = browse.read_page(filled.project, browse.find(filled.project, BrowseFilter(tags=("odd",))))
    assert [row.stored.sample_key for row in rows] == [3]
