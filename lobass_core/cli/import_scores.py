"""lobass import-scores and score-columns"""

from typing import Annotated

import typer

from lobass_core.cli.import_options import ConfigOption, DataRevisionOption, SplitOption
from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption
from lobass_core.cli.output import print_facts, print_json, print_table, progress_bar, warn
from lobass_core.errors import RequestError
from lobass_core.specs import IfNamed, ScoreFileSpec
from lobass_core.words.plural import plural
from lobass_core.workflows import import_scores as workflow
from lobass_core.workflows.import_scores import ImportedScores

DIRECTIONS = {"better": True, "worse": False}

FileArgument = Annotated[
    str,
    typer.Argument(help="JSON, JSONL, CSV, TSV, Parquet or Arrow: a file, a folder or a dataset on the Hub."),
]
NameOption = Annotated[str, typer.Option("--name", help="Name of the score column.", show_default=False)]
KeyOption = Annotated[
    str,
    typer.Option(
        "--key",
        help="How a line names its row: sample-id (column sample_id), row (column row_index or row, else the "
        "position in the file, counted from 0), or a column that the imported records also have, such as "
        "id.",
    ),
]
DatasetOption = Annotated[
    str,
    typer.Option("--dataset", help="Dataset whose rows are scored.", show_default="given by the file, else all"),
]
ColumnOption = Annotated[
    str,
    typer.Option(
        "--column",
        help="Column with the values; scores.depth is the value depth inside scores.",
        show_default="the column named like --name, else the only one left",
    ),
]
HigherIsOption = Annotated[
    str, typer.Option("--higher-is", help="better or worse: whether a selection keeps high or low values.")
]
UnitOption = Annotated[str, typer.Option("--unit", help="Unit of the values, for axes and tables.")]
ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="Replace the score column of that name with these values.")
]
AddOption = Annotated[
    bool,
    typer.Option("--add", help="Add values to the score column of that name, for rows without a value."),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Match the lines and show what would be imported; write nothing.")
]


def register(app: typer.Typer) -> None:
    """Add `lobass import-scores` and `lobass score-columns`."""
    app.command("import-scores")(import_scores)
    app.command("score-columns")(score_columns)


def import_scores(
    file: FileArgument,
    name: NameOption,
    project: ProjectOption = DEFAULT_PROJECT,
    key: KeyOption = "sample-id",
    dataset: DatasetOption = "",
    column: ColumnOption = "",
    higher_is: HigherIsOption = "better",
    unit: UnitOption = "",
    replace: ReplaceOption = False,
    add: AddOption = False,
    split: SplitOption = "",
    config: ConfigOption = "",
    revision: DataRevisionOption = "",
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Import scores from other tools, one number per row or sample, as a score column next to the built-in measures.

    You can sort and filter by a score column in Browse, select by it, see it on Learnability, and export it.
    """
    if higher_is not in DIRECTIONS:
        raise RequestError(f"unknown --higher-is {higher_is!r}", do="Use --higher-is better or worse.")
    if replace and add:
        raise RequestError("--replace and --add cannot be combined", do="Use one of them.")
    if_named: IfNamed = "replace" if replace else "add" if add else "refuse"
    spec = ScoreFileSpec(
        file,
        name,
        key,
        dataset,
        column,
        unit,
        higher_is_better=DIRECTIONS[higher_is],
        if_named=if_named,
        split=split,
        config=config,
        revision=revision,
    )
    opened = open_project(project)
    with progress_bar() as show:
        imported = workflow.import_scores(
            opened, spec, lambda done, total: show("Reading lines", done, total), dry_run=dry_run
        )
    if json:
        print_json(imported.to_dict())
    else:
        _show(imported)


def _show(imported: ImportedScores) -> None:
    verb = "Would import" if imported.dry_run else "Imported"
    way = "position in the file" if imported.by_position else imported.key
    others = {
        "name no row of the project": imported.n_unmatched,
        "have no value": imported.n_missing,
        "have a value that is not a number": imported.n_not_number,
        "have a value that is not finite": imported.n_non_finite,
        "name a row that an earlier line names": imported.n_repeated,
        "name a row that already has a value": imported.n_held,
        "cannot be read or name no row": imported.n_unreadable,
    }
    print_facts(
        f"{verb} {imported.name} from {imported.file}",
        [
            ("values from the column", imported.column),
            ("rows named by", way),
            ("lines", imported.n_lines),
            ("lines that match", imported.n_matched),
            *((f"lines that {what}", n) for what, n in others.items() if n),
            ("rows with a value", imported.n_rows),
            ("rows without a value", imported.n_without),
        ],
    )
    if imported.n_differing:
        lines = plural(imported.n_differing, "repeated line has", "repeated lines have")
        warn(f"{lines} another value; the first counts.")
    if imported.lines:
        print_table(("line", "kind", "reason"), [(line, kind, reason) for kind, line, reason in imported.lines])


def score_columns(
    project: ProjectOption = DEFAULT_PROJECT,
    remove: Annotated[
        str, typer.Option("--remove", help="Score column to remove, unless a selection was made by it.")
    ] = "",
    json: JsonOption = False,
) -> None:
    """List the imported score columns, or remove one."""
    opened = open_project(project)
    if remove:
        workflow.remove_scores(opened, remove)
    listed = workflow.list_score_columns(opened)
    if json:
        print_json([column.to_dict() for column in listed])
        return
    print_table(
        ("name", "unit", "higher is", "rows with a value", "source", "by", "made"),
        [
            (
                one.name,
                one.unit,
                "better" if one.higher_is_better else "worse",
                one.n_rows,
                one.source,
                one.made_by,
                one.made_at,
            )
            for one in listed
        ],
    )
