"""The README's tour, command by command as it is written there, from import to a training on what was exported."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from lobass_core.workflows.serve import free_port

REPOSITORY = Path(__file__).parents[1]
HEADING = "## Five minutes with your own data"
N_ROWS = 100
LIMIT_SECONDS = 300
PORT = 8501


def tour() -> list[str]:
    """The commands of the README's first example, in their order."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8").split(f"{HEADING}\n", 1)[1]
    block = re.search(r"```\n(.*?)```", text, re.DOTALL)
    assert block is not None
    return [line for line in block[1].splitlines() if line.strip()]


def test_the_tour_goes_from_a_new_project_to_a_training():
    words = [line.split() for line in tour()]
    assert [" ".join(line[:2]) for line in words] == [
        "lobass init",
        "lobass import",
        "lobass import",
        "lobass train-reference",
        "lobass score",
        "lobass select",
        "lobass export",
        "lobass serve",
        "python exports/best-6/train.py",
    ]


@pytest.fixture
def folder(tmp_path: Path, real_data: Path) -> Path:
    """A folder that holds what the commands name: the first rows of two published data sets, and a pretrained model."""
    chats = json.loads((real_data / "conversation" / "alpaca_random_9k.json").read_text())[:N_ROWS]
    sums = (real_data / "math" / "gsm8k_train.jsonl").read_text().splitlines(keepends=True)[:N_ROWS]
    (tmp_path / "alpaca.json").write_text(json.dumps(chats))
    (tmp_path / "gsm8k.jsonl").write_text("".join(sums))
    (tmp_path / "path" / "or").mkdir(parents=True)
    (tmp_path / "path" / "or" / "hub-id").symlink_to(real_data / "tiny_lm" / "stories260K_hf")
    return tmp_path


@pytest.mark.real_data
@pytest.mark.real_model
def test_every_command_of_the_tour_works_as_written(folder: Path):
    programs = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
    env |= {"BROWSER": "true", "HF_HUB_OFFLINE": "1"}
    for line in tour():
        if line.startswith("lobass serve"):
            assert_serves(line, folder, env)
            continue
        done = subprocess.run(
            shlex.split(line), cwd=folder, env=env, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    manifest = json.loads((folder / "exports" / "best-6" / "manifest.json").read_text())
    assert manifest["written"]["n_rows"] == round(0.06 * 2 * N_ROWS)
    assert (folder / "trained" / "model.safetensors").is_file()


def assert_serves(line: str, folder: Path, env: dict[str, str]) -> None:
    """Start the dashboard, open the address that it prints, and stop it as Ctrl-C would; on another port
    if 8501 is taken."""
    port = PORT if is_free(PORT) else free_port()
    words = shlex.split(line) + ([] if port == PORT else ["--port", str(port)])
    log = folder / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen(words, cwd=folder, env=env, stdout=out, stderr=out, start_new_session=True)
    try:
        address = printed_address(log, port, process)
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with browser.open(address, timeout=60) as page:
            assert page.status == 200 and b"<title>" in page.read()
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=60)
    assert process.returncode == 0, log.read_text()


def printed_address(log: Path, port: int, process: subprocess.Popen) -> str:
    """The address in what the dashboard prints, as soon as it is there."""
    until = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < until and process.poll() is None:
        found = re.search(rf"http://127\.0\.0\.1:{port}/?\S*", log.read_text(errors="replace"))
        if found:
            return found[0]
        time.sleep(0.2)
    raise AssertionError(log.read_text(errors="replace"))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
