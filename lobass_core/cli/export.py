"""lobass export"""

from pathlib import Path
from typing import Annotated

import typer

from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption
from lobass_core.cli.output import print_facts, print_json, print_table, progress_bar, warn
from lobass_core.errors import RequestError
from lobass_core.exporting.findings import Preflight
from lobass_core.exporting.plan import ExportReceipt
from lobass_core.project import Project
from lobass_core.specs import ExportSpec
from lobass_core.workflows import export as workflow


def register(app: typer.Typer) -> None:
    """Add `lobass export`."""
    app.command("export")(export)


def export(
    to: Annotated[Path, typer.Option("--to", help="Folder to write; made if it is not there.")],
    project: ProjectOption = DEFAULT_PROJECT,
    selection: Annotated[str, typer.Option("--selection", help="Name of a saved selection.")] = "",
    format: Annotated[
        str,
        typer.Option(
            "--format",
            help="messages, alpaca, sharegpt, prompt-completion, source, parquet, huggingface, axolotl, "
            "llama-factory, trl or tokens.",
        ),
    ] = "messages",
    with_dropped: Annotated[
        bool, typer.Option("--with-dropped", help="Also write the rows left out, each with its reason.")
    ] = False,
    license: Annotated[str, typer.Option("--license", help="Licence to state in the dataset card.")] = "",
    language: Annotated[
        str, typer.Option("--language", help="Languages to state in the dataset card, by commas: en,de.")
    ] = "",
    replay: Annotated[
        Path | None, typer.Option("--replay", help="A manifest.json: write the same bytes again.")
    ] = None,
    preflight: Annotated[
        bool, typer.Option("--preflight", help="Say what the trainer would do with these rows; write nothing.")
    ] = False,
    cutoff_tokens: Annotated[
        int, typer.Option("--cutoff-tokens", min=0, help="With --preflight: the trainer's limit; 0 is its own.")
    ] = 0,
    check: Annotated[
        bool,
        typer.Option(
            "--check/--no-check", help="Compare every row with the tokens that were scored before it is kept."
        ),
    ] = True,
    validation: Annotated[
        float,
        typer.Option(
            "--validation",
            min=0,
            help="Rows to set aside in files of their own, near duplicates together: a share below 1, or a number.",
        ),
    ] = 0.0,
    seed: Annotated[int, typer.Option("--seed", help="Draws the validation rows.")] = 0,
    order: Annotated[
        str, typer.Option("--order", help="file: as in the sources; rank: the best score first.")
    ] = "file",
    weight: Annotated[
        bool, typer.Option("--weight", help="With messages and parquet: the score as a column, 1 on average.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Write a saved selection for a trainer, with a manifest that can be replayed."""
    opened = Project.open(project)
    if bool(selection) == bool(replay):
        raise RequestError("an export needs one source", do="Give --selection NAME or --replay MANIFEST.")
    if replay:
        with progress_bar() as show:
            receipt = workflow.replay(opened, replay, to, lambda done, total: show("Exporting", done, total, "rows"))
        _show(receipt, json)
        return
    spec = ExportSpec(
        selection=selection,
        to=str(to),
        format=format,  # type: ignore[arg-type]
        with_dropped=with_dropped,
        license=license,
        languages=tuple(filter(None, (part.strip() for part in language.split(",")))),
        cutoff_tokens=cutoff_tokens,
        check=check,
        validation=validation,
        seed=seed,
        order=order,  # type: ignore[arg-type]
        weight=weight,
    )
    if preflight:
        _show_preflight(workflow.preflight(opened, spec), json)
        return
    with progress_bar() as show:
        receipt = workflow.export(opened, spec, lambda done, total: show("Exporting", done, total, "rows"))
    _show(receipt, json)


def _show(receipt: ExportReceipt, json: bool) -> None:
    if json:
        print_json(receipt.to_dict())
        return
    facts = [("folder", receipt.folder), ("format", receipt.format), ("manifest sha256", receipt.manifest_sha256)]
    if receipt.n_validation:
        facts.insert(2, ("rows for validation", f"{receipt.n_validation:,}"))
    print_facts(f"Exported {receipt.n_written:,} of {receipt.n_selected:,} selected rows", facts)
    print_table(
        ("file", "rows", "bytes", "sha256"),
        [(file.name, file.rows, file.n_bytes, file.sha256) for file in receipt.files],
    )
    for reason, n_rows in receipt.not_written.items():
        rows = "1 row does" if n_rows == 1 else f"{n_rows:,} rows do"
        warn(f"{rows} not fit {receipt.format}: {reason}")
    for note in receipt.notes:
        warn(note)


def _show_preflight(found: Preflight, json: bool) -> None:
    if json:
        print_json(found.to_dict())
        return
    facts = [("format", found.format), ("trainer", found.trainer or "none"), ("left to learn from", found.n_left)]
    if found.n_unknown:
        facts.append(("of unknown length", found.n_unknown))
    print_facts(f"What would become of {found.n_rows:,} rows", facts)
    print_table(("rows", "effect", "what", "why"), [(f.n_rows, f.effect, f.what, f.why) for f in found.findings])
