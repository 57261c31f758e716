"""One name for one option over all commands; the names that options had before are accepted and not shown."""

import pytest
import typer.main

from lobass_core.cli.main import app

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
# Command, words with the former name, the same with the name of today.
RENAMED = [
    ("scores", ["--output", "a.csv"], ["--to", "a.csv"]),
    ("scores", ["--output=a.csv"], ["--to", "a.csv"]),
    ("scores", ["-o", "a.csv"], ["--to", "a.csv"]),
    ("scores", ["-oa.csv"], ["--to", "a.csv"]),
    ("browse", ["--rows", "3"], ["--limit", "3"]),
    ("browse", ["--dataset", "a,b"], ["--datasets", "a,b"]),
    ("browse", ["--base", "1..2"], ["--base-loss", "1..2"]),
    ("browse", ["--reference", "..1"], ["--reference-loss", "..1"]),
    ("score", ["--preflight"], ["--dry-run"]),
    ("export", ["--preflight"], ["--dry-run"]),
]
# What a command cannot do without.
NEEDED = {"export": ["--to", "out"]}


def params(command: str, words: list[str]) -> dict:
    return COMMANDS[command].make_context(command, [*NEEDED.get(command, []), *words]).params


def shown(command: str) -> set[str]:
    """Every name in the command's help."""
    return {name for param in COMMANDS[command].params if not getattr(param, "hidden", False) for name in param.opts}


@pytest.mark.parametrize(("command", "former", "today"), RENAMED, ids=[f"{one[0]} {one[1][0]}" for one in RENAMED])
def test_a_former_name_means_the_same_and_is_not_shown(command: str, former: list[str], today: list[str]):
    given = params(command, former)
    assert given == params(command, today)
    assert "a.csv" in map(str, given.values()) if command == "scores" else given != params(command, [])
    assert today[0] in shown(command)
    assert not shown(command) & {former[0].partition("=")[0], former[0][:2]}


def test_a_value_that_looks_like_a_former_name_stays_a_value():
    assert params("browse", ["--text", "--rows"])["text"] == "--rows"


def test_the_help_of_status_leaves_rejects_to_its_own_command():
    assert "--rejects" not in shown("status") and "--to" in shown("rejects")
    assert str(params("status", ["--rejects", "a.csv"])["rejects"]) == "a.csv"
