"""What the Browse list is given of a row: which turns are scored, and reasoning beside the content."""

import json

import pytest

from lobass_core.project import Project
from lobass_core.records import Turn
from lobass_core.workflows import browse, decide
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.decide import Act
from pages.components.sample_list import payload
from tests.filled_project import Row, fill


def shown(project: Project, *, mask_rule: str = "all", whole: bool = False) -> list[dict]:
    found = browse.find(project, BrowseFilter())
    (row,) = browse.read_page(project, found, 1, 10)
    return payload.row(row, mask_rule=mask_rule, whole=whole)["turns"]


@pytest.mark.parametrize("mask_rule", ["all", "last"])
def test_of_a_pair_the_chosen_answer_alone_is_scored(tmp_path, mask_rule: str):
    project = Project.create(tmp_path / "p")
    fill(project, [Row("Which?", "This", rejected="That")])
    turns = shown(project, mask_rule=mask_rule)
    assert [(turn["content"], turn["scored"], turn["rejected"]) for turn in turns] == [
        ("Which?", False, False),
        ("This", True, False),
        ("That", False, True),
    ]


def test_reasoning_is_given_by_its_key_and_cut_like_the_content(tmp_path):
    project = Project.create(tmp_path / "p")
    thoughts = "t" * (payload.LONGEST_TURN + 10)
    fill(project, [Row("2+2?", "4", thoughts=thoughts)])
    answer = shown(project)[1]
    assert answer["thoughts"] == [
        {
            "key": "reasoning_content",
            "text": "t" * payload.LONGEST_TURN,
            "n_chars": payload.LONGEST_TURN + 10,
            "excerpt": "",
        }
    ]
    assert answer["is_cut"]
    whole = shown(project, whole=True)[1]
    assert (whole["thoughts"][0]["text"], whole["is_cut"]) == (thoughts, False)


def test_search_finds_reasoning(tmp_path):
    project = Project.create(tmp_path / "p")
    fill(project, [Row("2+2?", "4", thoughts="two and two"), Row("3+3?", "6")])
    found = browse.find(project, BrowseFilter.from_query({"q": "two AND two", "in": "assistant"}))
    (row,) = browse.read_page(project, found, 1, 10)
    assert json.loads(row.stored.turns)[1] == {"role": "assistant", "content": "4", "reasoning_content": "two and two"}
    assert Turn("assistant", "4", reasoning_content="two and two").thoughts == {"reasoning_content": "two and two"}


def test_the_history_of_a_sample_names_authors_and_what_no_longer_stands(tmp_path, monkeypatch):
    project = Project.create(tmp_path / "p")
    fill(project, [Row("2+2?", "4")])
    for author, act in (
        ("anna", Act("a", "keep", 0, "rare")),
        ("ben", Act("b", "drop", 0)),
        ("ben", Act("c", "undo", 0)),
    ):
        monkeypatch.setenv("LOBASS_AUTHOR", author)
        decide.apply(project, [act])
    decide.apply(project, [Act("d", "tag", 0, "odd"), Act("e", "note", 0, "look")])
    (row,) = browse.read_page(project, browse.find(project, BrowseFilter()), 1, 10)
    shown = payload.row(row, mask_rule="all")["history"]
    assert sorted((kind, text, reason, author, bool(ended)) for kind, text, reason, author, _, ended in shown) == [
        ("decision", "drop", "", "ben", True),
        ("decision", "keep", "rare", "anna", False),
        ("note", "look", "", "ben", False),
        ("tag", "odd", "", "ben", False),
    ]
