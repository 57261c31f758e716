"""A cut under the hand: the same numbers as `select`, and what is said about it."""

from pathlib import Path

import numpy as np
import pytest

from lobass_core.project import Project
from lobass_core.specs import Gates, SelectionSpec
from lobass_core.store.connection import release
from lobass_core.workflows import cut as cuts
from lobass_core.workflows import decide
from lobass_core.workflows import select as selections
from tests.filled_project import Row, fill
from tests.pages.projects import scored_project


@pytest.fixture
def scored(tmp_path: Path):
    project = scored_project(tmp_path / "project", {"code": 60, "conversation": 200, "math": 90})
    yield project
    release(project.store_path)


SPECS = [
    SelectionSpec(value=0.1),
    SelectionSpec(value=0.2, balance="global"),
    SelectionSpec(budget="threshold", value=0.4, balance="global"),
    SelectionSpec(budget="tokens", value=8000, balance="equal"),
    SelectionSpec(value=0.9, balance="equal", gates=Gates(min_response_tokens=150)),
]


@pytest.mark.parametrize("spec", SPECS, ids=range(len(SPECS)))
def test_kept_rows_are_those_of_select(scored: Project, spec: SelectionSpec) -> None:
    _decide(scored)
    cut, result = cuts.open_cut(scored, spec), selections.select(scored, spec)
    assert cut.answer.domains == result.domains
    assert sorted(cuts.kept_rows(cut).tolist()) == sorted(result.rows.tolist())


def test_gain_is_the_mean_over_the_random_expectation(scored: Project) -> None:
    for spec in (SelectionSpec(value=0.2, balance="global"), SelectionSpec(value=0.2, balance="equal")):
        cut = cuts.open_cut(scored, spec)
        measure = cuts.verdicts(cut).random.measures[0]
        assert measure.measure.name == "learnability"
        assert cuts.gain(cut) == pytest.approx(measure.kept - measure.expected, abs=1e-12)
    assert cuts.gain(cuts.open_cut(scored, SelectionSpec(budget="samples", value=0))) is None


def test_rho_of_one_cut_through_all_rows_is_that_of_the_verdict(scored: Project) -> None:
    cut = cuts.open_cut(scored, SelectionSpec(balance="global"))
    assert cuts.strongest_rho(cut) == pytest.approx(cuts.verdicts(cut).length.rho_all, abs=1e-12)


def test_domains_that_follow_length_in_opposite_ways_do_not_cancel_out(tmp_path: Path) -> None:
    rows = [
        Row(f"{domain} {n}?", " ".join(["word"] * (n + 1)), domain, 2.0, 1 + sign * n / 100)
        for domain, sign in (("math", 1), ("code", -1))
        for n in range(30)
    ]
    # Too few rows to tell.
    rows += [Row(f"chat {n}?", "word " * (n + 1), "chat", 2.0, 1 + n / 50) for n in range(5)]
    project = Project.create(tmp_path / "project")
    fill(project, rows)
    cut = cuts.open_cut(project, SelectionSpec(value=0.2, balance="natural"))
    found = cuts.rho_by_domain(cut)
    assert found == {"math": pytest.approx(-1), "code": pytest.approx(1)}
    assert abs(cuts.strongest_rho(cut)) == pytest.approx(1)
    through_all = cuts.open_cut(project, SelectionSpec(value=0.2, balance="global"))
    assert abs(cuts.strongest_rho(through_all)) < 0.1
    release(project.store_path)


def test_rows_at_the_cut_stand_on_both_sides_of_it(scored: Project) -> None:
    cut = cuts.open_cut(scored, SelectionSpec(value=0.2, balance="global"))
    kept, dropped = cuts.rows_at_cut(scored, cut)
    threshold = cut.answer.domains[0].threshold
    assert len(kept) == len(dropped) == 6
    assert kept[0].score == threshold
    assert all(row.score >= threshold for row in kept) and all(row.score < threshold for row in dropped)
    scores = np.sort(cut.scores.score)[::-1]
    assert [row.score for row in dropped] == scores[cut.answer.n_kept : cut.answer.n_kept + 6].tolist()
    assert kept[0].prompt.endswith(")") and kept[0].n_tokens > 0


def test_overlap_with_itself_is_whole(scored: Project) -> None:
    spec = SelectionSpec(value=0.2)
    selections.save(scored, "paper", spec)
    same = cuts.overlap_with(scored, cuts.open_cut(scored, spec), "paper")
    assert (same.both, same.only_a, same.only_b, same.rank_agreement) == (70, 0, 0, pytest.approx(1.0))
    half = cuts.overlap_with(scored, cuts.open_cut(scored, SelectionSpec(value=0.1)), "paper")
    assert (half.both, half.only_a, half.only_b) == (35, 0, 35)


def _decide(project: Project) -> None:
    """Keep the worst row and drop the best, by hand."""
    result = selections.select(project, SelectionSpec(value=1.0, balance="global"))
    with project.store() as store:
        keys = [int(result.row_key[0]), int(result.row_key[-1])]
        ids = dict(
            store.cursor()
            .execute("SELECT r.row_key, s.sample_id FROM rows r JOIN samples s USING (sample_key)")
            .fetchall()
        )
    decide.decide(project, [ids[keys[0]]], "drop")
    decide.decide(project, [ids[keys[1]]], "keep")
