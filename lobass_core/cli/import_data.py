"""lobass import, undo-import and rejects"""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption, pairs
from lobass_core.cli.output import print_facts, print_json, print_table, progress_bar
from lobass_core.errors import RequestError
from lobass_core.formats.media import counted
from lobass_core.project import Project
from lobass_core.specs import ImportSpec
from lobass_core.workflows import import_data as workflow

SHOWN_FILES = 30


def register(app: typer.Typer) -> None:
    """Add `lobass import`, `lobass undo-import` and `lobass rejects`."""
    app.command("import")(import_data)
    app.command("undo-import")(undo_import)
    app.command("rejects")(rejects)


def import_data(
    path: Annotated[
        list[str],
        typer.Argument(
            help="JSON, JSONL, CSV, TSV, Parquet or Arrow, plain or as .gz or .zst; several files, a pattern "
            "('shards/*.parquet') or a folder become one dataset, and so does a dataset of the Hub (org/name)."
        ),
    ],
    project: ProjectOption = DEFAULT_PROJECT,
    domain: Annotated[str, typer.Option("--domain", help="Data domain of the rows: math, conversation, ...")] = "",
    name: Annotated[str, typer.Option("--name", help="Name of the dataset.", show_default="the file's name")] = "",
    format: Annotated[
        str,
        typer.Option(
            "--format",
            help="auto, alpaca, sharegpt, messages, prompt-completion, preference, text, tree or columns.",
        ),
    ] = "auto",
    map: Annotated[
        str, typer.Option("--map", help="Which columns hold what: prompt=question,options,response=answer.")
    ] = "",
    role: Annotated[
        list[str] | None,
        typer.Option("--role", help="SPEAKER=ROLE for a speaker that is not known, gpt4=assistant; several times."),
    ] = None,
    text_only: Annotated[
        bool, typer.Option("--text-only", help="Import rows with images, videos or audio without them.")
    ] = False,
    list_name: Annotated[
        str,
        typer.Option("--list", help="The one list of rows to read of a JSON object with several.", show_default="all"),
    ] = "",
    split: Annotated[
        str, typer.Option("--split", help="The one split to read of a folder with several.", show_default="all")
    ] = "",
    config: Annotated[
        str,
        typer.Option(
            "--config", help="The one config to read of a folder whose README names several.", show_default="default"
        ),
    ] = "",
    revision: Annotated[
        str, typer.Option("--revision", help="Branch, tag or commit of a dataset of the Hub.", show_default="main")
    ] = "",
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", help="Name or pattern of files of a folder to leave out; several times."),
    ] = None,
    skip_lines: Annotated[
        int, typer.Option("--skip-lines", min=0, help="Lines above the header or the first record to leave out.")
    ] = 0,
    domain_column: Annotated[str, typer.Option("--domain-column", help="Column that names each row's domain.")] = "",
    domain_rule: Annotated[
        list[str] | None,
        typer.Option("--domain-rule", help="COLUMN=VALUE:DOMAIN; may be given several times, the first match wins."),
    ] = None,
    encoding: Annotated[str, typer.Option("--encoding", help="auto, utf-8, utf-16, gb18030 or cp1252.")] = "auto",
    preview: Annotated[
        int, typer.Option("--preview", min=0, help="Show N rows as they would be read; import none.")
    ] = 0,
    json: JsonOption = False,
) -> None:
    """Import instruction data: a file, or several as one dataset.

    Rows that cannot be read are kept aside with file, line and reason.
    """
    spec = ImportSpec(
        path=path[0],
        more_paths=tuple(path[1:]),
        split=split,
        config=config,
        revision=revision,
        exclude=tuple(exclude or ()),
        domain=domain,
        name=name,
        format=format,  # type: ignore[arg-type]
        mapping=_mapping(map),
        domain_column=domain_column,
        domain_rules=tuple(_rule(text) for text in domain_rule or []),
        encoding=encoding,
        roles=tuple(pair for text in role or [] for pair in pairs(text, "--role")),
        text_only=text_only,
        skip_lines=skip_lines,
        row_list=list_name,
    )
    opened = Project.open(project)
    if preview:
        _show_preview(opened, spec, preview, json)
        return
    with progress_bar() as show:
        result = workflow.import_file(opened, spec, lambda done, total: show("Importing", done, total, "rows"))
    _show_result(result, json)


def undo_import(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")], project: ProjectOption = DEFAULT_PROJECT
) -> None:
    """Take an imported file out again, unless a selection holds rows of it. Its losses are kept."""
    n_rows = workflow.undo_import(Project.open(project), dataset)
    print_facts(f"Took {dataset} out", [("rows", n_rows)])


def rejects(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.", show_default="all")] = "",
    project: ProjectOption = DEFAULT_PROJECT,
    to: Annotated[
        Path | None, typer.Option("--to", help="Write them here whole (.csv or .jsonl) instead of showing them.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many to show.")] = 20,
    json: JsonOption = False,
) -> None:
    """Show the rows that imports set aside, or write them to a file, with line and reason."""
    opened = Project.open(project)
    if to is not None:
        n_written = workflow.write_rejects(opened, to, dataset)
        if json:
            print_json({"file": str(to), "n_written": n_written})
        else:
            print_facts(f"Wrote {n_written:,} rejected rows", [("file", to)])
        return
    found = workflow.list_rejects(opened, dataset, limit)
    if json:
        print_json([reject.to_dict() for reject in found])
        return
    print_table(
        ("dataset", "file", "row", "line", "reason", "source"),
        [(r.dataset, r.file, r.row_index, r.line, r.reason, _shortened(r.source, 120)) for r in found],
    )


def _mapping(text: str) -> tuple[tuple[str, str], ...]:
    """`prompt=question,options,response=answer` as (field, columns); a part without `=` belongs to the one before."""
    parts: list[str] = []
    for part in text.split(","):
        if parts and "=" not in part:
            parts[-1] += f",{part}"
        elif part.strip():
            parts.append(part)
    found = []
    for part in parts:
        field, equals, columns = part.partition("=")
        if not (equals and field.strip() and columns.strip()):
            raise RequestError(f"{part!r} is not of the form field=column", where="--map", do="Write --map a=b,c=d.")
        found.append((field.strip(), columns.strip()))
    return tuple(found)


def _rule(text: str) -> tuple[str, str, str]:
    condition, colon, domain = text.rpartition(":")
    found = pairs(condition, "--domain-rule") if colon and domain else ()
    if len(found) != 1:
        raise RequestError(f"{text!r} is not a domain rule", do="Write --domain-rule COLUMN=VALUE:DOMAIN.")
    return (*found[0], domain.strip())


def _show_result(result: workflow.ImportResult, json: bool) -> None:
    if json:
        print_json(result.to_dict())
        return
    if result.already_imported:
        print_facts(
            f"{result.dataset} holds this file already; nothing was imported twice", [("rows", result.n_seen_before)]
        )
        return
    print_facts(
        f"Imported {result.n_imported:,} of {result.n_rows:,} rows as {result.dataset}",
        [
            ("read", result.shape),
            ("format", f"{result.detection.label}: {result.detection.reason}"),
            ("domains", ", ".join(f"{domain} {n:,}" for domain, n in result.domains.items())),
            ("seen in earlier files", result.n_seen_before),
            ("repeated in this file", result.n_duplicates),
            ("rejected", result.n_rejected),
            *_changes(result),
            ("seconds", round(result.seconds, 2)),
        ],
    )
    if result.files:
        listed = result.files if len(result.files) <= SHOWN_FILES else result.files[:SHOWN_FILES]
        print_table(("file", "imported", "rejected"), [(one.name, one.n_imported, one.n_rejected) for one in listed])
        if len(listed) < len(result.files):
            print_facts(f"and {len(result.files) - len(listed):,} more files", [("all of them", "--json")])
    if result.reasons:
        print_table(("rejected rows", "reason"), [(n, reason) for reason, n in result.reasons.items()])
        print_facts("The rejected rows are kept", [("to see them", f"lobass rejects {shlex.quote(result.dataset)}")])


def _changes(result: workflow.ImportResult) -> list[tuple[str, object]]:
    """What of the imported rows is not as it was in the file."""
    found: list[tuple[str, object]] = []
    if result.n_mended:
        found.append(("rows with U+FFFD for half characters", result.n_mended))
    if result.dropped_media:
        found.append(("left out", counted(result.dropped_media)))
    return found


def _show_preview(project: Project, spec: ImportSpec, n_rows: int, json: bool) -> None:
    shown = workflow.preview(project, spec, limit=n_rows)
    if json:
        print_json(shown.to_dict())
        return
    print_facts(
        f"{shown.path.name} would be read as {shown.detection.label}",
        [
            ("read", shown.shape),
            ("reason", shown.detection.reason),
            ("encoding", shown.encoding),
            ("columns", ", ".join(shown.columns)),
        ],
    )
    for row in shown.rows:
        turns = row.sample.turns if row.sample else ()
        facts = [(turn.role, _shortened(turn.content)) for turn in turns] or [("rejected", row.reason)]
        place = f"line {row.line:,}" + (f" of {row.file}" if shown.n_files > 1 else "")
        print_facts(f"row {row.row_index:,}, {place}, {row.domain or 'no domain'}", facts)


def _shortened(text: str, n_chars: int = 300) -> str:
    line = " ".join(text.split())
    return line if len(line) <= n_chars else f"{line[:n_chars]} … ({len(text):,} characters)"
