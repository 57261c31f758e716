"""Selections of a project: made, saved, renamed, copied, deleted and brought back."""

import pytest

from lobass_core.errors import SelectionError
from lobass_core.specs import Gates, SelectionSpec
from lobass_core.workflows import cut, explore
from lobass_core.workflows import select as workflow
from tests.filled_project import Row, fill

SPEC = SelectionSpec(budget="samples", value=3)
ROWS = [Row(f"chat {k}", "word " * (k + 1), "chat", 2.0, 1.0 + k / 10) for k in range(6)] + [
    Row(f"math {k}", "word " * (k + 4), "math", 2.0, 0.5 + k / 10) for k in range(3)
]


def test_select_saves_nothing(project):
    fill(project, ROWS)
    result = workflow.select(project, SPEC)
    # 6 and 3 rows share 3 places 2 to 1; chat 0.5 and 0.45, math 0.75.
    assert result.row_key.tolist() == [6, 0, 1]
    assert [(share.domain, share.asked, share.got) for share in result.domains] == [("chat", 2, 2), ("math", 1, 1)]
    assert workflow.list_selections(project) == []


def test_what_is_saved_comes_back(project):
    fill(project, ROWS)
    result = workflow.save(project, " mine ", SPEC)
    saved, spec = workflow.load(project, "mine")
    assert spec == SPEC
    assert (saved.n_kept, saved.tokens_kept) == (3, result.tokens_kept)
    assert saved.result == result.to_dict()
    picks = workflow.picks(project, "mine")
    assert picks["row_key"].to_pylist() == [6, 0, 1]
    assert picks["pick_rank"].to_pylist() == [1, 2, 3]
    assert picks["reason"].to_pylist() == ["score"] * 3
    assert picks["score"].to_pylist() == pytest.approx([0.75, 0.5, 0.45])
    assert workflow.scoring_of(project, saved).run_id == "r-0001"


def test_gates_and_weights_survive_saving(project):
    fill(project, ROWS)
    spec = SelectionSpec(
        value=0.5, balance="custom", weights=(("chat", 0.25), ("math", 0.75)), gates=Gates(min_response_tokens=2)
    )
    workflow.save(project, "mine", spec)
    assert workflow.load(project, "mine")[1] == spec


def test_a_taken_name_needs_replace(project):
    fill(project, ROWS)
    workflow.save(project, "mine", SPEC)
    with pytest.raises(SelectionError, match="a selection 'mine' already exists"):
        workflow.save(project, "mine", SPEC)
    workflow.save(project, "mine", SelectionSpec(budget="samples", value=1), replace=True)
    assert [(saved.name, saved.n_kept) for saved in workflow.list_selections(project)] == [("mine", 1)]
    with pytest.raises(SelectionError, match="needs a name"):
        workflow.save(project, "  ", SPEC)


def test_rename_duplicate_delete_undelete(project):
    fill(project, ROWS)
    workflow.save(project, "mine", SPEC)
    workflow.rename(project, "mine", "ours")
    assert workflow.duplicate(project, "ours") == "ours copy"
    assert workflow.duplicate(project, "ours") == "ours copy 2"
    assert workflow.duplicate(project, "ours", "theirs") == "theirs"
    assert workflow.picks(project, "theirs").equals(workflow.picks(project, "ours"))
    gone = workflow.delete(project, "ours")
    assert sorted(saved.name for saved in workflow.list_selections(project)) == ["ours copy", "ours copy 2", "theirs"]
    with pytest.raises(SelectionError, match="there is no selection 'ours'"):
        workflow.load(project, "ours")
    assert [saved.name for saved in workflow.list_selections(project, deleted=True)] == ["ours"]
    assert workflow.undelete(project, gone) == "ours"
    assert workflow.picks(project, "ours")["row_key"].to_pylist() == [6, 0, 1]


def test_sorted_scores_are_kept_and_answer_as_select_does(project):
    fill(project, ROWS)
    rows = explore.scored(project)
    scores = workflow.sorted_scores(rows, SPEC)
    assert workflow.sorted_scores(rows, SelectionSpec(value=0.5, balance="equal")) is scores
    gated = SelectionSpec(gates=Gates(min_response_tokens=4))
    assert workflow.sorted_scores(rows, gated).ranked is scores.ranked
    assert scores.answer(SPEC).domains == workflow.select(project, SPEC).domains


def test_verdicts(project):
    fill(project, ROWS)
    found = cut.verdicts(cut.open_cut(project, SPEC))
    assert (found.length.n_all, found.length.n_kept) == (9, 3)
    learnability = found.random.measures[0]
    # Chat means 0.375 over six rows (2 drawn), math 0.7 over three (1 drawn).
    assert learnability.expected == pytest.approx((2 * 0.375 + 0.7) / 3)
    assert learnability.kept == pytest.approx((0.75 + 0.5 + 0.45) / 3)
