"""Finding and reading rows, with and without scores."""

from dataclasses import replace

import pytest

from lobass_core.errors import RequestError, RunError, SelectionError
from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.workflows import browse, decide, select
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.row_table import domain_shapes, open_rows
from lobass_core.workflows.token_heat import read_token_losses
from tests.filled_project import Filled, Row, fill, import_rows

# learnability:  0.9, 0.5, -0.5, 0.2, none, 0.5 (a copy of the second)
ROWS = [
    Row("Name a fish", "Cod", base=3.0, reference=0.3),
    Row("What is 2 + 2 ?", "It is 4 .", base=2.0, reference=1.0),
    Row("Say hello", "Hello there you", domain="chat", base=1.0, reference=1.5),
    Row("List three fish", "Cod Eel FISHES and so on", domain="chat", base=4.0, reference=3.2, status="truncated"),
    Row("Not scored", "Nothing here", domain="chat", base=None, system="Be terse about fish"),
    Row("What is 2 + 2 ?", "It is 4 .", base=2.0, reference=1.0),
]


@pytest.fixture
def filled(project: Project) -> Filled:
    return fill(project, ROWS)


def found_rows(project: Project, **conditions) -> list[int]:
    found = browse.find(project, BrowseFilter(**conditions))
    rows = browse.read_page(project, found)
    assert len(rows) == found.n_found
    return [row.stored.row_index for row in rows]


def test_rows_come_by_score_with_ties_by_sample_and_row_and_unscored_ones_last(filled: Filled):
    assert found_rows(filled.project) == [0, 1, 5, 3, 2, 4]
    first, *_, last = browse.read_page(filled.project, browse.find(filled.project, BrowseFilter()))
    assert (first.values["learnability"], first.rank, first.rank_in_domain) == (pytest.approx(0.9), 1, 1)
    assert (last.values["learnability"], last.rank, last.flags) == (None, 0, ("not_scored",))
    assert (first.to_dict()["n_response_tokens"], last.to_dict()["n_response_tokens"]) == (first.n_tokens, None)
    assert (first.n_tokens, last.n_tokens, last.n_prompt_tokens) == (1, None, None)


@pytest.mark.parametrize(
    ("conditions", "rows"),
    [
        ({"domains": ("chat",)}, [3, 2, 4]),
        ({"ranges": (("learnability", (0.2 - 1e-9, 0.5)),)}, [1, 5, 3]),
        ({"ranges": (("learnability", (0.5, None)),)}, [0, 1, 5]),
        ({"ranges": (("base-loss", (None, 2.0)),)}, [1, 5, 2]),
        ({"ranges": (("reference-loss", (3.0, None)),)}, [3]),
        ({"ranges": (("length", (4, None)),)}, [1, 5, 3]),
        ({"statuses": ("truncated",)}, [3]),
        ({"statuses": ("ok",)}, [0, 1, 5, 2]),
        ({"statuses": ("not_scored", "truncated")}, [3, 4]),
        ({"flags": ("negative",)}, [2]),
        ({"flags": ("duplicate", "negative")}, [5, 2]),
        ({"sort": "imported"}, [0, 1, 2, 3, 4, 5]),
        ({"sort": "imported", "descending": True}, [5, 4, 3, 2, 1, 0]),
        ({"sort": "base"}, [3, 0, 1, 5, 2, 4]),
        ({"sort": "base", "descending": False}, [2, 1, 5, 0, 3, 4]),
        ({"sort": "drop"}, [0, 1, 5, 3, 2, 4]),
        ({"sort": "loss-drop-sum", "ranges": (("loss-drop-sum", (0.0, None)),)}, [3, 1, 5, 0]),
        ({"text": "fish", "sort": "imported"}, [0, 3, 4]),
        ({"text": "fish", "match_case": True, "sort": "imported"}, [0, 3, 4]),
        ({"text": "FISH", "match_case": True}, [3]),
        ({"text": "fish", "scope": "user"}, [0, 3]),
        ({"text": "fish", "scope": "assistant"}, [3]),
        ({"text": "fish", "scope": "system"}, [4]),
        ({"text": "%"}, []),
        ({"text": "') OR 1=1 --"}, []),
        ({"text": "fish", "domains": ("math",)}, [0]),
    ],
)
def test_conditions(filled: Filled, conditions: dict, rows: list[int]):
    assert found_rows(filled.project, **conditions) == rows


def test_names_that_are_not_there_are_refused(filled: Filled):
    for conditions in ({"domains": ("poetry",)}, {"datasets": ("second",)}):
        with pytest.raises(RequestError, match="there is no"):
            browse.find(filled.project, BrowseFilter(**conditions))
    for conditions in ({"in_selections": ("none",)}, {"not_in_selections": ("none",)}):
        with pytest.raises(SelectionError, match="no selection"):
            browse.find(filled.project, BrowseFilter(**conditions))


def test_datasets_and_the_shared_filter(filled: Filled):
    import_rows(filled.project, [Row("Later", "Yes", domain="late")], "second")
    found = browse.find(filled.project, BrowseFilter(), within_datasets=("second",))
    assert (found.n_found, found.n_rows) == (1, 1)
    assert found_rows(filled.project, datasets=("second",)) == [0]
    assert browse.find(filled.project, BrowseFilter()).n_found == 7


def test_decisions_tags_and_selections_are_conditions(filled: Filled):
    project = filled.project
    decide.decide(project, [filled.sample_ids[1]], "keep", "a good one")
    decide.decide(project, [filled.sample_ids[2]], "drop")
    # The decision is on the sample, so its copy carries it too.
    assert found_rows(project, decisions=("keep",)) == [1, 5]
    assert found_rows(project, decisions=("drop", "keep")) == [1, 5, 2]
    assert found_rows(project, decisions=("undecided",)) == [0, 3, 4]
    decide.act_on(project, [filled.sample_ids[0], filled.sample_ids[3]], "tag", "sea")
    assert found_rows(project, tags=("sea",)) == [0, 3]
    select.save(project, "top", SelectionSpec(budget="samples", value=2, balance="global"), None)
    assert found_rows(project, in_selections=("top",)) == [0, 1]
    assert found_rows(project, not_in_selections=("top",)) == [5, 3, 2, 4]
    names = browse.choices(project, browse.find(project, BrowseFilter()).rows)
    assert (names.datasets, names.domains, names.selections, names.tags) == (
        ("first",),
        ("chat", "math"),
        ("top",),
        (("sea", 2),),
    )


def test_several_selections_are_held_against_each_other(filled: Filled):
    project, samples = filled.project, SelectionSpec(budget="samples", value=2, balance="global")
    select.save(project, "top", samples)
    select.save(project, "all but one", replace(samples, value=3))
    select.save(project, "<b>hard</b>, base", replace(samples, method="base-loss"))
    assert found_rows(project, in_selections=("top",)) == [0, 1]
    assert found_rows(project, in_selections=("all but one",)) == [0, 1, 3]
    assert found_rows(project, in_selections=("<b>hard</b>, base",)) == [0, 3]
    assert found_rows(project, in_selections=("top", "<b>hard</b>, base")) == [0]
    assert found_rows(project, in_selections=("all but one",), not_in_selections=("top",)) == [3]
    assert found_rows(project, in_selections=("top",), not_in_selections=("all but one",)) == []
    assert found_rows(project, not_in_selections=("top", "<b>hard</b>, base")) == [5, 2, 4]
    assert found_rows(project, in_selections=("top",), not_in_selections=("top",)) == []
    assert found_rows(project, in_selections=("top", "<b>hard</b>, base"), domains=("chat",)) == []


def test_a_list_stays_as_it_was_found_and_arrays_outlive_decisions(filled: Filled):
    before = browse.find(filled.project, BrowseFilter(decisions=("undecided",)))
    decide.decide(filled.project, [filled.sample_ids[0]], "drop")
    after = browse.find(filled.project, BrowseFilter(decisions=("undecided",)))
    assert (before.n_found, after.n_found) == (6, 5)
    assert after.rows is before.rows


def test_pages_and_places(filled: Filled):
    found = browse.find(filled.project, BrowseFilter())
    pages = [browse.read_page(filled.project, found, page, 4) for page in (1, 2, 3)]
    assert [[row.stored.row_index for row in page] for page in pages] == [[0, 1, 5, 3], [2, 4], []]
    assert (found.n_pages(4), found.n_pages(6), found.n_pages()) == (2, 1, 1)
    assert [found.place_of(key) for key in (0, 5, 99)] == [0, 2, None]
    assert found.n_tokens is None
    assert browse.find(filled.project, BrowseFilter(ranges=(("length", (0, None)),))).n_tokens == 1 + 4 + 3 + 6 + 4


def test_rows_carry_what_was_decided_and_noted(filled: Filled):
    project, sample_id = filled.project, filled.sample_ids[0]
    decide.decide(project, [sample_id], "keep", "first")
    decide.decide(project, [sample_id], "drop", "second")
    decide.act_on(project, [sample_id], "tag", "sea")
    decide.act_on(project, [sample_id], "note", "older")
    decide.act_on(project, [sample_id], "note", "newer")
    row = browse.read_page(project, browse.find(project, BrowseFilter()))[0].stored
    assert (row.verdict, row.reason, row.tags, row.note) == ("drop", "second", ("sea",), "newer")


def test_a_project_without_scores_is_browsed_in_import_order(project: Project):
    import_rows(project, ROWS)
    found = browse.find(project, BrowseFilter())
    rows = browse.read_page(project, found)
    assert not found.rows.is_scored
    assert [row.stored.row_index for row in rows] == [0, 1, 2, 3, 4, 5]
    assert {row.values["learnability"] for row in rows} == {None}
    assert found_rows(project, text="fish", domains=("chat",)) == [3, 4]
    with pytest.raises(SelectionError, match="base-loss needs losses, and nothing is scored"):
        browse.find(project, BrowseFilter(sort="base"))


def test_an_empty_project_has_no_rows(project: Project):
    found = browse.find(project, BrowseFilter(text="x"))
    assert (found.n_found, found.n_rows, found.n_pages()) == (0, 0, 1)
    assert browse.read_page(project, found) == []


def test_a_run_that_scored_nothing_is_refused(filled: Filled):
    with pytest.raises(SelectionError):
        browse.find(filled.project, BrowseFilter(), run="r-0009")


def test_shapes_count_every_scored_row(filled: Filled):
    shapes = {shape.domain: shape for shape in domain_shapes(open_rows(filled.project))}
    for domain, n_rows, n_scored in (("math", 3, 3), ("chat", 3, 2)):
        shape = shapes[domain]
        assert (shape.n_rows, shape.n_scored) == (n_rows, n_scored)
        assert sum(shape.counts) + shape.n_below + shape.n_above == n_scored


def test_token_losses_lie_over_the_rendered_text(filled: Filled):
    heat = read_token_losses(filled.project, open_rows(filled.project), 1)
    pieces = [heat.text[start:end] for start, end in zip(heat.starts, heat.ends, strict=True)]
    assert "".join(pieces) == heat.text == "What is 2 + 2 ?It is 4 ."
    assert heat.response == (False,) * 6 + (True,) * 4
    assert heat.base[:6] == (None,) * 6
    assert heat.base[6:] == pytest.approx((1.6, 1.8666667, 2.1333333, 2.4))
    assert sum(heat.reference[6:]) / 4 == pytest.approx(1.0)


def test_token_losses_that_are_missing_say_why(filled: Filled, project: Project):
    rows = open_rows(project)
    with pytest.raises(RunError, match="not scored"):
        read_token_losses(project, rows, 4)
    for path in (project.runs_dir / "r-0001" / "tokens").iterdir():
        path.unlink()
    with pytest.raises(RunError, match="not on disk"):
        read_token_losses(project, rows, 1)


def test_a_torn_file_of_the_run_is_named(filled: Filled):
    (path,) = (filled.project.runs_dir / "r-0001" / "tokens").glob("*.parquet")
    path.write_bytes(b"PAR1")
    with pytest.raises(RunError) as caught:
        read_token_losses(filled.project, open_rows(filled.project), 1)
    assert str(path) in caught.value.where
