"""lobass demo"""

from pathlib import Path
from typing import Annotated

import typer

from lobass_core.cli.follow import followed
from lobass_core.cli.options import JsonOption
from lobass_core.cli.output import print_facts, print_json, stderr
from lobass_core.project import Project
from lobass_core.words.plural import plural
from lobass_core.workflows import demo as workflow
from lobass_core.workflows.demo import REAL_MINUTES, DemoResult
from lobass_core.workflows.pretrained import MEGABYTES, NAME
from lobass_core.workflows.serve import ServeSpec, check_free, serve


def register(app: typer.Typer) -> None:
    """Add `lobass demo`."""
    app.command("demo")(demo)


def demo(
    project: Annotated[Path, typer.Argument(help="Folder of the demo project.")] = Path("demo"),
    real: Annotated[
        bool,
        typer.Option(
            "--real",
            help=f"Score the data with {NAME} instead of first training a small base. Downloads {MEGABYTES} MB once "
            f"and takes about {REAL_MINUTES} minutes on two cores.",
        ),
    ] = False,
    small: Annotated[
        bool, typer.Option("--small", help="Use a quarter of the data; takes about a minute on two cores.")
    ] = False,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Build the project and stop.")] = False,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the dashboard.")] = 8501,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser window.")] = False,
    json: JsonOption = False,
) -> None:
    """Build a small demo project with real training and scoring, and open it in the dashboard."""
    if not no_serve:
        # Better now than after minutes of work.
        check_free(port)
    workflow.begin(project, real=real, small=small)
    if not workflow.is_ready(project):
        stderr.print(
            f"{_forecast(real, small)} You can interrupt it at any time; the same command resumes it.", markup=False
        )
    with followed() as on_progress:
        result = workflow.demo(project, on_progress, real=real, small=small)
    if json:
        print_json(result.to_dict())
    else:
        print_facts("The demo project is ready", facts_of(result))
    if not no_serve:
        serve(Project.open(project), ServeSpec(port=port, open_browser=not no_browser))


def facts_of(result: DemoResult) -> list[tuple[str, object]]:
    """What was built; the seconds are of no interest for a project that was there."""
    facts: list[tuple[str, object]] = [
        ("folder", result.project),
        ("rows", result.n_rows),
        ("rejected", result.n_rejected),
        ("base", result.base),
        ("reference", result.reference),
        ("scored by run", result.run_id),
        ("selection", f"{result.selection}, {plural(result.n_selected, 'row')}"),
        ("export", result.export),
    ]
    return facts if result.was_ready else [*facts, ("seconds", round(result.seconds, 1))]


def _forecast(real: bool, small: bool) -> str:
    """What is about to be done, and how long it takes."""
    rows = f"{workflow.n_sound_rows(small):,} sample rows"
    minutes = workflow.minutes(real=real, small=small)
    time = "about a minute" if minutes == 1 else f"about {minutes} minutes"
    if real:
        return f"{NAME} is fine-tuned on {rows}, and both models score them. This takes {time} on this machine."
    return (
        f"A small base model is trained and fine-tuned on {rows}, and both models score them. This takes {time} "
        "on this machine."
    )
