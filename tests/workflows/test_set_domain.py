"""Domains can be set after the import: by name, column or rule; logged, taken back, held by later updates."""

from pathlib import Path

import pytest

from lobass_core.errors import RequestError
from lobass_core.learnability.measure_values import values_of
from lobass_core.project import Project
from lobass_core.specs import ImportSpec, SetDomainSpec
from lobass_core.workflows.import_data import import_file, undo_import
from lobass_core.workflows.scored import scored
from lobass_core.workflows.select import list_selections, picks
from lobass_core.workflows.set_domain import domain_counts, set_domain, undo_set_domain
from lobass_core.workflows.status import status
from lobass_core.workflows.update_dataset import compare_dataset, undo_update, update_dataset
from tests.scored_files import import_and_score, select_best, write_jsonl

ALL_MATH = SetDomainSpec(domain="math")
BY_KIND = SetDomainSpec(domain_column="kind")
RULED = SetDomainSpec(domain_rules=(("level", "2", "hard"), ("kind", "k0", "even")))


def row(n: int, **more: object) -> dict:
    return {"prompt": f"question {n}", "completion": f"answer {n}", "kind": f"k{n % 2}", "level": n, **more}


@pytest.fixture
def path(project: Project, tmp_path: Path) -> Path:
    path = write_jsonl(tmp_path / "a.jsonl", [row(n) for n in range(4)])
    import_file(project, ImportSpec(str(path), domain="x"))
    return path


def domains(project: Project) -> list[str]:
    """In the order of the file."""
    with project.store() as store:
        return [one for (one,) in store.cursor().execute("SELECT domain FROM rows ORDER BY row_index").fetchall()]


@pytest.mark.parametrize(
    ("spec", "n_rows", "after", "words"),
    [
        (ALL_MATH, 4, ["math"] * 4, "math"),
        (BY_KIND, 4, ["k0", "k1", "k0", "k1"], "by the column kind"),
        (RULED, 2, ["even", "x", "hard", "x"], "hard where level is 2, even where kind is k0"),
        (
            SetDomainSpec(domain="rest", domain_rules=(("level", "2", "hard"),)),
            4,
            ["rest", "rest", "hard", "rest"],
            "hard where level is 2, rest for the rest",
        ),
    ],
    ids=["name", "column", "rules", "rule and rest"],
)
def test_ways_to_a_domain_and_back(project: Project, path: Path, spec, n_rows: int, after: list, words: str):
    change = set_domain(project, "a", spec)
    assert (change.n_rows, domains(project)) == (n_rows, after)
    [logged] = status(project).datasets[0].changes
    assert (logged.kind, logged.what, logged.undone_at) == ("domain", f"domain: {words} ({n_rows:,} rows)", None)
    assert undo_set_domain(project, "a").n_rows == n_rows
    assert domains(project) == ["x"] * 4
    assert status(project).datasets[0].changes[0].undone_at
    with pytest.raises(RequestError, match="the domains of 'a' have not been changed"):
        undo_set_domain(project, "a")


def test_changes_stand_on_each_other(project: Project, path: Path):
    set_domain(project, "a", BY_KIND)
    set_domain(project, "a", SetDomainSpec(domain_rules=(("level", "0", "zero"),)))
    set_domain(project, "a", ALL_MATH)
    for after in (["zero", "k1", "k0", "k1"], ["k0", "k1", "k0", "k1"], ["x"] * 4):
        undo_set_domain(project, "a")
        assert domains(project) == after


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (SetDomainSpec(domain="x"), "no row of 'a' would get a new domain"),
        (SetDomainSpec(domain_column="topic"), "no row of 'a' has the column 'topic'"),
        (SetDomainSpec(domain_rules=(("kind", "k7", "y"),)), "no row of 'a' would get a new domain"),
    ],
    ids=["same", "column", "value"],
)
def test_a_change_that_changes_nothing_is_refused_and_not_logged(project: Project, path: Path, spec, sentence: str):
    with pytest.raises(RequestError, match=sentence):
        set_domain(project, "a", spec)
    assert domains(project) == ["x"] * 4
    assert status(project).datasets[0].changes == ()
    with pytest.raises(RequestError, match="no domain given"):
        SetDomainSpec()


def test_a_column_of_ids_is_no_domain(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [row(n) for n in range(502)])
    import_file(project, ImportSpec(str(path), domain="x"))
    with pytest.raises(RequestError, match="more than 500 domains"):
        set_domain(project, "a", SetDomainSpec(domain_column="level"))
    assert domain_counts(project, "a") == {"x": 502}


def test_scores_stay_distributions_follow_and_saved_selections_keep_what_they_hold(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [row(n) for n in range(6)])
    import_and_score(project, (path, "x"))
    select_best(project, 3)
    scores, held, saved = (
        values_of(scored(project).table, "learnability"),
        picks(project, "best"),
        list_selections(project),
    )
    set_domain(project, "a", BY_KIND)
    table = scored(project).table
    assert table.domains == ("k0", "k1")
    assert (values_of(table, "learnability") == scores).all()
    assert picks(project, "best").equals(held)
    assert list_selections(project) == saved
    found = {one.domain: (one.n_rows, one.n_scored, one.n_selected) for one in status(project).domains}
    assert found == {"k0": (3, 3, 1), "k1": (3, 3, 2)}


def test_rules_hold_for_the_rows_of_an_update_and_through_its_undo(project: Project, path: Path):
    set_domain(project, "a", RULED)
    write_jsonl(path, [row(2, mark=1), row(4), row(1)])
    update_dataset(project, compare_dataset(project, "a", {}))
    assert domains(project) == ["hard", "even", "x"]
    undo_set_domain(project, "a")
    assert domains(project) == ["x"] * 3
    set_domain(project, "a", SetDomainSpec(domain="late"))
    undo_update(project, "a")
    assert domains(project) == ["late"] * 4
    undo_set_domain(project, "a")
    assert domains(project) == ["x"] * 4
    set_domain(project, "a", RULED)
    assert undo_import(project, "a") == 4
    with project.store() as store:
        assert (
            store.cursor().execute("FROM imported_domains UNION ALL SELECT 1, '' FROM domain_changes").fetchall() == []
        )


def test_an_update_without_the_column_of_a_rule_says_so(project: Project, path: Path):
    set_domain(project, "a", RULED)
    undone = SetDomainSpec(domain_column="kind")
    set_domain(project, "a", undone)
    undo_set_domain(project, "a")
    write_jsonl(path, [{"prompt": "question 2", "completion": "answer 2", "level": 2}])
    assert compare_dataset(project, "a", {}).notes == (
        "the domains set by 'hard where level is 2, even where kind is k0' need the column 'kind', which the files "
        "do not have",
    )


def test_which_row_stands_for_a_sample_follows_its_domain(project: Project, path: Path, tmp_path: Path):
    import_file(project, ImportSpec(str(write_jsonl(tmp_path / "b.jsonl", [row(0, note=1)])), domain="m"))
    with project.store() as store:
        standing = "SELECT name FROM rows JOIN datasets USING (dataset_id) WHERE is_duplicate"
        assert store.cursor().execute(standing).fetchall() == [("a",)]
        set_domain(project, "a", SetDomainSpec(domain="a first"))
        assert store.cursor().execute(standing).fetchall() == [("b",)]
        undo_set_domain(project, "a")
        assert store.cursor().execute(standing).fetchall() == [("a",)]


def test_changes_of_a_dataset_have_the_author_that_decisions_have(
    project: Project, path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LOBASS_AUTHOR", "anna")
    set_domain(project, "a", ALL_MATH)
    write_jsonl(path, [row(n) for n in range(5)])
    update_dataset(project, compare_dataset(project, "a", {}))
    changes = status(project).datasets[0].changes
    assert {(one.kind, one.made_by) for one in changes} == {("domain", "anna"), ("update", "anna")}
