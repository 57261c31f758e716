"""The Browse list's scripts in node, where there is one: plain functions and classes that need no page.

run("acts.push(1); return acts", "outbox.js", given={...})      `given` is a variable of the body
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from pages.components import sample_list

FOLDER = Path(sample_list.__file__).parent


def run(body: str, *scripts: str, given: object = None) -> object:
    """What the body returns, with these scripts before it."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine: the list is checked in the browser tests alone")
    source = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in scripts)
    source += f"""
const given = JSON.parse(require("fs").readFileSync(0, "utf8"))
const answer = (() => {{ {body} }})()
process.stdout.write(JSON.stringify(answer ?? null))
process.exit(0)
"""
    done = subprocess.run([node, "-e", source], input=json.dumps(given), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
