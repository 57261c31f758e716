"""lobass serve"""

from typing import Annotated

import typer

from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, ProjectOption
from lobass_core.cli.output import stderr
from lobass_core.workflows import serve as workflow


def register(app: typer.Typer) -> None:
    """Add `lobass serve`."""
    app.command("serve")(serve)


def serve(
    project: ProjectOption = DEFAULT_PROJECT,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on 127.0.0.1.")] = 8501,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser window.")] = False,
) -> None:
    """Open the dashboard on this machine; Ctrl-C stops it, runs go on."""
    opened = open_project(project)
    stderr.print(f"Dashboard of {opened.name}: http://127.0.0.1:{port}", markup=False)
    raise typer.Exit(workflow.serve(opened, port=port, open_browser=not no_browser))
