"""A project that may be read and not written: what only looks works, what has to write says why not."""

import subprocess
import sys

import pytest

from lobass_core.store.connection import release
from lobass_core.workflows.status import status
from tests.pages.projects import finished_scores, imported_project
from tests.read_only import read_only
from tests.scored_files import write_jsonl


@pytest.fixture
def sealed(selected):
    with read_only(selected.root):
        yield selected
        release(selected.store_path)


def test_status_shows_the_project_and_that_it_is_read_only(lobass, sealed):
    found = lobass("status", "--project", sealed.root, "--json").json
    assert (found["n_scored"], found["read_only"]) == (6, True)
    assert "read-only" in lobass("status", "--project", sealed.root).out


@pytest.mark.parametrize(
    "words",
    [("runs",), ("browse", "--limit", "2"), ("compare", "all", "best"), ("selections",), ("scores", "--to", "OUT.csv")],
    ids=lambda words: words[0],
)
def test_what_only_reads_works(lobass, sealed, tmp_path, words):
    words = [str(tmp_path / word) if word.startswith("OUT") else word for word in words]
    ran = lobass(words[0], *words[1:], "--project", sealed.root)
    assert (ran.exit_code, "error" in ran.err) == (0, False)


def test_an_export_to_elsewhere_is_whole_and_says_that_it_is_not_logged(lobass, sealed, tmp_path):
    ran = lobass("export", "--project", sealed.root, "--selection", "best", "--to", tmp_path / "out", "--no-check")
    assert ran.exit_code == 0
    assert "read-only" in ran.err
    (data,) = (tmp_path / "out").glob("*.jsonl")
    assert len(data.read_text().splitlines()) == 2
    assert status(sealed).exports == ()


@pytest.mark.parametrize(
    "words",
    [
        ("decide", "drop", "ID"),
        ("select", "--ratio", "0.5", "--name", "half"),
        ("selections", "--delete", "best"),
        ("import", "FILE", "--domain", "chat"),
        ("score", "--base", "org/base", "--reference", "org/tuned"),
        ("score", "--resume", "r-0001"),
        ("cancel", "r-0001"),
        ("doctor", "--repair"),
    ],
    ids=lambda words: "-".join(words[:2]),
)
def test_what_has_to_write_says_that_the_project_is_read_only(lobass, sealed, tmp_path, words):
    more = write_jsonl(tmp_path / "more.jsonl", [{"instruction": "New", "output": "Row"}])
    found = lobass("browse", "--project", sealed.root, "--json").json
    named = {"FILE": str(more), "ID": found["rows"][0]["sample_id"]}
    ran = lobass(*(named.get(word, word) for word in words), "--project", sealed.root)
    assert ran.exit_code == 2
    assert ran.err.startswith(f"error: the project is read-only ({sealed.root}).\n  Copy the project")


def test_a_store_that_a_killed_process_left_with_a_log_is_read_whole(lobass, selected):
    killed = (
        "import os, sys; from lobass_core.project import Project\n"
        "with Project.open(sys.argv[1]).store() as store:\n"
        "    with store.transaction() as cursor:\n"
        "        cursor.execute(\"UPDATE datasets SET name = 'renamed'\")\n"
        "    os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", killed, str(selected.root)], check=False)
    assert selected.store_path.with_name("store.duckdb.wal").exists()
    with read_only(selected.root):
        found = lobass("status", "--project", selected.root, "--json").json
        release(selected.store_path)
    assert [dataset["name"] for dataset in found["datasets"]] == ["renamed"]


def test_an_older_read_only_store_asks_for_a_copy(lobass, selected):
    with selected.store() as store, store.transaction() as cursor:
        cursor.execute("UPDATE meta SET value = '3' WHERE name = 'schema_version'")
    release(selected.store_path)
    with read_only(selected.root):
        ran = lobass("status", "--project", selected.root)
        release(selected.store_path)
    assert ran.exit_code == 2
    assert "must be updated from version 3" in ran.err
    assert "backup" not in ran.err


def test_losses_that_cannot_be_added_are_said_and_a_scoring_says_why_it_cannot_begin(lobass, tmp_path):
    project = imported_project(tmp_path / "p", {"math": 4})
    finished_scores(project)
    release(project.store_path)
    with read_only(project.root):
        ran = lobass("status", "--project", project.root, "--json")
        refused = lobass("score", "--project", project.root, "--base", "org/a", "--reference", "org/b")
        release(project.store_path)
    said = "Run r-0001 has computed losses that were not added, because the project is read-only."
    assert (ran.json["n_scored"], ran.err.strip()) == (0, said)
    assert (refused.exit_code, "the project is read-only" in refused.err) == (2, True)
    assert lobass("status", "--project", project.root, "--json").json["n_scored"] == 4
    release(project.store_path)
