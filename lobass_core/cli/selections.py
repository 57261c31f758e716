"""lobass selections"""

import shlex
from typing import Annotated

import typer

from lobass_core.cli.number_option import count
from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption
from lobass_core.cli.output import print_facts, print_json, print_table, warn
from lobass_core.errors import RequestError
from lobass_core.store.former_states import GoneRow
from lobass_core.words.terminal_text import shortened
from lobass_core.workflows import select as workflow


def register(app: typer.Typer) -> None:
    """Add `lobass selections`."""
    app.command("selections")(selections)


def selections(
    project: ProjectOption = DEFAULT_PROJECT,
    rename: Annotated[str, typer.Option("--rename", help="Selection to rename; --to gives the new name.")] = "",
    duplicate: Annotated[str, typer.Option("--duplicate", help="Selection to copy; --to names the copy.")] = "",
    delete: Annotated[str, typer.Option("--delete", help="Selection to delete; --undelete restores it.")] = "",
    undelete: Annotated[
        int | None, typer.Option("--undelete", parser=count("--undelete"), help="Id of a deleted selection to restore.")
    ] = None,
    to: Annotated[str, typer.Option("--to", help="New name.")] = "",
    gone: Annotated[
        str,
        typer.Option("--gone", help="List the rows of this selection that are gone after updates of their datasets."),
    ] = "",
    deleted: Annotated[
        bool, typer.Option("--deleted", help="List the deleted selections, which can be restored.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """List, rename, copy, delete and restore saved selections, and list the rows that one has lost."""
    opened = open_project(project)
    if sum((bool(rename), bool(duplicate), bool(delete), undelete is not None)) > 1:
        raise RequestError(
            "these options cannot be combined", do="Use one of --rename, --duplicate, --delete and --undelete."
        )
    if gone:
        _show_gone(workflow.gone(opened, gone), json)
        return
    if rename:
        workflow.rename(opened, rename, to)
    elif duplicate:
        workflow.duplicate(opened, duplicate, to)
    elif delete:
        selection_id = workflow.delete(opened, delete)
        line = f"lobass selections --undelete {selection_id} --project {shlex.quote(str(opened.root))}"
        print_facts(f"Deleted {delete}", [("to restore it", line)])
        return
    elif undelete is not None:
        workflow.undelete(opened, undelete)
    listed = workflow.list_selections(opened, deleted=deleted)
    if json:
        print_json([selection.to_dict() for selection in listed])
        return
    print_table(
        ("id", "name", "rows", "response tokens", "method", "balance", "made"),
        [
            (
                s.selection_id,
                s.name,
                s.n_kept,
                s.known_tokens,
                s.spec["method"],
                s.spec["balance"],
                s.made_at,
            )
            for s in listed
        ],
    )
    for one in listed:
        if lost := workflow.gone_in_words(one):
            warn(f"{lost}.")
        if dropped := workflow.dropped_in_words(opened, one):
            warn(f"{dropped}: lobass select with the same settings and --replace.")


def _show_gone(gone: list[GoneRow], json: bool) -> None:
    if json:
        print_json([one.to_dict() for one in gone])
        return
    fates = {"changed": "replaced by another text", "gone": "gone", "undone": "its update was undone"}
    print_table(
        ("rank", "dataset", "row", "sample", "what happened", "prompt"),
        [
            (one.pick_rank, one.dataset, one.row_index, one.sample_id[:12], fates[one.fate], shortened(one.prompt, 80))
            for one in gone
        ],
    )
