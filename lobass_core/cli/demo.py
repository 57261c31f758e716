"""lobass demo"""

from pathlib import Path
from typing import Annotated

import typer

from lobass_core.cli.follow import followed
from lobass_core.cli.options import JsonOption
from lobass_core.cli.output import print_facts, print_json, stderr
from lobass_core.project import Project
from lobass_core.workflows import demo as workflow
from lobass_core.workflows.demo import REAL_MINUTES
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
            help=f"Score the data under {NAME} in place of a small base that is trained first. Fetched once, "
            f"{MEGABYTES} MB; about {REAL_MINUTES} minutes on two cores.",
        ),
    ] = False,
    small: Annotated[
        bool, typer.Option("--small", help="A quarter of the data, in about a minute on two cores.")
    ] = False,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Build it and stop.")] = False,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the dashboard.")] = 8501,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser window.")] = False,
    json: JsonOption = False,
) -> None:
    """Build a small real project (own data, own model, real scoring) and open the dashboard on it."""
    if not no_serve:
        # Better now than after minutes of work.
        check_free(port)
    workflow.begin(project, real=real, small=small)
    if not workflow.is_ready(project):
        stderr.print(f"{_forecast(real, small)} Interrupt it at any time; the same command resumes it.", markup=False)
    with followed() as on_progress:
        result = workflow.demo(project, on_progress, real=real, small=small)
    if json:
        print_json(result.to_dict())
    else:
        print_facts("The demo project is ready", list(result.to_dict().items()))
    if not no_serve:
        serve(Project.open(project), ServeSpec(port=port, open_browser=not no_browser))


def _forecast(real: bool, small: bool) -> str:
    """What is about to be done, and how long it takes."""
    rows = f"{workflow.n_sound_rows(small):,} sample rows"
    minutes = workflow.minutes(real=real, small=small)
    time = "about a minute" if minutes == 1 else f"about {minutes} minutes"
    if real:
        return f"{NAME} is fine-tuned on {rows} and scores them twice: {time} on this machine."
    return f"A small base model is trained, fine-tuned on {rows}, and both score them: {time} on this machine."
