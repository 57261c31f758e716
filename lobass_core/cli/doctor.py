"""lobass doctor"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.text import Text

from lobass_core.cli.options import JsonOption, MaskOption, MaxTokensOption, TemplateOption
from lobass_core.cli.output import print_json, print_table, stdout
from lobass_core.errors import RequestError
from lobass_core.jobs.run_results import RenderResult
from lobass_core.project import Project
from lobass_core.specs import RenderSpec
from lobass_core.workflows import doctor as workflow


def register(app: typer.Typer) -> None:
    """Add `lobass doctor`."""
    app.command("doctor")(doctor)


def doctor(
    row: Annotated[int | None, typer.Argument(help="With --render: which record of the file, counted from 0.")] = None,
    project: Annotated[
        Path | None, typer.Option("--project", "-p", help="Also check this project.", envvar="LOBASS_PROJECT")
    ] = None,
    render: Annotated[
        Path | None, typer.Option("--render", help="Show record ROW of this file as the model will read it.")
    ] = None,
    tokenizer: Annotated[str, typer.Option("--tokenizer", help="With --render: model or tokenizer folder.")] = "",
    template: TemplateOption = "",
    max_tokens: MaxTokensOption = 0,
    mask: MaskOption = "all",
    json: JsonOption = False,
) -> None:
    """Check this machine and a project; or, with --render FILE ROW, show one record's tokens and what is scored."""
    if render is None:
        checks = workflow.check(Project.open(project) if project else None)
        if json:
            print_json([check.to_dict() for check in checks])
        else:
            print_table(("check", "result", "what it says"), [(c.name, c.verdict, c.detail) for c in checks])
        if any(check.verdict == "bad" for check in checks):
            raise typer.Exit(1)
        return
    if row is None or not tokenizer:
        raise RequestError(
            "--render needs a record and a tokenizer", do="Write: lobass doctor --render FILE ROW --tokenizer PATH."
        )
    shown = workflow.render_record(
        render,
        row,
        tokenizer=tokenizer,
        render=RenderSpec(template, mask, max_tokens),  # type: ignore[arg-type]
    )
    if json:
        print_json(asdict(shown))
    else:
        _draw(shown)


def _draw(shown: RenderResult) -> None:
    """The rendered text with the scored tokens underlined, then a token a line."""
    preview = shown.preview[0]
    n_scored = sum(token.response for token in preview.tokens)
    stdout.print(
        f"[bold]template[/bold] {escape(shown.template)}   [bold]tokens[/bold] {len(preview.tokens):,}   "
        f"[bold]scored[/bold] {n_scored:,}   [bold]status[/bold] {preview.status}"
    )
    whole = Text()
    for token in preview.tokens:
        piece = preview.text[token.start : token.end]
        whole.append(piece, style="bold underline green" if token.response else "dim")
    stdout.print(whole)
    print_table(
        ("position", "id", "scored", "text"),
        [
            (
                position,
                token.id,
                "yes" if token.response else "",
                repr(preview.text[token.start : token.end]),
            )
            for position, token in enumerate(preview.tokens)
        ],
    )
