"""lobass scores"""

from pathlib import Path
from typing import Annotated

import typer

from lobass_core.cli.former_names import accepting
from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, DatasetsOption, JsonOption, ProjectOption, RunOption, names
from lobass_core.cli.output import print_facts, print_json
from lobass_core.words.plural import plural
from lobass_core.workflows import scores as workflow


def register(app: typer.Typer) -> None:
    """Add `lobass scores`."""
    app.command("scores", cls=accepting({"--output": "--to", "-o": "--to"}))(scores)


def scores(
    to: Annotated[Path, typer.Option("--to", help="File to write: .parquet, .csv or .jsonl.")],
    project: ProjectOption = DEFAULT_PROJECT,
    run: RunOption = None,
    datasets: DatasetsOption = "",
    json: JsonOption = False,
) -> None:
    """Write the scores to a file, one row per imported record."""
    n_rows = workflow.write_scores(open_project(project), to, run=run, datasets=names(datasets))
    if json:
        print_json({"output": str(to), "n_rows": n_rows})
    else:
        print_facts(f"Wrote {plural(n_rows, 'row')}", [("file", to)])
