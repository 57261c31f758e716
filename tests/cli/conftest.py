"""Run `lobass` in this process, as the shell would."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from lobass_core.cli.main import main
from lobass_core.project import Project
from lobass_core.store.connection import release
from tests.scored_files import import_and_score, select_all, select_best, write_jsonl


@dataclass(frozen=True)
class Ran:
    """What one command left behind."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def lobass(monkeypatch, capfd) -> Callable[..., Ran]:
    """Call with the words of a command line; stdout and stderr are those of the process."""
    monkeypatch.delenv("LOBASS_PROJECT", raising=False)

    def run(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["lobass", *(str(word) for word in words)])
        code = 0
        capfd.readouterr()
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        captured = capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def selected(tmp_path) -> Iterator[Project]:
    """Six scored rows and two selections, the store given back."""
    project = Project.create(tmp_path / "p")
    rows = [{"instruction": f"Ask {n}", "output": f"Answer {n}"} for n in range(6)]
    import_and_score(project, (write_jsonl(tmp_path / "chats.jsonl", rows), "chat"))
    select_all(project)
    select_best(project, 2)
    release(project.store_path)
    yield project
    release(project.store_path)
