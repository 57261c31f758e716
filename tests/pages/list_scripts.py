"""The Browse list's scripts in the node that playwright brings: plain functions and classes that need no page.

run("acts.push(1); return acts", "outbox.js", given={...})      `given` is a variable of the body
"""

import json
import subprocess
from pathlib import Path

from playwright._impl._driver import compute_driver_executable

from pages.components import sample_list

FOLDER = Path(sample_list.__file__).parent


def run(body: str, *scripts: str, given: object = None, after: str = "") -> object:
    """What the body returns, with these scripts before it, and `after` them what stands in for parts of them.

    The entry point of a component is called `entry`.
    """
    node, _ = compute_driver_executable()
    source = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in scripts)
    source = source.replace("export default function", "function entry")
    source += f"""
{after}
const given = JSON.parse(require("fs").readFileSync(0, "utf8"))
const answer = (() => {{ {body} }})()
process.stdout.write(JSON.stringify(answer ?? null))
process.exit(0)
"""
    done = subprocess.run([node, "-e", source], input=json.dumps(given), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
