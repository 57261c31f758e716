"""lobass filters"""

from typing import Annotated

import typer

from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption
from lobass_core.cli.output import print_json, print_table
from lobass_core.errors import RequestError
from lobass_core.workflows import saved_filters as workflow


def register(app: typer.Typer) -> None:
    """Add `lobass filters`."""
    app.command("filters")(filters)


def filters(
    project: ProjectOption = DEFAULT_PROJECT,
    rename: Annotated[str, typer.Option("--rename", help="Filter to rename; --to gives the new name.")] = "",
    delete: Annotated[str, typer.Option("--delete", help="Filter to delete; rows and decisions are kept.")] = "",
    to: Annotated[str, typer.Option("--to", help="New name.")] = "",
    json: JsonOption = False,
) -> None:
    """List, rename and delete saved filters. lobass browse --save NAME saves one, --saved NAME uses it."""
    opened = open_project(project)
    if rename and delete:
        raise RequestError("--rename and --delete cannot be combined", do="Use one of them.")
    if bool(to) != bool(rename):
        raise RequestError("--rename and --to belong together", do="Use --rename NAME --to NAME.")
    if rename:
        workflow.rename(opened, rename, to)
    elif delete:
        workflow.delete(opened, delete)
    saved = workflow.list_filters(opened)
    if json:
        print_json([one.to_dict() for one in saved])
        return
    print_table(("name", "filter", "made"), [(one.name, one.query, one.made_at) for one in saved])
