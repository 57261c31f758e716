"""The option --read-only, which every command on a project has."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from lobass_core.files.read_only import asked_for

_OPTION = inspect.Parameter(
    "read_only",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool, typer.Option("--read-only", help="Open the project read-only and refuse any change to it.")
    ],
)


def offer_read_only(app: typer.Typer) -> None:
    """Give each command of the application that has a project the option."""
    for command in app.registered_commands:
        if command.callback and "project" in inspect.signature(command.callback).parameters:
            command.callback = _with_option(command.callback)
    for group in app.registered_groups:
        if group.typer_instance:
            offer_read_only(group.typer_instance)


def _with_option(callback: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(callback)
    def call(*args: Any, read_only: bool = False, **values: Any) -> Any:
        if not read_only:
            return callback(*args, **values)
        with asked_for():
            return callback(*args, **values)

    signature = inspect.signature(callback)
    call.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), _OPTION]
    )
    return call
