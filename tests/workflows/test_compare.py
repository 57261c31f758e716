"""Two sides by hand: saved against saved, saved against another method, two scorings of the same rows."""

import dataclasses
from pathlib import Path

import pytest

from lobass_core.errors import SelectionError
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.specs import SelectionSpec
from lobass_core.store.losses import ingest_run
from lobass_core.store.scorings import register_scoring
from lobass_core.workflows import browse, compare, select
from tests import filled_project
from tests.filled_project import Row, fill
from tests.run_specs import A_SCORING, score_result

ROWS = [Row(f"chat {k}", "word " * (k + 1), "chat", 2.0, 1.0 + k / 10) for k in range(6)] + [
    Row(f"math {k}", "word " * (k + 4), "math", 2.0, 0.5 + k / 10) for k in range(3)
]


def samples(n, **other):
    return SelectionSpec(budget="samples", value=n, **other)


def test_two_saved_selections(project):
    fill(project, ROWS)
    select.save(project, "natural", samples(3))
    select.save(project, "global", samples(3, balance="global"))
    found = compare.compare(compare.saved_side(project, "natural"), compare.saved_side(project, "global"))
    # Natural keeps math 0 and chat 0, 1; global the three maths.
    assert [(part.domain, part.both, part.only_a, part.only_b) for part in found.overlap.domains] == [
        ("chat", 0, 2, 0),
        ("math", 1, 0, 2),
    ]
    assert found.overlap.jaccard == pytest.approx(1 / 5)
    assert found.agreement == 1.0
    natural, everything = found.composition
    assert (natural.n_kept, natural.tokens_kept, natural.domain_rows, natural.domain_tokens) == (3, 10, (2, 1), (5, 5))
    assert everything.domain_rows == (0, 3)
    assert everything.means["learnability"] == pytest.approx(0.7)
    lengths = dict(zip(found.lengths, everything.length_rows, strict=True))
    assert {name: n for name, n in lengths.items() if n} == {"5–15": 3}


def test_two_methods_on_one_scoring(project):
    fill(project, ROWS)
    a = compare.computed_side(project, "learnability", samples(2, balance="global"))
    b = compare.computed_side(project, "length", samples(2, balance="global", method="length"))
    found = compare.compare(a, b)
    assert a.picked.tolist() == [6, 7]
    assert sorted(b.picked.tolist()) == [5, 8]
    assert (found.overlap.both, found.overlap.only_a, found.overlap.only_b) == (0, 2, 2)
    assert found.agreement_by_domain == {"chat": pytest.approx(-1.0), "math": pytest.approx(-1.0)}


def test_two_references(project):
    filled = fill(project, ROWS)
    spec = dataclasses.replace(A_SCORING, reference_name="other")
    # A second reference with other losses, through a second run.
    other = [Row(row.prompt, row.response, row.domain, 2.0, 2.5 - row.reference) for row in ROWS]
    run = RunFolder.create(project.runs_dir, "score", spec)
    scored = dict(zip(filled.sample_ids, other, strict=True))
    run.write_shard("reference-other-00000", filled_project.shard_of(scored, "other0000other00", "reference"))
    result = score_result(filled_project.BASE, "other0000other00", filled_project.RENDER)
    with project.store() as store:
        ingest_run(store, run)
        with store.transaction() as cursor:
            register_scoring(cursor, run.run_id, spec, result, Path("no folds"))
    with pytest.raises(SelectionError, match="several pairs of models"):
        compare.computed_side(project, "either", samples(2))
    a = compare.computed_side(project, "tuned", samples(2, balance="global"), "r-0001")
    b = compare.computed_side(project, "other", samples(2, balance="global"), "r-0002")
    found = compare.compare(a, b)
    assert found.agreement == pytest.approx(-1.0)
    assert (found.overlap.both, found.overlap.only_a) == (0, 2)


def test_an_unknown_selection(project):
    fill(project, ROWS)
    with pytest.raises(SelectionError, match="there is no selection 'nope'"):
        compare.saved_side(project, "nope")


def test_rows_of_each_part_come_in_rank_order(project):
    fill(project, ROWS)
    a = compare.computed_side(project, "natural", samples(3))
    b = compare.computed_side(project, "global", samples(3, balance="global"))
    found = compare.compare(a, b)
    only_a = compare.part_rows(project, found, "only_a")
    assert [(row.row_key, row.rank_a, row.rank_b, row.prompt) for row in only_a] == [
        (0, 2, 0, "chat 0"),
        (1, 3, 0, "chat 1"),
    ]
    assert [row.score_a for row in only_a] == pytest.approx([0.5, 0.45])
    assert [(row.row_key, row.domain, row.rank_a, row.rank_b) for row in compare.part_rows(project, found, "both")] == [
        (6, "math", 1, 1)
    ]
    assert [row.row_key for row in compare.part_rows(project, found, "only_b", limit=1)] == [7]


@pytest.mark.parametrize(("part", "rows"), [("only_a", [0, 1]), ("both", [6]), ("only_b", [7, 8])])
def test_the_filter_of_a_part_finds_all_its_rows(project, part: str, rows: list[int]):
    fill(project, ROWS)
    select.save(project, "natural", samples(3))
    select.save(project, "global", samples(3, balance="global"))
    found = compare.compare(compare.saved_side(project, "natural"), compare.saved_side(project, "global"))
    listed = browse.find(project, compare.part_filter("natural", "global", part))
    assert listed.rows.table.row_key[listed.positions].tolist() == rows
    assert compare.part_size(found, part) == compare.part_size(found, part, ["first"]) == len(rows)
    with pytest.raises(SelectionError, match="second"):
        compare.part_size(found, part, ["second"])


def test_the_rank_plane_of_one_score_is_its_diagonal(project):
    fill(project, ROWS)
    a = compare.computed_side(project, "a", samples(2))
    plane = compare.rank_plane(compare.compare(a, a), bins=9)
    cells = plane.counts[0]
    assert cells.sum() == 9
    assert cells.trace() == 9
