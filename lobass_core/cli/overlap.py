"""lobass overlap"""

from pathlib import Path
from typing import Annotated

import typer

from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, DatasetsOption, JsonOption, ProjectOption, names
from lobass_core.cli.output import print_facts, print_json, print_table, stdout, warn
from lobass_core.words.plural import plural
from lobass_core.workflows import decide
from lobass_core.workflows import overlap as workflow

# So that a pipeline stops: 0 is no overlap, 1 and 2 are errors.
FOUND = 3
MOST_SHOWN = 20
ACTION = "To exclude these rows: lobass select ... --exclude-overlap. To see them: lobass browse --flag in_evaluation."
SHOWN_WORDS = 60


def register(app: typer.Typer) -> None:
    """Add `lobass overlap`."""
    app.command("overlap")(overlap)


def overlap(
    files: Annotated[list[str], typer.Argument(help="Evaluation files, in any format that lobass import reads.")],
    project: ProjectOption = DEFAULT_PROJECT,
    datasets: DatasetsOption = "",
    near: Annotated[bool, typer.Option("--near/--no-near", help="Also look for near duplicates.")] = True,
    tag: Annotated[str, typer.Option("--tag", help="Tag these samples, so that Browse can filter them.")] = "",
    drop: Annotated[bool, typer.Option("--drop", help="Drop these samples, so that no selection keeps them.")] = False,
    json: JsonOption = False,
) -> None:
    """Find samples that share 13 words in a row with an evaluation file, or nearly equal a row of it.

    The result is recorded: lobass select --exclude-overlap excludes these samples, and lobass browse --flag
    in_evaluation lists them. The exit code is 3 if there are any, so that a pipeline can stop.
    """
    opened = open_project(project)
    paths = [str(Path(path).expanduser()) for path in files]
    shared = workflow.overlap(opened, paths, datasets=names(datasets), near=near)
    if opened.is_read_only:
        warn("The project is read-only: what was found is not recorded.")
    else:
        workflow.record(opened, shared)
    ids = [row.sample_id for row in shared.rows]
    if ids and tag:
        decide.act_on(opened, ids, "tag", tag)
    if ids and drop:
        decide.decide(opened, ids, "drop", "overlaps with an evaluation file")
    if json:
        print_json(shared.to_dict())
    else:
        _print(shared, tag, drop)
    if shared.rows:
        raise typer.Exit(FOUND)


def _print(shared: workflow.Overlap, tag: str, drop: bool) -> None:
    print_table(("file", "rows", "samples with 13 words in common", "near duplicates"), shared.by_file())
    for row in shared.rows[:MOST_SHOWN]:
        what = f"{row.words[:SHOWN_WORDS]}…" if row.is_exact else "near duplicate"
        print_facts(f"{row.sample_id[:12]}  {row.dataset}", [(f"{Path(row.file).name}, row {row.other_row}", what)])
    if len(shared.rows) > MOST_SHOWN:
        print_facts(f"and {len(shared.rows) - MOST_SHOWN:,} more; --json lists all of them", [])
    if shared.rows:
        stdout.print(ACTION, markup=False)
    done = [*(["tagged"] if tag else []), *(["dropped"] if drop else [])]
    if shared.rows and done:
        print_facts(f"{plural(len(shared.rows), 'sample')} {' and '.join(done)}", [])
