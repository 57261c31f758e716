"""The `lobass` application: registers every command and turns errors into one message and an exit code."""

import os
import sys
import traceback

import typer

from lobass_core import __version__
from lobass_core.cli import (
    browse,
    bundle,
    clean,
    compare,
    decide,
    decisions,
    demo,
    diagnose,
    doctor,
    export,
    filters,
    import_data,
    import_scores,
    init,
    overlap,
    rejects,
    runs,
    score,
    scores,
    select,
    selections,
    serve,
    set_domain,
    status,
    train_reference,
    validate,
)
from lobass_core.cli.examples import add_examples
from lobass_core.cli.output import print_error, stderr
from lobass_core.cli.read_only import offer_read_only
from lobass_core.errors import LobassError
from lobass_core.store.connection import announce_upgrades, announce_waits

app = typer.Typer(
    name="lobass",
    help="Which part of this instruction data is worth training on? Score, select and export by learnability.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # The panels of rich cut the names of options at 80 columns.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"lobass {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Which part of this instruction data is worth training on?"""


for command in (
    init,
    import_data,
    import_scores,
    rejects,
    set_domain,
    train_reference,
    score,
    scores,
    select,
    selections,
    compare,
    diagnose,
    validate,
    browse,
    filters,
    decide,
    decisions,
    overlap,
    export,
    status,
    runs,
    doctor,
    clean,
    bundle,
    serve,
    demo,
):
    command.register(app)
add_examples(app)
offer_read_only(app)


def main() -> None:
    """Entry point: exit code 0 on success, 1 or 2 with one message otherwise, never a traceback."""
    announce_waits(lambda holder: stderr.print(f"Waiting for the project's store, in use by {holder}.", markup=False))
    announce_upgrades(lambda sentence: stderr.print(sentence, markup=False))
    try:
        app()
    except LobassError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # `lobass scores | head` closes our stdout; nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        stderr.print(f"error: {error.strerror or error} ({error.filename or 'no file named'}).", markup=False)
        sys.exit(1)
    except Exception as error:
        if os.environ.get("LOBASS_TRACEBACK"):
            traceback.print_exc()
        stderr.print(f"error: internal error, {type(error).__name__}: {error}", markup=False)
        stderr.print(
            "  Please report it: run the same command with LOBASS_TRACEBACK=1 and include the output.", markup=False
        )
        sys.exit(1)
