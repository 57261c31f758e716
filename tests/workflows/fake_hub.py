"""A local stand-in for the Hub's API: one public dataset, and a gated one that a token opens."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def fake_hub(files: dict[str, bytes], token: str) -> Iterator[tuple[str, list[str]]]:
    """Serves `org/open` to all and `org/gated` to the token; gives the endpoint and the paths of fetched files."""
    fetched: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            path = self.path.partition("?")[0]
            parts = path.removeprefix("/api").strip("/").split("/")
            repo = "/".join(parts[1:3])
            if repo not in ("org/open", "org/gated"):
                return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            if repo == "org/gated" and self.headers.get("authorization") != f"Bearer {token}":
                return self._send(403, b"{}", {"X-Error-Code": "GatedRepo"})
            revision = parts[4] if len(parts) > 4 else "main"
            if revision not in ("main", COMMIT):
                return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            if path.startswith("/api") and parts[3:4] == ["tree"]:
                listed = [
                    {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                    for name, data in files.items()
                ]
                return self._send(200, json.dumps(listed).encode())
            if path.startswith("/api"):
                siblings = [{"rfilename": name} for name in files]
                return self._send(200, json.dumps({"id": repo, "sha": COMMIT, "siblings": siblings}).encode())
            data = files["/".join(parts[5:])]
            if self.command == "GET":
                fetched.append("/".join(parts[5:]))
            return self._send(200, data, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT})

        def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", fetched
    finally:
        server.shutdown()
        server.server_close()
