"""lobass serve"""

from typing import Annotated

import typer

from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, ProjectOption
from lobass_core.workflows import serve as workflow
from lobass_core.workflows.serve import ServeSpec


def register(app: typer.Typer) -> None:
    """Add `lobass serve`."""
    app.command("serve")(serve)


def serve(
    project: ProjectOption = DEFAULT_PROJECT,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on 127.0.0.1.")] = 8501,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser window.")] = False,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-origin",
            metavar="ADDRESS",
            help="Address at which a proxy serves the dashboard, such as https://data.example.com. Repeatable.",
        ),
    ] = None,
    no_token: Annotated[
        bool,
        typer.Option(
            "--no-token",
            help="Require no token: anyone who can reach the port can use the project. For use behind a proxy with "
            "sign-in.",
        ),
    ] = False,
    new_token: Annotated[
        bool,
        typer.Option("--new-token", help="Create a new token; addresses and browsers with the old one stop working."),
    ] = False,
) -> None:
    """Open the dashboard on this machine. Ctrl-C stops the dashboard; runs continue.

    The printed address contains a token, which the browser stores as a cookie. Nobody can open the dashboard without
    it: no other site or port, and no other user of this machine. The token stays the same after a restart.
    """
    workflow.serve(
        open_project(project),
        ServeSpec(
            port=port,
            open_browser=not no_browser,
            ask_token=not no_token,
            new_token=new_token,
            allow_origins=tuple(allow_origin or ()),
        ),
    )
