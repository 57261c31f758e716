"""lobass doctor"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.text import Text

from lobass_core.cli.options import JsonOption, MaskOption, MaxTokensOption, RevisionOption, TemplateOption
from lobass_core.cli.output import print_json, print_table, stdout, warn
from lobass_core.errors import RequestError
from lobass_core.jobs.run_results import PreviewRow, RenderResult
from lobass_core.project import Project
from lobass_core.specs import ModelSpec, RenderSpec
from lobass_core.words.terminal_text import printable
from lobass_core.workflows import doctor as workflow
from lobass_core.workflows.project_repair import repair as mend


def register(app: typer.Typer) -> None:
    """Add `lobass doctor`."""
    app.command("doctor")(doctor)


def doctor(
    row: Annotated[
        int | None, typer.Argument(help="With --render: number of the record in the file, starting at 0.")
    ] = None,
    project: Annotated[
        Path | None, typer.Option("--project", "-p", help="Also check this project.", envvar="LOBASS_PROJECT")
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair what can be repaired. The store is copied before it is changed.")
    ] = False,
    render: Annotated[
        Path | None, typer.Option("--render", help="Show record ROW of this file as the model will read it.")
    ] = None,
    tokenizer: Annotated[
        str, typer.Option("--tokenizer", help="With --render: model whose tokenizer to use, as for --base.")
    ] = "",
    revision: RevisionOption = "",
    template: TemplateOption = "",
    max_tokens: MaxTokensOption = 0,
    mask: MaskOption = "all",
    json: JsonOption = False,
) -> None:
    """Check this machine and a project; or, with --render FILE ROW, show one record's tokens and what is scored.

    A project check covers the store, run folders, checksums, models, arms of experiments, exports and files left by
    killed processes, also where they exported to outside of the project.
    The last column says what --repair would do.
    """
    if repair and not project:
        raise RequestError("--repair needs a project", do="Run lobass doctor --project FOLDER --repair.")
    if render is None:
        _check(project, repair, json)
        return
    if row is None or not tokenizer:
        raise RequestError(
            "--render needs a record and a tokenizer", do="Run lobass doctor --render FILE ROW --tokenizer PATH."
        )
    shown = workflow.render_record(
        render,
        row,
        tokenizer=ModelSpec(tokenizer, revision=revision),
        render=RenderSpec(template, mask, max_tokens),  # type: ignore[arg-type]
    )
    if json:
        print_json(asdict(shown))
    else:
        _draw(shown)


def _check(folder: Path | None, repair: bool, json: bool) -> None:
    """Check, mend what can be mended if that is asked, and say what there is then."""
    project = Project.open(folder) if folder else None
    done = mend(project) if project and repair else []
    checks = workflow.check(project)
    if json:
        listed = [check.to_dict() for check in checks]
        print_json({"repaired": done, "checks": listed} if repair else listed)
    else:
        for sentence in done:
            stdout.print(sentence, markup=False)
        print_table(
            ("check", "result", "details", "--repair"),
            [(check.name, check.verdict, check.detail, check.repair) for check in checks],
        )
    if any(check.verdict == "bad" for check in checks):
        raise typer.Exit(1)


def _draw(shown: RenderResult) -> None:
    """The rendered text with the scored tokens underlined, then a token a line; why nothing is scored, if so."""
    preview = shown.preview[0]
    n_scored = sum(token.response for token in preview.tokens)
    stdout.print(
        f"[bold]template[/bold] {escape(shown.template)}   [bold]tokens[/bold] {len(preview.tokens):,}   "
        f"[bold]scored[/bold] {n_scored:,}   [bold]status[/bold] {preview.status}"
    )
    if preview.reason:
        warn(f"nothing is scored: {preview.reason}")
    for note in preview.notes:
        warn(note)
    if not preview.tokens:
        return
    stdout.print(_marked_text(preview))
    print_table(
        ("position", "id", "scored", "text"),
        [
            (position, token.id, "yes" if token.response else "", text)
            for position, (token, text) in enumerate(zip(preview.tokens, _token_texts(preview), strict=True))
        ],
    )


def _marked_text(preview: PreviewRow) -> Text:
    """The text that is read, each character once: several tokens may share one, and some white space has none."""
    whole, printed = Text(), 0
    for token in preview.tokens:
        # The limit may have cut the prompt in its middle; white space between two tokens was read all the same.
        between = preview.text[printed : token.start]
        whole.append(printable(between if between.isspace() else ""), style="dim")
        piece = preview.text[max(printed, token.start) : token.end]
        whole.append(printable(piece), style="bold underline green" if token.response else "dim")
        printed = max(printed, token.end)
    return whole


def _token_texts(preview: PreviewRow) -> list[str]:
    """Each token's text, quoted; where several make up one character, which of them it is."""
    places = [(token.start, token.end) for token in preview.tokens]
    texts = []
    for position, (start, end) in enumerate(places):
        first = position
        while first and end - start == 1 and places[first - 1] == (start, end):
            first -= 1
        last = position
        while last + 1 < len(places) and end - start == 1 and places[last + 1] == (start, end):
            last += 1
        part = f" part {position - first + 1} of {last - first + 1}" if last > first else ""
        texts.append(repr(preview.text[start:end]) + part)
    return texts
