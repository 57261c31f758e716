"""A real dashboard asked by raw requests, and sent the signals that end it."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.workflows.serve import APP, Served, ServeSpec, check_free, free_port, start
from tests.eventually import eventually

pytestmark = pytest.mark.slow

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "streamlit",
}
# One of each kind that the server has; SCRIPT stands for a script that the front page names.
ROUTES = [
    ("GET", "/"), ("HEAD", "/"), ("GET", "/browse"), ("GET", "/no/such/page"), ("GET", "SCRIPT"),
    ("GET", "/favicon.png"), ("GET", "/_stcore/health"), ("GET", "/_stcore/host-config"),
    ("GET", "/_stcore/metrics"), ("GET", "/lobass/server"),
    ("GET", "/_stcore/agent/openapi.json"), ("GET", "/media/none.png"), ("GET", "/component/none/index.html"),
    ("GET", "/_stcore/bidi-components/none/index.js"), ("PUT", "/_stcore/upload_file/a/b"),
    ("DELETE", "/_stcore/upload_file/a/b"), ("OPTIONS", "/_stcore/upload_file/a/b"), ("GET", "/auth/login"),
    ("WEBSOCKET", "/_stcore/stream"),
]  # fmt: skip


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("serve")
    project = Project.create(folder / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOBASS_CACHE", str(folder / "cache"))
        running = start(project.root, ServeSpec(port=free_port(), open_browser=False), folder / "log")
    yield running
    running.stop()


def ask(port: int, method: str, path: str, headers: list[tuple[str, str]]) -> http.client.HTTPResponse:
    """One request with these headers and no others."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    is_socket = method == "WEBSOCKET"
    connection.putrequest("GET" if is_socket else method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in [*headers, *(UPGRADE.items() if is_socket else [])]:
        connection.putheader(name, value)
    if method == "PUT":
        connection.putheader("Content-Length", "0")
    connection.endheaders()
    answer = connection.getresponse()
    if answer.status != 101:
        answer.read()
    connection.close()
    return answer


def owner(dashboard: Served, **changes: str) -> dict[str, str]:
    address = f"127.0.0.1:{dashboard.port}"
    cookie = f"lobass-{dashboard.port}={dashboard.token}"
    return {"Host": address, "Origin": f"http://{address}", "Cookie": cookie} | changes


@pytest.fixture(scope="module")
def script(dashboard: Served) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=20)
    connection.request("GET", "/", headers=owner(dashboard))
    found = re.search(rb'src="\./(static/js/index\.[^"]+)"', connection.getresponse().read())
    assert found
    return "/" + found[1].decode()


@pytest.fixture(scope="module")
def forgery_token(dashboard: Served) -> str:
    """What Streamlit itself asks of uploads."""
    given = ask(dashboard.port, "GET", "/_stcore/health", list(owner(dashboard).items())).headers["Set-Cookie"]
    return re.fullmatch("_streamlit_xsrf=([^;]+);.*", given)[1]


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=lambda value: value.strip("/").replace("/", "-") or "front")
def test_every_route_answers_its_owner_and_nobody_else(
    dashboard: Served, script: str, forgery_token: str, method: str, path: str
):
    path = script if path == "SCRIPT" else path
    mine = owner(dashboard)
    mine |= {"Cookie": f"_streamlit_xsrf={forgery_token}; {mine['Cookie']}", "X-Xsrftoken": forgery_token}
    assert ask(dashboard.port, method, path, list(mine.items())).status not in (401, 403)
    strangers = {
        "a rebound name": mine | {"Host": "evil.example", "Origin": "http://evil.example"},
        "a rebound name and no origin": {"Host": f"evil.example:{dashboard.port}", "Cookie": mine["Cookie"]},
        "another port": mine | {"Origin": "http://127.0.0.1:9"},
        "the address of the machine": mine | {"Origin": f"http://192.168.1.2:{dashboard.port}"},
        "a sandboxed frame": mine | {"Origin": "null"},
        "no cookie": {"Host": mine["Host"], "Origin": mine["Origin"]},
        "another token": mine | {"Cookie": mine["Cookie"][:-1] + ("a" if mine["Cookie"][-1] != "a" else "b")},
        "no name": {"Origin": mine["Origin"], "Cookie": mine["Cookie"]},
    }
    answers = {name: ask(dashboard.port, method, path, list(said.items())) for name, said in strangers.items()}
    # A request without Host is none, and uvicorn may say so itself.
    assert answers.pop("no name").status in (400, 403)
    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(answers, 403)
    # Not even a browser that asks whether it may ask is told more.
    assert not any(answer.headers["Access-Control-Allow-Origin"] for answer in answers.values())
    twice = [*mine.items(), ("Host", "evil.example")]
    assert ask(dashboard.port, method, path, twice).status in (400, 403)


def test_the_address_that_is_printed_opens_the_dashboard_and_the_token_leaves_it(dashboard: Served):
    assert f"Dashboard of project: {dashboard.url()}\n" in dashboard.log()
    host = [("Host", f"127.0.0.1:{dashboard.port}")]
    opened = ask(dashboard.port, "GET", f"/browse?q=x&token={dashboard.token}", host)
    assert (opened.status, opened.headers["Location"]) == (303, "./browse?q=x")
    assert opened.headers["Cache-Control"] == "no-store"
    cookie, *attributes = opened.headers["Set-Cookie"].split("; ")
    assert attributes == ["Path=/", "HttpOnly", "SameSite=Strict"]
    assert ask(dashboard.port, "GET", "/browse?q=x", [*host, ("Cookie", cookie)]).status == 200


def test_the_token_stands_on_no_command_line(dashboard: Served):
    assert dashboard.token not in " ".join(psutil.Process(dashboard.process.pid).cmdline())


def test_no_token_leaves_the_other_questions_and_nohup_keeps_it_when_the_terminal_closes(tmp_path: Path):
    project = Project.create(tmp_path / "project")
    proxy = "https://data.example.com"
    spec = ServeSpec(port=free_port(), open_browser=False, ask_token=False, allow_origins=(proxy,))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        running = start(project.root, spec, tmp_path / "log")
    finally:
        signal.signal(signal.SIGHUP, before)
    try:
        assert running.token == ""
        assert f"Behind the proxy: {proxy}/\n" in running.log()
        running.process.send_signal(signal.SIGHUP)
        own = {"Host": f"127.0.0.1:{spec.port}", "Origin": f"http://127.0.0.1:{spec.port}"}
        for said, http_status, socket_status in (
            (own, 200, 101),
            ({"Host": "data.example.com", "Origin": proxy}, 200, 101),
            (own | {"Origin": proxy}, 200, 101),
            (own | {"Origin": "http://127.0.0.1:9"}, 403, 403),
            (own | {"Host": "evil.example"}, 403, 403),
        ):
            assert ask(spec.port, "GET", "/", list(said.items())).status == http_status
            assert ask(spec.port, "WEBSOCKET", "/_stcore/stream", list(said.items())).status == socket_status
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=20) == 0
    finally:
        running.stop()


def open_tab(port: int, token: str) -> socket.socket:
    """A websocket as a page has it, which nobody reads from and which does not answer when it is closed."""
    tab = socket.create_connection(("127.0.0.1", port), timeout=20)
    lines = {**UPGRADE, "Host": f"127.0.0.1:{port}", "Origin": f"http://127.0.0.1:{port}"}
    lines["Cookie"] = f"lobass-{port}={token}"
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    tab.sendall(f"GET /_stcore/stream HTTP/1.1\r\n{head}\r\n".encode())
    assert tab.recv(12) == b"HTTP/1.1 101"
    return tab


def printed(pattern: str, log_path: Path, process: subprocess.Popen) -> re.Match[str]:
    """What a dashboard prints when it is up."""
    said = eventually(
        lambda: re.search(pattern, log_path.read_text()), lambda found: found or process.poll() is not None, 60
    )
    assert said, log_path.read_text()
    return said


# Tests that run under nohup hand on that hangups are ignored, which `serve` honours.
COMMAND = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); from lobass_core.cli.main import main; main()"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_it_within_two_seconds_with_an_open_tab(tmp_path: Path, monkeypatch, number: signal.Signals):
    monkeypatch.setenv("LOBASS_CACHE", str(tmp_path / "cache"))
    project = Project.create(tmp_path / "project")
    # The command begins as another process does not: with the store in its hands.
    release(project.store_path)
    port, log_path = free_port(), tmp_path / "log"
    words = ["serve", "--project", str(project.root), "--port", str(port), "--no-browser"]
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *words],
            cwd=APP.parent, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    said = printed(r"token=(\S+)", log_path, process)
    tab = open_tab(port, said[1])
    # Nothing is left behind by whatever ends the one process, SIGKILL among it.
    assert psutil.Process(process.pid).children() == []
    began = time.monotonic()
    process.send_signal(number)
    assert process.wait(timeout=20) == 0
    assert time.monotonic() - began < 2
    check_free(port)
    tab.close()
    assert log_path.read_text().splitlines()[1:] == ["Press Ctrl-C to stop it. Runs continue."]


def test_streamlit_started_by_hand_asks_for_the_token_too(tmp_path: Path):
    project = Project.create(tmp_path / "project")
    release(project.store_path)
    port, log_path = free_port(), tmp_path / "log"
    environment = {**os.environ, "LOBASS_PROJECT": str(project.root), "LOBASS_CACHE": str(tmp_path / "cache")}
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"],
            cwd=APP.parent, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        said = printed(rf"http://127\.0\.0\.1:{port}/\?token=(\S+)", log_path, process)
        host = [("Host", f"127.0.0.1:{port}")]
        assert ask(port, "GET", "/", host).status == 403
        assert ask(port, "GET", "/", [*host, ("Cookie", f"lobass-{port}={said[1]}")]).status == 200
    finally:
        process.kill()
        process.wait()


def test_a_taken_port_is_said_before_anything_starts(lobass_port_taken: int, tmp_path: Path):
    with pytest.raises(RequestError, match=f"port {lobass_port_taken} is taken"):
        start(tmp_path, ServeSpec(port=lobass_port_taken), tmp_path / "log")
    assert not (tmp_path / "log").exists()


@pytest.fixture
def lobass_port_taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]
