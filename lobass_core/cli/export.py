"""lobass export"""

from pathlib import Path
from typing import Annotated

import typer

from lobass_core.cli.former_names import accepting
from lobass_core.cli.number_option import count, share_or_rows
from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption
from lobass_core.cli.output import ShowProgress, print_facts, print_json, print_table, progress_bar, warn
from lobass_core.errors import RequestError
from lobass_core.specs import ExportSpec
from lobass_core.words.plural import plural
from lobass_core.workflows import export as workflow
from lobass_core.workflows import select as selections
from lobass_core.workflows.export import ExportReceipt, Preflight
from lobass_core.workflows.push_export import HubTarget, look_at_target
from lobass_core.workflows.push_export import push as push_export

SelectionOption = Annotated[str, typer.Option("--selection", help="Name of a saved selection.")]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        help="messages, alpaca, sharegpt, prompt-completion, source, parquet, huggingface, axolotl, "
        "llama-factory, trl or tokens.",
    ),
]
DroppedOption = Annotated[bool, typer.Option("--with-dropped", help="Also write the rows left out, with reasons.")]
LicenseOption = Annotated[str, typer.Option("--license", help="Licence to state in the dataset card.")]
LanguageOption = Annotated[
    str, typer.Option("--language", help="Languages to state in the dataset card, separated by commas: en,de.")
]
ReplayOption = Annotated[
    Path | None, typer.Option("--replay", help="manifest.json of an earlier export: write the same bytes again.")
]
PreflightOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what the trainer would do with these rows; write nothing.")
]
CutoffOption = Annotated[
    int,
    typer.Option(
        "--cutoff-tokens",
        parser=count("--cutoff-tokens", least=0),
        help="With --dry-run: the trainer's token limit; 0 uses its default.",
    ),
]
CheckOption = Annotated[
    bool,
    typer.Option(
        "--check/--no-check", help="Before the export is saved, compare every row with the tokens that were scored."
    ),
]
ValidationOption = Annotated[
    float,
    typer.Option(
        "--validation",
        parser=share_or_rows("--validation"),
        help="Rows to write to separate validation files, keeping near duplicates together: a share (0.02 "
        "or 2%), or a number of rows.",
    ),
]
SeedOption = Annotated[
    int, typer.Option("--seed", parser=count("--seed"), help="Seed for drawing the validation rows.")
]
OrderOption = Annotated[str, typer.Option("--order", help="file: order of the sources; rank: best score first.")]
WeightOption = Annotated[
    bool, typer.Option("--weight", help="With messages and parquet: add the score as a weight column, 1 on average.")
]
ReplaceOption = Annotated[bool, typer.Option("--replace", help="Replace another export in that folder or on the Hub.")]
PushOption = Annotated[
    str, typer.Option("--push", help="ORG/NAME: also push it to this dataset on the Hub. A new dataset is private.")
]
PublicOption = Annotated[bool, typer.Option("--public", help="With --push: make the dataset public.")]


def register(app: typer.Typer) -> None:
    """Add `lobass export`."""
    app.command("export", cls=accepting({"--preflight": "--dry-run"}))(export)


def export(
    to: Annotated[Path, typer.Option("--to", help="Folder to write to; created if missing.")],
    project: ProjectOption = DEFAULT_PROJECT,
    selection: SelectionOption = "",
    format: FormatOption = "messages",
    with_dropped: DroppedOption = False,
    license: LicenseOption = "",
    language: LanguageOption = "",
    replay: ReplayOption = None,
    preflight: PreflightOption = False,
    cutoff_tokens: CutoffOption = 0,
    check: CheckOption = True,
    validation: ValidationOption = 0.0,
    seed: SeedOption = 0,
    order: OrderOption = "file",
    weight: WeightOption = False,
    replace: ReplaceOption = False,
    push: PushOption = "",
    public: PublicOption = False,
    json: JsonOption = False,
) -> None:
    """Write a saved selection for a trainer, with a manifest that can be replayed."""
    opened = open_project(project)
    if bool(selection) == bool(replay):
        raise RequestError(
            "an export needs either a selection or a manifest", do="Use --selection NAME or --replay MANIFEST."
        )
    if public and not push:
        raise RequestError("--public applies only to a pushed dataset", do="Add --push ORG/NAME.")
    if preflight and (push or replay):
        raise RequestError("--dry-run cannot be combined with --push or --replay", do="Remove --push and --replay.")
    if replay:
        target = look_at_target(push, *workflow.named_in(replay), public=public, replace=replace) if push else None
        with progress_bar() as show:
            receipt = workflow.replay(opened, replay, to, _rows(show), replace=replace)
        _finish(receipt, target, json)
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
        replace=replace,
    )
    if dropped := selections.dropped_in_words(opened, selections.load(opened, selection)[0]):
        warn(f"{dropped}: lobass select with the same settings and --replace.")
    if preflight:
        _show_preflight(workflow.preflight(opened, spec), json)
        return
    target = look_at_target(push, selection, format, public=public, replace=replace) if push else None
    with progress_bar() as show:
        receipt = workflow.export(opened, spec, _rows(show))
    _finish(receipt, target, json)


def _rows(show: ShowProgress) -> workflow.OnProgress:
    return lambda done, total: show("Exporting rows", done, total)


def _finish(receipt: ExportReceipt, target: HubTarget | None, json: bool) -> None:
    """Push the export where that is asked, and say what was written."""
    address = push_export(target, receipt) if target else ""
    _show(receipt, address, json)


def _show(receipt: ExportReceipt, address: str, json: bool) -> None:
    if json:
        print_json(receipt.to_dict() | ({"pushed_to": address} if address else {}))
        return
    facts = [("folder", receipt.folder), ("format", receipt.format), ("manifest sha256", receipt.manifest_sha256)]
    if receipt.n_validation:
        facts.insert(2, ("validation rows", f"{receipt.n_validation:,}"))
    if address:
        facts.append(("on the Hub", address))
    print_facts(f"Exported {receipt.n_written:,} of {plural(receipt.n_selected, 'selected row')}", facts)
    print_table(
        ("file", "rows", "bytes", "sha256"),
        [(file.name, file.rows, file.n_bytes, file.sha256) for file in receipt.files],
    )
    for reason, n_rows in receipt.not_written.items():
        warn(f"{plural(n_rows, 'row does', 'rows do')} not fit {receipt.format}: {reason}")
    for note in receipt.notes:
        warn(note)


def _show_preflight(preflight: Preflight, json: bool) -> None:
    if n_gone := preflight.plan.facts["counts"].get("n_gone"):
        warn(f"{n_gone:,} more are gone after updates of their datasets: lobass selections --gone NAME")
    if json:
        print_json(preflight.to_dict())
        return
    facts = [
        ("format", preflight.format),
        ("trainer", preflight.trainer or "none"),
        ("trained on", preflight.n_left),
    ]
    if preflight.n_unknown:
        facts.append(("uncertain", preflight.n_unknown))
    print_facts(f"What the trainer would do with {plural(preflight.n_rows, 'row')}", facts)
    print_table(
        ("rows", "effect", "what", "why"), [(f.n_rows, f.effect, f.what, f.why) for f in preflight.findings if f.n_rows]
    )
