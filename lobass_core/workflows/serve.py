"""Open the dashboard over one project."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from lobass_core.errors import RequestError
from lobass_core.project import Project

APP = Path(__file__).parents[2] / "app.py"


def serve(project: Project, *, port: int = 8501, open_browser: bool = True) -> int:
    """Run the dashboard on 127.0.0.1 until it is stopped, and return its exit code.

    Raises:
        RequestError: the port is taken, or the dashboard's files are not beside the package.
    """
    if not APP.is_file():
        raise RequestError(
            "the dashboard's files are not installed beside the package",
            where=str(APP),
            do="Work from a clone of the repository: pip install -e .",
        )
    _check_free(port)
    command = [
        sys.executable, "-m", "streamlit", "run", str(APP),
        "--server.address", "127.0.0.1",
        "--server.port", str(port),
        "--server.headless", "false" if open_browser else "true",
    ]  # fmt: skip
    # Streamlit reads .streamlit/config.toml from the working folder.
    process = subprocess.Popen(command, cwd=APP.parent, env={**os.environ, "LOBASS_PROJECT": str(project.root)})
    try:
        return process.wait()
    except KeyboardInterrupt:
        # Ctrl-C reached the dashboard as well; give it the time to close its sessions.
        process.wait(timeout=10)
        return 0


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise RequestError(
                f"port {port} is taken", where="127.0.0.1", do="Give another one with --port."
            ) from error
