"""What the gate before the dashboard costs a request: python benchmarks/gate.py

The head of the same static file, asked of a server with the gate and of one without it, in turns over one connection
each. Without a body no answer waits for the kernel to fill a packet.
"""

import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lobass_core.project import Project
from lobass_core.workflows.serve import APP, HOST, ServeSpec, free_port, served

N_REQUESTS = 3000
FILE = "/favicon.png"
OPEN_SERVER = """
import runpy, sys
app = runpy.run_path(sys.argv[1])["app"]
app._user_middleware = [one for one in app._user_middleware if one.cls.__name__ != "Gate"]
app.run(config={"server.address": "127.0.0.1", "server.port": int(sys.argv[2]), "server.headless": True})
"""


def seconds(connection: http.client.HTTPConnection, headers: dict[str, str]) -> float:
    """How long one request takes."""
    began = time.perf_counter()
    connection.request("HEAD", FILE, headers=headers)
    answer = connection.getresponse()
    answer.read()
    took = time.perf_counter() - began
    assert answer.status == 200, answer.status
    return took


def connected(port: int) -> http.client.HTTPConnection:
    """A connection, once the server listens."""
    connection = http.client.HTTPConnection(HOST, port)
    for _ in range(600):
        try:
            connection.connect()
            return connection
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def main() -> None:
    """Print both medians and their difference."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = Project.create(folder / "project")
        port = free_port()
        environment = {**os.environ, "LOBASS_PROJECT": str(project.root), "PYTHONPATH": str(APP.parent)}
        command = [sys.executable, "-c", OPEN_SERVER, str(APP), str(port)]
        spec = ServeSpec(port=free_port(), open_browser=False)
        with served(project.root, spec, folder / "log") as dashboard:
            opened = subprocess.Popen(command, cwd=APP.parent, env=environment, stderr=subprocess.DEVNULL)
            try:
                gated, open_ = connected(spec.port), connected(port)
                cookie = {"Cookie": f"{dashboard.cookie()['name']}={dashboard.token}"}
                pairs = [(seconds(gated, cookie), seconds(open_, cookie)) for _ in range(N_REQUESTS)][
                    N_REQUESTS // 10 :
                ]
            finally:
                opened.kill()
                opened.wait()
    with_gate, without = (1e6 * statistics.median(times) for times in zip(*pairs, strict=True))
    difference = 1e6 * statistics.median(a - b for a, b in pairs)
    print(f"{FILE}: {with_gate:,.0f} µs with the gate, {without:,.0f} µs without; {difference:,.0f} µs between pairs")


if __name__ == "__main__":
    main()
