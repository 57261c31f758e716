"""Run `lobass` in this process, as the shell would."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import pytest
import typer.main

from lobass_core.cli.main import main
from lobass_core.project import Project
from lobass_core.store.connection import release
from tests.copied_project import copied
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


# Typer builds all commands anew for every command line, which takes longer than most of them run.
commands_built_once = cache(typer.main.get_command)


@pytest.fixture
def lobass(monkeypatch, capfd) -> Callable[..., Ran]:
    """Call with the words of a command line; stdout and stderr are those of the process."""
    monkeypatch.delenv("LOBASS_PROJECT", raising=False)
    monkeypatch.setattr(typer.main, "get_command", commands_built_once)

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


@pytest.fixture(scope="session")
def selected_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Six scored rows and two selections; to be copied."""
    folder = tmp_path_factory.mktemp("selected")
    project = Project.create(folder / "p")
    rows = [{"instruction": f"Ask {n}", "output": f"Answer {n}"} for n in range(6)]
    import_and_score(project, (write_jsonl(folder / "chats.jsonl", rows), "chat"))
    select_all(project)
    select_best(project, 2)
    return project


@pytest.fixture
def selected(selected_once: Project, tmp_path) -> Iterator[Project]:
    """Six scored rows and two selections, the store given back."""
    project = copied(selected_once, tmp_path)
    release(project.store_path)
    yield project
    release(project.store_path)
