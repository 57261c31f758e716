"""The figure of a report: what is in it, that it is well-formed, and that no name breaks it."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from lobass_core.errors import RequestError
from lobass_core.validation.figure import svg, ticks
from lobass_core.validation.forest import budgets_of, forest, usual_budget
from lobass_core.validation.judge import judge
from tests.validation.simulated import SETS, answering, experiment

SVG = "{http://www.w3.org/2000/svg}"
ARMS = {"base": 3.0, "learnability": -0.2, "longest": 0.2, "shortest": 0.0}


@pytest.fixture(scope="module")
def judged():
    return judge(experiment(0, ARMS), SETS, 50)


def test_an_arm_far_behind_does_not_hide_the_others(judged):
    found = forest(judged)
    assert [panel.name for panel in found.panels] == list(SETS)
    assert [row.arm for row in found.panels[0].rows] == list(ARMS)
    assert 0.2 < found.limit < 0.5
    verdicts = {row.arm: row.marks[0].verdict for row in found.panels[0].rows}
    assert verdicts == {
        "base": "worse",
        "learnability": "better",
        "longest": "worse",
        "shortest": "no difference found",
    }


def test_thirds_have_three_marks_and_claim_nothing(judged):
    (row, *_) = [one for one in forest(judged, "thirds").panels[0].rows if one.arm == "learnability"]
    assert [mark.part for mark in row.marks] == ["shortest third", "middle third", "longest third"]
    assert {mark.verdict for mark in row.marks} == {"no difference found"}


@pytest.mark.parametrize("view", ["rows", "tokens", "thirds"])
def test_the_figure_is_well_formed_and_shows_every_mark(judged, view):
    root = ElementTree.fromstring(svg(forest(judged, view), "A <title> & \x00more"))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert "A <title> &  more" in texts and set(SETS) <= set(texts)
    titles = [element.text for element in root.iter(f"{SVG}title")]
    assert len(titles) == len(SETS) * len(ARMS) * (3 if view == "thirds" else 1)
    # The untouched base lies beyond the axis, with its number.
    assert [text for text in texts if text and text.startswith("+3")] or view == "thirds"


def test_no_name_from_data_breaks_the_figure(judged):
    hostile = "</text><script>alert(1)</script>\u202e\ud800\x1b"
    names = {name: f"{hostile}{name}" for name in SETS}
    claims = tuple(replace(claim, arm=hostile, set_name=names[claim.set_name]) for claim in judged.claims)
    sets = tuple(replace(one, name=names[one.name]) for one in judged.sets)
    text = svg(forest(replace(judged, claims=claims, sets=sets)), hostile)
    text.encode("utf-8")
    root = ElementTree.fromstring(text)
    assert not list(root.iter(f"{SVG}script"))
    assert any("<script>alert(1)</script>" in (element.text or "") for element in root.iter(f"{SVG}text"))


def test_budgets_have_names_and_unknown_ones_are_refused(judged):
    own = [replace(claim, budget=0.09, arm="selection:best") for claim in judged.claims if claim.arm == "longest"]
    both = replace(judged, claims=(*judged.claims, *own))
    assert list(budgets_of(both).items()) == [(0.09, "9 %, selection 'best'"), (0.167, "16.7 %")]
    assert [row.arm for row in forest(both, budget=0.09).panels[0].rows] == ["selection:best"]
    # A figure shows the budget of most arms, whichever the report has first.
    assert usual_budget(replace(both, claims=(*own, *judged.claims))) == 0.167
    assert forest(both) == forest(judged)
    half = tuple(replace(claim, budget=0.5) for claim in judged.claims)
    twice = replace(judged, claims=(*half, *judged.claims))
    assert (list(budgets_of(twice)), usual_budget(twice)) == ([0.167, 0.5], 0.167)
    with pytest.raises(RequestError, match="no figure"):
        forest(judged, budget=0.5)
    for view in ("pie", "answers"):
        with pytest.raises(RequestError, match="no figure"):
            forest(judged, view)


@pytest.mark.parametrize("limit", [0.0108, 0.012, 0.05, 0.11, 0.33, 0.9, 1.2, 3.4, 70.0])
def test_ticks_are_few_round_and_symmetric(limit):
    found = ticks(limit)
    assert 3 <= len(found) <= 7 and 0.0 in found and found == [-one for one in reversed(found)]
    assert max(found) <= limit
    assert all(len(f"{one:g}".lstrip("-0.").replace(".", "")) <= 2 for one in found)


def test_answers_are_those_of_the_budget_that_is_shown():
    answered = judge(answering(experiment(0, ARMS), {"learnability": 0.9}, SETS[1]), SETS, 50)
    assert answered.answers
    half = replace(
        answered,
        claims=(*answered.claims, *(replace(claim, budget=0.5) for claim in answered.claims)),
        answers=(*answered.answers, *(replace(claim, budget=0.5) for claim in answered.answers)),
    )
    assert forest(half, "answers", 0.167) == forest(answered, "answers", 0.167)
