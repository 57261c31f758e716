"""Build the demo in a process of its own, so that a page can start it and show how far it is.

Whoever holds `ROOT.lock` builds; the log lies beside it. Both stand outside of the demo's folder, which has to be empty
for the build to begin.
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from lobass_core.errors import LobassError
from lobass_core.jobs.run_list import list_runs
from lobass_core.workflows.demo import demo, read_marker

# The demo's four runs of work, in order: where in the whole each begins and ends, by the time that they take.
SPANS = {"train_base": (0.05, 0.55), "train_reference": (0.55, 0.85), "score": (0.85, 0.98)}
# A Python with these libraries starts in about two seconds, on a busy machine in several.
START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class DemoBuild:
    """How far the demo is: `share` from 0 to 1, `message` what stopped it."""

    state: Literal["absent", "building", "stopped", "ready"]
    phase: str = ""
    share: float = 0.0
    message: str = ""


def demo_root(root: Path) -> Path:
    """The demo's folder beside a project's."""
    return root.with_name(f"{root.name}-demo")


def start(root: Path) -> None:
    """Start building in the background and return when it has begun; does nothing while it is going."""
    if read_build(root).state == "building":
        return
    root.parent.mkdir(parents=True, exist_ok=True)
    with _log_path(root).open("wb") as log:
        builder = subprocess.Popen(
            [sys.executable, "-m", "lobass_core.workflows.demo_build", str(root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # Until it holds its lock a look would find nothing going on.
    deadline = time.monotonic() + START_SECONDS
    while builder.poll() is None and not _is_building(root) and time.monotonic() < deadline:
        time.sleep(0.1)


def read_build(root: Path) -> DemoBuild:
    """How far it has come, from files alone."""
    if read_marker(root).get("n_rows"):
        return DemoBuild("ready", share=1.0)
    if _is_building(root):
        phase, share = _progress(root)
        return DemoBuild("building", phase, share)
    message = _last_line(root)
    return DemoBuild("stopped" if root.exists() or message else "absent", message=message)


def _progress(root: Path) -> tuple[str, float]:
    runs = [run for run in list_runs(root / "runs") if run.kind in SPANS]
    if not runs:
        return "Writing and importing the sample data", 0.02
    progress = runs[-1].read_progress()
    begin, end = SPANS[runs[-1].kind]
    name = {"train_base": "Training the base", "train_reference": "Fine-tuning the reference"}.get(runs[-1].kind)
    done = progress.n_done / progress.n_total if progress.n_total else 0.0
    return name or "Scoring with both", begin + (end - begin) * min(done, 1.0)


def _is_building(root: Path) -> bool:
    if not _lock_path(root).exists():
        return False
    lock = FileLock(_lock_path(root))
    try:
        lock.acquire(timeout=0.05, poll_interval=0.01)
    except Timeout:
        return True
    lock.release()
    return False


def _last_line(root: Path) -> str:
    try:
        lines = _log_path(root).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


def _lock_path(root: Path) -> Path:
    return root.with_name(f".{root.name}.lock")


def _log_path(root: Path) -> Path:
    return root.with_name(f".{root.name}.log")


def main(root: Path) -> int:
    """Build; the last line of the output is what went wrong, if anything did."""
    try:
        with FileLock(_lock_path(root)).acquire(timeout=1):
            demo(root)
    except Timeout:
        return 1
    except LobassError as error:
        print(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
