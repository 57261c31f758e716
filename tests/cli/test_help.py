"""Help screens: whole option names at any width, whole sentences in the list, and examples that the commands accept."""

import shlex
from collections.abc import Iterator

import pytest
import typer.main
from typer.testing import CliRunner

from lobass_core.cli.examples import EXAMPLES
from lobass_core.cli.main import app

ROOT = typer.main.get_command(app)


def _named(command=ROOT, name: str = "") -> Iterator[tuple[str, object]]:
    nested = getattr(command, "commands", None)
    if nested is None:
        yield name, command
    for part, one in (nested or {}).items():
        yield from _named(one, f"{name} {part}".strip())


COMMANDS = dict(_named())


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_narrow_terminal_gets_every_option_whole_and_an_example(name: str) -> None:
    shown = CliRunner().invoke(app, [*name.split(), "--help"], terminal_width=80).output
    shown_options = [param for param in COMMANDS[name].params if not getattr(param, "hidden", False)]
    options = [part for param in shown_options for part in (*param.opts, *param.secondary_opts)]
    assert [option for option in options if option.startswith("--") and option not in shown] == []
    assert "…" not in shown
    assert f"Examples:\n    {EXAMPLES[name][0]}\n" in shown


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_command_accepts_its_examples(name: str) -> None:
    for line in EXAMPLES[name]:
        program, *words = shlex.split(line)
        assert [program, *words[: len(name.split())]] == ["lobass", *name.split()]
        COMMANDS[name].make_context(name, words[len(name.split()) :])


def test_the_list_of_commands_has_whole_sentences() -> None:
    shown = CliRunner().invoke(app, ["--help"], terminal_width=80).output
    assert "..." not in shown.partition("Commands:")[2]
    assert "Import one or more files of instruction data as a dataset," in shown


def test_there_are_no_examples_of_commands_that_do_not_exist() -> None:
    assert set(EXAMPLES) == set(COMMANDS)
