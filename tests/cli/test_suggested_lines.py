"""A line that a command prints for the next step runs as it is, from any folder."""

import re
import shlex
from pathlib import Path

import pytest

from lobass_core.project import Project
from lobass_core.store.connection import release


@pytest.fixture
def suggested(lobass, monkeypatch, tmp_path: Path):
    """Run a command, and then the line that it prints after `label`."""
    monkeypatch.chdir(tmp_path)

    def run(label: str, *words: object, **fill: str):
        first = lobass(*words)
        found = re.search(rf"^ +{label} +lobass (.*)$", first.out, re.MULTILINE)
        assert (first.exit_code, found is not None) == (0, True), first
        return lobass(*(fill.get(word, word) for word in shlex.split(found[1])))

    return run


def test_rejected_rows_are_shown(suggested, tmp_path: Path):
    project = Project.create(tmp_path / "my project")
    (tmp_path / "rows.jsonl").write_text(
        '{"prompt": "p", "response": "r"}\n{"prompt": "A bear\n{"prompt": "q", "response": "s"}\n'
    )
    shown = suggested(
        "to see them", "import", "rows.jsonl", "--domain", "math", "--project", project.root
    )  # fmt: skip
    assert (shown.exit_code, "not valid JSON: unterminated string (character 12 of the record)" in shown.out) == (
        0,
        True,
    )
    release(project.store_path)


def test_a_deleted_selection_comes_back(suggested, selected: Project):
    restored = suggested("to restore it", "selections", "--delete", "best", "--project", selected.root)
    assert (restored.exit_code, "best" in restored.out) == (0, True), restored


def test_a_new_project_takes_its_first_file(suggested, tmp_path: Path):
    (tmp_path / "rows.jsonl").write_text('{"prompt": "p", "response": "r"}\n')
    imported = suggested("next", "init", "my project", FILE="rows.jsonl", NAME="math")
    assert (imported.exit_code, imported.out.startswith("Imported 1 of 1 row")) == (0, True), imported
    release(tmp_path / "my project" / "store.duckdb")
