"""The review queue: the rows on either side of each cut, the flagged ones, and nothing that is decided."""

import json

import pytest

from lobass_core.errors import RequestError, SelectionError
from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.workflows import browse, decide, review, select
from lobass_core.workflows.browse_filter import BrowseFilter
from tests.filled_project import Filled, Row, fill, import_rows

# Learnability 0.9, 0.8 ... 0.2 in math; in chat 0.9, 0.73, -0.5 and 0.54, which is truncated.
MATH = [Row(f"math {n}", f"answer {n}", base=1.0, reference=round(0.1 * n, 1)) for n in range(1, 9)]
CHAT = [
    Row("chat 1", "a", domain="chat", base=1.0, reference=0.1),
    Row("chat 2", "b", domain="chat", base=1.0, reference=0.27),
    Row("chat 3", "c", domain="chat", base=1.0, reference=1.5),
    Row("chat 4", "d", domain="chat", base=1.0, reference=0.46, status="truncated"),
    Row("math 1", "answer 1", domain="chat", base=1.0, reference=0.1),
]


@pytest.fixture
def filled(project: Project, monkeypatch: pytest.MonkeyPatch) -> Filled:
    monkeypatch.setattr(review, "NEAR_ROWS", 2)
    monkeypatch.setattr(review, "_near", type(review._near)(4))
    return fill(project, [*MATH, *CHAT])


def prompts(project: Project, asked: BrowseFilter) -> list[str]:
    """Prompts of the rows found, a copy with a star."""
    rows = browse.read_page(project, browse.find(project, asked))
    return [json.loads(row.stored.turns)[0]["content"] + "*" * row.stored.is_duplicate for row in rows]


def near(*cuts: tuple[str, float], **more) -> BrowseFilter:
    return BrowseFilter(review=("near_cut",), cuts=cuts, sort="cut", **more)


def test_the_rows_on_either_side_of_a_cut_nearest_first(filled: Filled):
    assert prompts(filled.project, near(("math", 0.52))) == ["math 5", "math 4", "math 6", "math 3"]
    assert prompts(filled.project, near(("math", 0.99))) == ["math 1*", "math 2"]
    assert prompts(filled.project, near(("math", 0.52), ("chat", 0.72)))[:3] == ["chat 2", "math 5", "math 4"]


def test_one_cut_for_all_domains(filled: Filled):
    assert prompts(filled.project, near(("", 0.56))) == ["chat 4", "math 4", "math 5", "math 3"]


def test_the_cut_of_another_score(filled: Filled):
    asked = near(("math", 0.34), cut_by="reference-loss")
    assert prompts(filled.project, asked) == ["math 3", "math 4", "math 2", "math 5"]


def test_flags_are_reasons_too_and_decided_rows_are_done(filled: Filled):
    project = filled.project
    asked = review.queue((("math", 0.52),))
    assert asked.decisions == ("undecided",)
    expected = ["math 5", "math 4", "math 6", "math 3"]
    # Rows without a cut of their domain come last, whatever their score.
    assert prompts(project, asked)[:4] == expected
    assert set(prompts(project, asked)[4:]) == {"chat 3", "chat 4", "math 1*"}
    decide.decide(project, [filled.sample_ids[4]], "keep")
    # The queue does not draw up others for what is decided.
    assert prompts(project, asked)[:3] == expected[1:]


def test_each_row_says_why_it_is_there(filled: Filled):
    found = browse.find(filled.project, review.queue((("math", 0.52),)))
    mask = review.by_cut(found.rows, found.filter, found.scope)
    why = {int(place): review.reasons(found.rows, found.filter, mask, place) for place in found.positions.tolist()}
    assert why == {
        2: ["near_cut"], 3: ["near_cut"], 4: ["near_cut"], 5: ["near_cut"],
        0: ["duplicate"], 10: ["negative"], 11: ["truncated"],
    }  # fmt: skip


def test_the_queue_of_a_saved_selection(filled: Filled):
    project = filled.project
    select.save(project, "best", SelectionSpec(budget="samples", value=4, balance="global"))
    asked = review.queue_of(project, "best")
    assert (asked.cuts, asked.cut_by) == ((("", pytest.approx(0.73)),), "learnability")
    select.save(project, "even", SelectionSpec(budget="samples", value=4, balance="equal"))
    assert [domain for domain, _ in review.queue_of(project, "even").cuts] == ["chat", "math"]
    select.save(project, "any", SelectionSpec(budget="samples", value=4, method="random"))
    assert (review.queue_of(project, "any").cuts, "near_cut" in review.queue_of(project, "any").review) == ((), False)


def test_the_view_s_datasets_have_rows_of_their_own_near_the_cut(filled: Filled):
    import_rows(filled.project, [Row("later", "x")], "second")
    found = browse.find(filled.project, near(("math", 0.5)), within_datasets=("second",))
    assert found.n_found == 0


def test_progress_counts_rows_that_carry_a_decision(filled: Filled):
    project = filled.project
    found = browse.find(project, BrowseFilter(domains=("math",)))
    assert browse.count_decided(project, found) == 0
    decide.decide(project, [filled.sample_ids[0]], "keep")
    everything = browse.find(project, BrowseFilter())
    # The copy in chat shares the decision.
    assert (browse.count_decided(project, found), browse.count_decided(project, everything)) == (1, 2)
    decide.undo(project)
    assert browse.count_decided(project, everything) == 0


@pytest.mark.parametrize(
    "query",
    [
        {"review": "near_cut"},
        {"sort": "cut"},
        {"review": "near_cut", "cut": "math:high"},
        {"review": "near_cut", "cut": "math:nan"},
        {"review": "near_cut", "cut": "0.3", "by": "random"},
        {"review": "beautiful"},
    ],
)
def test_a_queue_that_cannot_be_meant_is_refused(query: dict):
    with pytest.raises(RequestError):
        BrowseFilter.from_query(query)


def test_a_cut_for_a_domain_that_is_gone_and_without_scores(filled: Filled, tmp_path):
    with pytest.raises(RequestError, match="no domain poetry"):
        browse.find(filled.project, near(("poetry", 0.5)))
    bare = Project.create(tmp_path / "bare")
    import_rows(bare, [Row("one", "1"), Row("one", "1")])
    with pytest.raises(SelectionError, match="nothing is scored"):
        browse.find(bare, near(("", 0.5)))
    assert prompts(bare, review.queue()) == ["one*"]


def test_the_queue_in_an_address_reads_back():
    asked = review.queue((("math", 0.31), ("a:b", -0.5)), "loss-drop")
    query = asked.to_query()
    assert (query["cut"], query["by"], query["sort"]) == (["a:b:-0.5", "math:0.31"], "loss-drop", "cut")
    assert BrowseFilter.from_query(query) == asked
    # Without the queue its cut and its order are gone, too.
    assert asked.without("review") == BrowseFilter(decisions=("undecided",))
    assert asked.only_order() == BrowseFilter()
