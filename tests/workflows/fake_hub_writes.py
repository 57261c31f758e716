"""A local stand-in for the part of the Hub's API that writes: repositories, preupload, large files and commits."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Repository:
    """One dataset of the Hub: its files, its commits, and who may read it."""

    private: bool
    files: dict[str, bytes] = field(default_factory=lambda: {".gitattributes": b""})
    commits: list[str] = field(default_factory=list)  # messages

    @property
    def head(self) -> str:
        return hashlib.sha1(f"{len(self.commits)}".encode()).hexdigest()


@dataclass
class WritableHub:
    """`datasets` by ORG/NAME; the token may write to those of `org` alone."""

    endpoint: str = ""
    token: str = "hf_right"
    datasets: dict[str, Repository] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)  # by sha256
    moves_on: bool = False  # somebody else commits before we do


@contextmanager
def writable_hub() -> Iterator[WritableHub]:
    """Serves an empty Hub; Parquet files go through its store for large files."""
    hub = WritableHub()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer(b"")

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self._body())

        def do_PUT(self) -> None:
            hub.large[self.path.rpartition("/")[2]] = self._body()
            self._send(200, {})

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _answer(self, body: bytes) -> None:
            given = self.headers.get("authorization")
            if given != f"Bearer {hub.token}":
                return self._send(401, {"error": "Invalid credentials in Authorization header"})
            path = self.path.partition("?")[0].strip("/")
            if path == "api/repos/create":
                return self._create(json.loads(body))
            if path == "api/validate-yaml":
                errors = [{"message": "license is not known"}] if b"made-up" in body else []
                return self._send(400 if errors else 200, {"errors": errors, "warnings": []})
            parts = path.removeprefix("api/").split("/")
            repo_id = "/".join(parts[1:3]).removesuffix(".git")
            if repo_id not in hub.datasets:
                return self._send(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
            if not path.startswith("api/"):
                if parts[3] == "info":
                    return self._large_files(json.loads(body))
                return self._file(hub.datasets[repo_id], "/".join(parts[5:]))
            if parts[3:4] == ["preupload"]:
                return self._preupload(hub.datasets[repo_id], json.loads(body))
            if parts[3:4] == ["commit"]:
                return self._commit(repo_id, [json.loads(line) for line in body.splitlines()])
            return self._info(repo_id)

        def _create(self, asked: dict) -> None:
            if asked["organization"] != "org":
                return self._send(403, {"error": "You don't have the rights to create a dataset there"})
            repo_id = f"org/{asked['name']}"
            if repo_id in hub.datasets:
                return self._send(409, {"error": "You already created this dataset repo"})
            hub.datasets[repo_id] = Repository(asked.get("visibility") == "private")
            return self._send(200, {"url": f"{hub.endpoint}/datasets/{repo_id}"})

        def _info(self, repo_id: str) -> None:
            found = hub.datasets[repo_id]
            siblings = [{"rfilename": name} for name in found.files]
            self._send(200, {"id": repo_id, "sha": found.head, "private": found.private, "siblings": siblings})

        def _file(self, found: Repository, name: str) -> None:
            if name not in found.files:
                return self._send(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
            data = found.files[name]
            return self._send(200, data, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": found.head})

        def _preupload(self, found: Repository, asked: dict) -> None:
            def mode(path: str) -> str:
                return "lfs" if path.endswith(".parquet") else "regular"

            def oid(path: str) -> str | None:
                data = found.files.get(path)
                if data is None:
                    return None
                is_large = path.endswith(".parquet")
                return hashlib.sha256(data).hexdigest() if is_large else _git_sha(data)

            self._send(
                200,
                {
                    "files": [
                        {"path": one["path"], "uploadMode": mode(one["path"]), "shouldIgnore": False,
                         "oid": oid(one["path"])}
                        for one in asked["files"]
                    ]
                },
            )  # fmt: skip

        def _large_files(self, asked: dict) -> None:
            objects = [
                {**one, "actions": {"upload": {"href": f"{hub.endpoint}/large/{one['oid']}"}}}
                for one in asked["objects"]
            ]
            self._send(200, {"transfer": "basic", "objects": objects})

        def _commit(self, repo_id: str, lines: list[dict]) -> None:
            found = hub.datasets[repo_id]
            if hub.moves_on:
                found.commits.append("by somebody else")
            head, *operations = lines
            parent = head["value"].get("parentCommit")
            if parent and parent != found.head:
                return self._send(412, {"error": "A commit has happened since"})
            for line in operations:
                value = line["value"]
                if line["key"] == "file":
                    found.files[value["path"]] = base64.b64decode(value["content"])
                elif line["key"] == "lfsFile":
                    found.files[value["path"]] = hub.large[value["oid"]]
                elif line["key"] == "deletedFile":
                    del found.files[value["path"]]
            found.commits.append(head["value"]["summary"])
            url = f"{hub.endpoint}/datasets/{repo_id}/commit/{found.head}"
            return self._send(200, {"commitUrl": url, "commitOid": found.head})

        def _send(self, status: int, body: dict | bytes, headers: dict[str, str] | None = None) -> None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            if isinstance(body, dict) and "error" in body:
                self.send_header("X-Error-Message", body["error"])
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def _git_sha(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
