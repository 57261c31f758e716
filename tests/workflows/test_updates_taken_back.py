"""Updates are taken back one by one, and one that cannot be written leaves the store as it was."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lobass_core.errors import RequestError, StoreError
from lobass_core.project import Project
from lobass_core.specs import ImportSpec
from lobass_core.store.connection import release
from lobass_core.store.former_states import former_texts, gone_rows
from lobass_core.store.updates import list_updates
from lobass_core.workflows.decide import decide
from lobass_core.workflows.import_data import import_file, undo_import
from lobass_core.workflows.scored import scored
from lobass_core.workflows.select import list_selections
from lobass_core.workflows.status import status
from lobass_core.workflows.update_dataset import compare_dataset, undo_update, update_dataset
from tests.scored_files import import_and_score, select_all, write_jsonl
from tests.workflows.updates import BROKEN, counts, row, sample_ids, tables, updated


def test_what_unchanged_rows_have_stays_and_an_undo_brings_everything_back(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [row(n) for n in range(10)])
    import_and_score(project, (path, "x"))
    select_all(project)
    ids = [one[0] for one in sample_ids(project)]
    decide(project, ids[:1], "keep")
    decide(project, [ids[4], ids[9]], "drop", "wrong")
    before = tables(project)
    write_jsonl(path, [row(11), *(row(n, "right" if n == 4 else "") for n in range(9))])
    update = updated(project, "a")
    assert counts(update) == (8, 1, 1, 1)
    assert (update.counts.n_decided, update.counts.selections) == (2, (("all", 2),))
    [selection] = list_selections(project)
    assert (selection.n_kept, selection.n_gone) == (10, 2)
    with project.store() as store:
        gone = gone_rows(store.cursor(), selection.selection_id)
    assert [(one.dataset, one.row_index, one.fate, one.prompt) for one in gone] == [
        ("a", 9, "gone", "question 9"), ("a", 4, "changed", "question 4"),
    ]  # fmt: skip
    table = scored(project).table
    assert (len(table), int((table.decision == 1).sum()), int((table.decision == -1).sum())) == (10, 1, 0)
    assert status(project).n_scored == 8
    # A selection that holds rows of the update loses them with it, by name.
    select_all(project, "later")
    decide(project, ids[1:2], "drop")
    undone = undo_update(project, "a")
    assert undone.counts["n_changed"] == 1
    after = tables(project)
    for name in before:
        if name not in ("selections", "selection_picks", "samples", "former_rows"):
            assert after[name] == before[name], name
    assert {one.name: one.n_gone for one in list_selections(project)} == {"all": 0, "later": 0}
    assert int((scored(project).table.decision == -1).sum()) == 3
    with pytest.raises(RequestError, match="no update of 'a' to undo"):
        undo_update(project, "a")


def test_rows_of_an_update_that_is_taken_back_are_named(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [row(0), row(1)])
    import_file(project, ImportSpec(str(path), domain="x"))
    write_jsonl(path, [row(0), row(1), row(2)])
    updated(project, "a")
    import_and_score(project)
    select_all(project)
    undo_update(project, "a")
    [selection] = list_selections(project)
    with project.store() as store:
        [gone] = gone_rows(store.cursor(), selection.selection_id)
    assert (selection.n_gone, gone.fate, gone.prompt, gone.row_index) == (1, "undone", "question 2", 2)
    # Its key is not given to another row.
    import_file(project, ImportSpec(str(write_jsonl(tmp_path / "b.jsonl", [row(5)])), domain="x"))
    assert list_selections(project)[0].n_gone == 1
    with pytest.raises(StoreError, match="'all' contains rows of 'a'"):
        undo_import(project, "a")


def test_updates_are_taken_back_one_by_one(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [row(0), row(1), row(2)])
    import_file(project, ImportSpec(str(path), domain="x"))
    states = [tables(project)]
    for rows in ([row(2), row(0), row(7), BROKEN], [row(7, mark=1), row(2), row(1)], [row(1), row(8)]):
        write_jsonl(path, rows)
        updated(project, "a")
        states.append(tables(project))
    for state in reversed(states[:-1]):
        undo_update(project, "a")
        now = tables(project)
        assert {name: now[name] for name in now} == state
    assert undo_import(project, "a") == 3
    assert not any(tables(project).values())


def test_what_has_changed_since_the_comparison_is_not_written(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [row(0), row(1)])
    import_file(project, ImportSpec(str(path), domain="x"))
    before = tables(project)
    write_jsonl(path, [row(0)])
    found = compare_dataset(project, "a", {})
    write_jsonl(path, [row(0), row(3)])
    with pytest.raises(RequestError, match="files have changed since they were compared"):
        update_dataset(project, found)
    newer = compare_dataset(project, "a", {})
    update_dataset(project, newer)
    with pytest.raises(RequestError, match="has changed since it was compared"):
        update_dataset(project, newer)
    undo_update(project, "a")
    assert tables(project) == before


KILLED = """
import os, signal, sys
from lobass_core.project import Project
from lobass_core.workflows.update_dataset import compare_dataset, update_dataset
project = Project.open(sys.argv[1])
update = compare_dataset(project, "a", {})
update_dataset(project, update, lambda done, total: os.kill(os.getpid(), signal.SIGKILL))
"""


def test_a_killed_update_leaves_the_store_as_it_was(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [row(n) for n in range(300)])
    import_file(project, ImportSpec(str(path), domain="x"))
    before = tables(project)
    write_jsonl(path, [row(n, mark=1) for n in range(150, 450)])
    release(project.store_path)
    done = subprocess.run([sys.executable, "-c", KILLED, str(project.root)], check=False, env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert tables(project) == before
    assert counts(updated(project, "a")) == (150, 0, 150, 150)


def test_a_state_before_two_updates_has_the_places_of_that_time(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [row(0), row(1)])
    import_file(project, ImportSpec(str(path), domain="x"))
    for first in (2, 3):
        write_jsonl(path, [row(n) for n in [*range(first, 1, -1), 0, 1]])
        updated(project, "a")
    with project.store() as store:
        updates = [one.update_id for one in list_updates(store.cursor())]
        was, then = (former_texts(store.cursor(), update_id, [0, 1, 2]) for update_id in updates)
    assert [text and json.loads(text)["prompt"] for text in was] == ["question 0", "question 1", None]
    assert [text and json.loads(text)["prompt"] for text in then] == ["question 2", "question 0", "question 1"]
