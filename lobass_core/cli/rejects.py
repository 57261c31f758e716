"""lobass rejects"""

from pathlib import Path
from typing import Annotated

import typer

from lobass_core.cli.number_option import count
from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption
from lobass_core.cli.output import print_facts, print_json, print_table
from lobass_core.words.plural import plural
from lobass_core.words.terminal_text import shortened
from lobass_core.workflows import import_data as workflow


def register(app: typer.Typer) -> None:
    """Add `lobass rejects`."""
    app.command("rejects")(rejects)


def rejects(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.", show_default="all")] = "",
    project: ProjectOption = DEFAULT_PROJECT,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Write the full rows to this file (.csv or .jsonl) instead of showing them."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", parser=count("--limit", least=1), help="Number of rows to show.")
    ] = 20,
    json: JsonOption = False,
) -> None:
    """Show the rows that imports rejected, with line and reason, or write them to a file."""
    opened = open_project(project)
    if to is not None:
        n_written = workflow.write_rejects(opened, to, dataset)
        if json:
            print_json({"file": str(to), "n_written": n_written})
        else:
            print_facts(f"Wrote {plural(n_written, 'rejected row')}", [("file", to)])
        return
    rejects = workflow.list_rejects(opened, dataset, limit)
    if json:
        print_json([reject.to_dict() for reject in rejects])
        return
    print_table(
        ("dataset", "file", "row", "line", "reason", "source"),
        [(r.dataset, r.file, r.row_index, r.line, r.reason, shortened(r.source, 120)) for r in rejects],
    )
