"""One way of reading every option that takes a share, a share or a number of rows, a count, or another number."""

from contextlib import nullcontext

import pytest
import typer

from lobass_core.cli.main import app
from lobass_core.cli.number_option import count, number, share, share_or_rows
from lobass_core.errors import RequestError
from lobass_core.specs.checks import check_recipe
from tests.cli.test_numbers import numbers

NONE = "not a number"
OUT = "must be a share above 0 and at most 1, such as 0.5 or 50%"
SPLIT = "must be a share below 100 %, such as 0.02 or 2%, or a whole number of rows"
LEAST = "must be 0 or more"
# What is typed: as a share, as a share or a number of rows, as a count, as another number of 0 or more.
READ: list[tuple[str, float | str, float | str, int | str, float | str]] = [
    ("0.5", 0.5, 0.5, "not a whole number", 0.5),
    ("0,5", 0.5, 0.5, "not a whole number", 0.5),
    ("50%", 0.5, 0.5, "must be a whole number, not a share", "must be a number, not a share"),
    ("100 %", 1.0, SPLIT, "must be a whole number, not a share", "must be a number, not a share"),
    ("100,0%", 1.0, SPLIT, "must be a whole number, not a share", "must be a number, not a share"),
    ("150%", OUT, SPLIT, "must be a whole number, not a share", "must be a number, not a share"),
    ("0%", OUT, 0.0, "must be a whole number, not a share", "must be a number, not a share"),
    ("1", 1.0, 1.0, 1, 1.0),
    ("1.0", 1.0, "1.0 can mean one row or all rows", 1, 1.0),
    ("100", OUT, 100.0, 100, 100.0),
    ("1.5", OUT, SPLIT, "not a whole number", 1.5),
    ("0", OUT, 0.0, 0, 0.0),
    ("-1", OUT, LEAST, LEAST, LEAST),
    ("-0.5", OUT, LEAST, "not a whole number", LEAST),
    ("1e3", OUT, 1000.0, 1000, 1000.0),
    ("2k", OUT, 2000.0, 2000, 2000.0),
    ("60,000", "60,000 can mean 60 or 60000", "60,000 can mean 60 or 60000", 60000, "60,000 can mean 60 or 60000"),
    ("9007199254740993", OUT, 9007199254740992.0, 9007199254740993, 9007199254740992.0),
    ("nan", NONE, NONE, NONE, NONE),
    ("inf", NONE, NONE, NONE, NONE),
    ("half", NONE, NONE, NONE, NONE),
    ("", NONE, NONE, NONE, NONE),
]
PARSERS = (share("--x"), share_or_rows("--x"), count("--x", least=0), number("--x", least=0))


@pytest.mark.parametrize("row", READ, ids=[f"{k}-{row[0]}" for k, row in enumerate(READ)])
def test_how_a_number_is_read(row: tuple) -> None:
    for parse, wanted in zip(PARSERS, row[1:], strict=True):
        try:
            read = parse(row[0])
        except typer.BadParameter as error:
            assert error.message.removeprefix(f"{row[0]}: ") == wanted
        else:
            assert (read, type(read)) == (wanted, type(wanted))


def test_every_option_that_takes_a_number_is_read_so() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    others = []
    for command, option, _ in numbers():
        (param,) = [one for one in commands[command].params if option in one.opts]
        if getattr(param.type_descriptor.parameter_info.parser, "__module__", "") != number.__module__:
            others.append(f"{command} {option}")
    assert others == ["demo --port", "serve --port"]


@pytest.mark.parametrize(("budgets", "words"), [("100", OUT), ("6%,nan", NONE), ("0", OUT), ("150%", OUT)])
def test_budgets_of_an_experiment_are_shares(lobass, tmp_path, budgets: str, words: str) -> None:
    lobass("init", tmp_path / "p")
    ran = lobass("validate", "--project", tmp_path / "p", "--budgets", budgets, "--plan")
    assert ran.exit_code == 2
    assert f"--budgets: {words}" in " ".join(ran.err.split())


@pytest.mark.parametrize(("epochs", "is_refused"), [("1e9", True), ("1001", True), ("0", True), ("1000", False)])
def test_more_epochs_than_a_plan_can_hold_are_refused(epochs: str, is_refused: bool) -> None:
    with pytest.raises(RequestError, match="Use --epochs above 0 and at most 1,000") if is_refused else nullcontext():
        check_recipe(float(epochs), 0.0, 1024, 8)
