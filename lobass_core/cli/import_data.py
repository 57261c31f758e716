"""lobass import and undo-import"""

from typing import Annotated

import typer

from lobass_core.cli import import_options as options
from lobass_core.cli.import_shown import show_preview, show_result
from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption, pairs
from lobass_core.cli.output import print_facts, progress_bar
from lobass_core.cli.update_dataset import undo, update_with
from lobass_core.errors import RequestError
from lobass_core.specs import ImportSpec
from lobass_core.workflows import import_data as workflow


def register(app: typer.Typer) -> None:
    """Add `lobass import` and `lobass undo-import`."""
    app.command("import")(import_data)
    app.command("undo-import")(undo_import)


def import_data(
    path: options.PathsArgument = None,
    project: ProjectOption = DEFAULT_PROJECT,
    domain: options.DomainOption = "",
    name: options.NameOption = "",
    format: options.FormatOption = "auto",
    map: options.MapOption = "",
    role: options.RoleOption = None,
    text_only: options.TextOnlyOption = False,
    list_name: options.ListOption = "",
    split: options.SplitOption = "",
    config: options.ConfigOption = "",
    revision: options.DataRevisionOption = "",
    exclude: options.ExcludeOption = None,
    skip_lines: options.SkipLinesOption = 0,
    max_record_mb: options.MaxRecordOption = 0,
    domain_column: options.DomainColumnOption = "",
    domain_rule: options.DomainRuleOption = None,
    encoding: options.EncodingOption = "auto",
    preview: options.PreviewOption = 0,
    update: options.UpdateOption = "",
    undo_last: options.UndoOption = False,
    yes: options.YesOption = False,
    json: JsonOption = False,
) -> None:
    """Import one or more files of instruction data as a dataset, or update a dataset from newer files.

    Rows that cannot be read are rejected; lobass rejects lists them with file, line and reason.
    """
    asked = {
        "path": path[0] if path else "",
        "more_paths": tuple(path[1:]) if path else (),
        "split": split,
        "config": config,
        "revision": revision,
        "exclude": tuple(exclude or ()),
        "domain": domain,
        "name": name,
        "format": format,
        "mapping": options.mapping(map),
        "domain_column": domain_column,
        "domain_rules": tuple(options.domain_rule(text) for text in domain_rule or []),
        "encoding": encoding,
        "roles": tuple(pair for text in role or [] for pair in pairs(text, "--role")),
        "text_only": text_only,
        "skip_lines": skip_lines,
        "row_list": list_name,
        "max_record_mb": max_record_mb,
    }
    opened = open_project(project)
    if update:
        if undo_last and preview:
            raise RequestError("--undo cannot be combined with --preview", do="Remove --preview.")
        if undo_last:
            undo(opened, update, json)
        else:
            update_with(opened, update, asked, dry_run=preview > 0, yes=yes, json=json)
        return
    if undo_last:
        raise RequestError("--undo needs --update", do="Use --update NAME --undo, or lobass undo-import NAME.")
    if not path:
        raise RequestError("no file given", do="Run lobass import FILE --domain NAME.")
    spec = ImportSpec(**asked)  # type: ignore[arg-type]
    if preview:
        show_preview(opened, spec, preview, json)
        return
    with progress_bar() as show:
        result = workflow.import_file(opened, spec, lambda done, total: show("Importing rows", done, total))
    show_result(opened, result, json)


def undo_import(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")], project: ProjectOption = DEFAULT_PROJECT
) -> None:
    """Remove an imported dataset, unless a selection contains rows from it. Its losses are kept.

    To undo only an update, run lobass import --update NAME --undo.
    """
    n_rows = workflow.undo_import(open_project(project), dataset)
    print_facts(f"Removed {dataset}", [("rows", n_rows)])
