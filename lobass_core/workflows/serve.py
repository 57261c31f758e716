"""Open the dashboard over one project.

The process becomes the dashboard. With a second one, a signal, a closed terminal or a kill would reach the first alone
and leave the other behind.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, NoReturn

from lobass_core.errors import LobassError, RequestError
from lobass_core.project import Project
from lobass_core.store.connection import release

PACKAGE = Path(__file__).parents[1]
HOST = "127.0.0.1"
# The settings of a dashboard, for its own process. The token never travels this way.
SETTINGS = "LOBASS_SERVE"
ROOT = "LOBASS_PROJECT"
TOKEN = "token"
START_SECONDS = 120.0
STOP_SECONDS = 10.0
_ORIGIN = re.compile(r"(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(\d{1,5}))?/?")
DEFAULT_PORTS = {"http": "80", "https": "443"}


def dashboard(package: Path) -> Path:
    """The program of the dashboard: a wheel has it inside the package, a clone of the repository beside it.

    Inside first: beside an installed package, an `app.py` may be anybody's.
    """
    inside = package / "_dashboard" / "app.py"
    return inside if inside.is_file() else package.parent / "app.py"


APP = dashboard(PACKAGE)


@dataclass(frozen=True, slots=True)
class ServeSpec:
    """How the dashboard is served on 127.0.0.1.

    `allow_origins` are addresses under which a proxy offers it, as a browser shows them: https://data.example.com.
    Without `ask_token` whoever reaches the port is let in; with `new_token` older addresses and cookies stop working.
    """

    port: int = 8501
    open_browser: bool = True
    ask_token: bool = True
    new_token: bool = False
    allow_origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "allow_origins", tuple(origin_of(text) for text in self.allow_origins))


def origin_of(text: str) -> str:
    """An origin as browsers write it: lower case, without the port that its scheme implies.

    Raises:
        RequestError: it is none.
    """
    match = _ORIGIN.fullmatch(text.strip().lower())
    if match is None:
        raise RequestError(
            f"{text!r} is not the origin of a page",
            do="Use the scheme and host that the browser's address bar shows: --allow-origin https://data.example.com.",
        )
    scheme, host, port = match.groups()
    return f"{scheme}://{host}" + (f":{port}" if port and port != DEFAULT_PORTS[scheme] else "")


def cookie_name(port: int | str) -> str:
    """Cookies do not know ports: two dashboards under one name would each overwrite that of the other."""
    return f"lobass-{port}"


def settings() -> ServeSpec | None:
    """What `serve` asked of this process; None where something else started it."""
    text = os.environ.get(SETTINGS)
    if not text:
        return None
    values = json.loads(text)
    return ServeSpec(**{**values, "allow_origins": tuple(values["allow_origins"])})


def served_root() -> Path:
    """The project folder of this dashboard: the one that `lobass serve --project` named, else the current folder."""
    return Path(os.environ.get(ROOT) or Path.cwd()).expanduser().resolve()


def serve(project: Project, spec: ServeSpec) -> NoReturn:
    """Turn this process into the dashboard; it ends with 0 when it is stopped. It prints its address itself.

    Raises:
        RequestError: the port is taken, or the dashboard's files are missing.
    """
    command = _command()
    check_free(spec.port)
    # A file that stays open through the change of program would stay locked.
    release(project.store_path)
    environment = _environment(project.root, spec)
    sys.stdout.flush()
    sys.stderr.flush()
    # Streamlit also reads .streamlit/config.toml from the working folder: that of another project must not count.
    os.chdir(APP.parent)
    os.execve(command[0], command, environment)


@contextmanager
def served(root: Path, spec: ServeSpec, log_path: Path) -> Iterator["Served"]:
    """A dashboard in its own process, its output in a log, for the length of the block."""
    running = start(root, spec, log_path)
    try:
        yield running
    finally:
        running.stop()


@dataclass(frozen=True, slots=True)
class Served:
    """A running dashboard. `token` opens it; empty where none is asked."""

    port: int
    token: str
    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def address(self) -> str:
        """Where it is, without the token."""
        return f"http://{HOST}:{self.port}"

    def url(self, page: str = "") -> str:
        """Address of a page, which may have a query, with the token."""
        mark = "&" if "?" in page else "?"
        return f"{self.address}/{page}" + (f"{mark}{TOKEN}={self.token}" if self.token else "")

    def cookie(self) -> dict[str, str]:
        """What a browser keeps once it has opened `url()`, as Playwright's `add_cookies` takes it."""
        return {"name": cookie_name(self.port), "value": self.token, "url": self.address}

    def log(self) -> str:
        """What the dashboard has printed."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """Ask it to stop, and wait until it has."""
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(root: Path, spec: ServeSpec, log_path: Path) -> Served:
    """Start a dashboard in its own process and wait until it has printed its address.

    Raises:
        LobassError: the port is taken, or it did not start.
    """
    command = _command()
    check_free(spec.port)
    release(root / "store.duckdb")
    with log_path.open("wb") as log:
        process = _launch(command, _environment(root, spec), log)
    address = re.compile(rf"http://{re.escape(HOST)}:{spec.port}/(?:\?{TOKEN}=([\w-]+))?")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        printed = address.search(log_path.read_text(encoding="utf-8", errors="replace"))
        if printed:
            return Served(spec.port, printed[1] or "", process, log_path)
        time.sleep(0.1)
    process.kill()
    process.wait()
    raise LobassError("the dashboard did not start", where=str(log_path), do="See the log.")


def _launch(command: list[str], environment: dict[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, cwd=APP.parent, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        start_new_session=True,
    )  # fmt: skip


def _command() -> list[str]:
    if not APP.is_file():
        raise RequestError(
            "the dashboard's files are missing",
            where=str(APP),
            do="Install the LoBaSS wheel again, or work from a clone of the repository with pip install -e .",
        )
    return [sys.executable, str(APP)]


def _environment(root: Path, spec: ServeSpec) -> dict[str, str]:
    # PWD: where paths that a person types begin, whatever folder Streamlit runs in.
    own = {ROOT: str(root), SETTINGS: json.dumps(asdict(spec)), "PWD": str(Path.cwd())}
    return {**os.environ, **own}


def check_free(port: int) -> None:
    """Raises RequestError where another program listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise RequestError(f"port {port} is taken", where=HOST, do="Use another --port.") from error


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
