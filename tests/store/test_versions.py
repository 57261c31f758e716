"""The marks that caches are kept under change with what they stand for, and never come back."""

import shutil
from pathlib import Path

import pytest

from lobass_core.project import Project
from lobass_core.specs import ImportSpec
from lobass_core.store.bulk_acts import decide_many, tag_many
from lobass_core.store.connection import release
from lobass_core.store.decisions import DecisionAct, append_decisions, set_note
from lobass_core.store.rebuild import rebuild_losses
from lobass_core.store.removals import remove_dataset
from lobass_core.store.scorings import find_scoring, register_refinement
from lobass_core.store.undo import undo_decision
from lobass_core.workflows.browse import BrowseFilter, find
from lobass_core.workflows.import_data import import_file, undo_import
from lobass_core.workflows.outline import read_outline
from lobass_core.workflows.row_table import open_rows
from tests.filled_project import BASE, REFERENCE, RENDER, Row, fill, import_rows
from tests.run_specs import score_result

ROWS = [Row("one", "a"), Row("two", "b"), Row("three", "c")]


def content(project: Project) -> str:
    with project.store() as store:
        return store.content()


def test_acts_of_a_person_leave_the_content_as_it_is(project: Project):
    import_rows(project, ROWS)
    before, around = content(project), read_outline(project)
    with project.store() as store:
        revisions = [store.revision()]
        for act in (
            lambda cursor: append_decisions(cursor, [DecisionAct("a", 0, "keep")]),
            lambda cursor: undo_decision(cursor),
            lambda cursor: decide_many(cursor, "many", [0, 1], "drop", ""),
            lambda cursor: tag_many(cursor, "tags", [0, 1], "odd"),
            lambda cursor: set_note(cursor, "note", 0, "look"),
        ):
            with store.transaction() as cursor:
                act(cursor)
            revisions.append(store.revision())
    assert content(project) == before
    # Every open tab asks for it after every decision of any of them.
    assert read_outline(project) is around
    assert len(set(revisions)) == 6


def test_whatever_changes_rows_or_losses_changes_the_content(project: Project):
    seen = [content(project)]
    fill(project, ROWS)
    seen.append(content(project))
    import_rows(project, [Row("four", "d")], "second")
    seen.append(content(project))
    with project.store() as store, store.transaction() as cursor:
        remove_dataset(cursor, "second")
    seen.append(content(project))
    with project.store() as store:
        rebuild_losses(store, project.runs_dir)
    seen.append(content(project))
    assert len(set(seen)) == 5


def test_a_table_changes_with_its_refinements(project: Project):
    fill(project, ROWS)
    before = open_rows(project)
    assert open_rows(project) is before
    result = score_result(BASE, REFERENCE, RENDER)
    for run_id in ("r-0002", "r-0003", "r-0002"):
        with project.store() as store, store.transaction() as cursor:
            register_refinement(cursor, find_scoring(cursor), run_id, result, Path("no folds"))
        after = open_rows(project)
        assert after.version != before.version
        assert after.scoring is not None and after.scoring.refined_by == run_id
        before = after


def test_a_file_imported_again_under_another_domain_shows_that_domain(project: Project, tmp_path: Path):
    path = tmp_path / "sums.jsonl"
    path.write_text("".join(f'{{"prompt": "{n} + 1?", "completion": "{n + 1}"}}\n' for n in range(20)))
    versions = []
    for domain in ("mth", "math", "mth"):
        import_file(project, ImportSpec(str(path), domain))
        versions.append(open_rows(project).version)
        assert len(find(project, BrowseFilter(domains=(domain,))).positions) == 20
        assert read_outline(project).domains == (domain,)
        undo_import(project, "sums")
    assert len(set(versions)) == 3


@pytest.mark.parametrize("made", ["anew", "from a copy"])
def test_marks_do_not_come_back_with_another_store_in_the_same_place(project: Project, tmp_path: Path, made: str):
    release(project.store_path)
    copy = shutil.copyfile(project.store_path, tmp_path / "copy.duckdb")
    import_rows(project, [Row("old", "row", "mth")])
    assert (read_outline(project).domains, open_rows(project).table.domains) == (("mth",), ("mth",))
    with project.store() as store:
        before = store.revision(), store.content()
    release(project.store_path)
    if made == "anew":
        shutil.rmtree(project.root)
        Project.create(project.root)
    else:
        shutil.copyfile(copy, project.store_path)
    import_rows(project, [Row("new", "row", "math")])
    with project.store() as store:
        after = store.revision(), store.content()
    assert [mark.partition("-")[0] for mark in after] == [mark.partition("-")[0] for mark in before]
    assert after != before
    assert (read_outline(project).domains, open_rows(project).table.domains) == (("math",), ("math",))
