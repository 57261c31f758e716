"""lobass init"""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from lobass_core.cli.options import JsonOption
from lobass_core.cli.output import print_facts, print_json
from lobass_core.project import Project


def register(app: typer.Typer) -> None:
    """Add `lobass init`."""
    app.command("init")(init)


def init(
    project: Annotated[Path, typer.Argument(help="Folder to create the project in.")],
    json: JsonOption = False,
) -> None:
    """Create an empty project."""
    made = Project.create(project)
    if json:
        print_json({"project": str(made.root)})
    else:
        print_facts(
            f"Project {made.name} is ready",
            [
                ("folder", made.root),
                ("next", f"lobass import FILE --project {shlex.quote(str(project))} --domain NAME"),
            ],
        )
