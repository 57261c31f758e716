"""lobass selections"""

from typing import Annotated

import typer

from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption
from lobass_core.cli.output import print_facts, print_json, print_table
from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.workflows import select as workflow


def register(app: typer.Typer) -> None:
    """Add `lobass selections`."""
    app.command("selections")(selections)


def selections(
    project: ProjectOption = DEFAULT_PROJECT,
    rename: Annotated[str, typer.Option("--rename", help="Selection to rename; --to gives the new name.")] = "",
    duplicate: Annotated[str, typer.Option("--duplicate", help="Selection to copy; --to names the copy.")] = "",
    delete: Annotated[str, typer.Option("--delete", help="Selection to put aside.")] = "",
    undelete: Annotated[int | None, typer.Option("--undelete", help="Id of a deleted one to bring back.")] = None,
    to: Annotated[str, typer.Option("--to", help="New name.")] = "",
    deleted: Annotated[bool, typer.Option("--deleted", help="List those that can be brought back.")] = False,
    json: JsonOption = False,
) -> None:
    """List, rename, copy, delete and bring back saved selections."""
    opened = Project.open(project)
    if sum((bool(rename), bool(duplicate), bool(delete), undelete is not None)) > 1:
        raise RequestError("one thing at a time", do="Give one of --rename, --duplicate, --delete and --undelete.")
    if rename:
        workflow.rename(opened, rename, to)
    elif duplicate:
        workflow.duplicate(opened, duplicate, to)
    elif delete:
        selection_id = workflow.delete(opened, delete)
        print_facts(f"Deleted {delete}", [("to bring it back", f"lobass selections --undelete {selection_id}")])
        return
    elif undelete is not None:
        workflow.undelete(opened, undelete)
    found = workflow.list_selections(opened, deleted=deleted)
    if json:
        print_json([selection.to_dict() for selection in found])
        return
    print_table(
        ("id", "name", "rows", "response tokens", "method", "balance", "made"),
        [
            (s.selection_id, s.name, s.n_kept, s.tokens_kept, s.spec["method"], s.spec["balance"], s.made_at)
            for s in found
        ],
    )
