"""Browsers that read and decide while a run writes and a command imports, for some minutes.

    python -m tests.faults.load --minutes 10 [--browsers 10] [--json FILE]

An answer is the time from a click in the navigation (or from the address, for a tab's first page) until the page is
there, and from a key to the decision's "saved". A decision counts once its mark is on the screen: what is then not in
the store is lost. What a tab showed that got no answer is printed, with how long ago it last sent and received
anything.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import psutil
from playwright.async_api import async_playwright

from lobass_core.jobs.run_list import list_runs
from lobass_core.project import Project
from lobass_core.workflows.serve import Served, ServeSpec, free_port, served
from tests.faults.tabs import Seen, curate

N_ROWS_A_BROWSER = 400
IMPORT_SECONDS = 20.0
LOBASS = (sys.executable, "-c", "from lobass_core.cli.main import main; main()")


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The figures of one load test; memory in MB, answers in milliseconds."""

    n_browsers: int
    minutes: float
    n_opened: int
    opened_median_ms: float | None
    opened_p95_ms: float | None
    n_saved: int
    saved_median_ms: float | None
    saved_p95_ms: float | None
    n_unanswered: int
    n_reconnected: int
    start_mb: float
    end_mb: float
    n_decided: int
    n_found: int
    n_imports: int
    n_imports_refused: int
    n_losses_written: int
    n_losses_held: int
    load_start: float
    load_end: float


def read_load(path: Path) -> LoadResult | None:
    """A result that was kept; None where there is none."""
    return LoadResult(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def load_test(folder: Path, n_browsers: int, minutes: float) -> LoadResult:
    """Prepare a project, put everything to work, and count what is there in the end."""
    project = _prepare(folder, n_browsers)
    before, load_start = _counts(project)["decisions"], os.getloadavg()[0]
    with served(project.root, ServeSpec(port=free_port(), open_browser=False), folder / "log") as dashboard:
        server = psutil.Process(dashboard.process.pid)
        with _scoring(project, folder):
            seen, start_mb, imports = asyncio.run(_all_at_once(dashboard, server, project, folder, n_browsers, minutes))
        end_mb, load_end = _megabytes(server), os.getloadavg()[0]
    subprocess.run([*LOBASS, "status", "--project", project.root], check=True, stdout=subprocess.DEVNULL)
    counts = _counts(project)
    return LoadResult(
        n_browsers=n_browsers,
        minutes=minutes,
        n_opened=len(seen.opened_ms),
        opened_median_ms=_quantile(seen.opened_ms, 0.5),
        opened_p95_ms=_quantile(seen.opened_ms, 0.95),
        n_saved=len(seen.saved_ms),
        saved_median_ms=_quantile(seen.saved_ms, 0.5),
        saved_p95_ms=_quantile(seen.saved_ms, 0.95),
        n_unanswered=seen.n_unanswered,
        n_reconnected=seen.n_reconnected,
        start_mb=start_mb,
        end_mb=end_mb,
        n_decided=seen.n_decided,
        n_found=counts["decisions"] - before,
        n_imports=len(imports),
        n_imports_refused=sum(code != 0 for code in imports),
        n_losses_written=_n_written(project),
        n_losses_held=counts["losses"],
        load_start=load_start,
        load_end=load_end,
    )


def _quantile(answers: list[float], share: float) -> float | None:
    return sorted(answers)[int(share * (len(answers) - 1) + 0.5)] if answers else None


def _prepare(folder: Path, n_browsers: int) -> Project:
    """A domain of scored rows for each browser, two tiny models, and what the commands will import."""
    from lobass_core.store.connection import release
    from tests.faults.prepared import models, row
    from tests.pages.projects import scored_project
    from tests.scored_files import write_jsonl

    project = scored_project(folder / "project", {f"d{number}": N_ROWS_A_BROWSER for number in range(n_browsers)})
    release(project.store_path)
    models(folder / "models")
    for number in range(100):
        write_jsonl(folder / f"more-{number}.jsonl", [row(1000 * number + one) for one in range(200)])
    return project


@contextlib.contextmanager
def _scoring(project: Project, folder: Path) -> Iterator[None]:
    """A run over all rows; it is stopped at the end of the block if it has not ended."""
    options = ["--base", folder / "models" / "base", "--reference", folder / "models" / "ref", "--template", "plain"]
    command = [*LOBASS, "score", *map(str, options), "--device", "cpu", "--project", str(project.root)]
    with (folder / "score.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        yield
    finally:
        for run in list_runs(project.runs_dir):
            if run.is_alive():
                run.request_cancel()
        process.wait(timeout=300)


async def _all_at_once(
    dashboard: Served, server: psutil.Process, project: Project, folder: Path, n_browsers: int, minutes: float
) -> tuple[Seen, float, list[int]]:
    path = os.environ.get("LOBASS_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "no Chromium on this machine: install one, or name it in LOBASS_CHROMIUM"
    seen, deadline = Seen(), time.monotonic() + 60 * minutes
    async with async_playwright() as running:
        browser = await running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        start_mb = _megabytes(server)
        *_, imports = await asyncio.gather(
            *(curate(browser, dashboard, number, seen, deadline) for number in range(n_browsers)),
            _import(project, folder, deadline),
        )
        await browser.close()
    return seen, start_mb, imports


async def _import(project: Project, folder: Path, deadline: float) -> list[int]:
    """One import after the other; their exit codes."""
    codes: list[int] = []
    while time.monotonic() < deadline - IMPORT_SECONDS / 2 and len(codes) < 100:
        path = folder / f"more-{len(codes)}.jsonl"
        words = ("import", str(path), "--domain", "more", "--project", str(project.root))
        with (folder / "import.log").open("ab") as log:
            command = await asyncio.create_subprocess_exec(*LOBASS, *words, stdout=log, stderr=log)
            codes.append(await command.wait())
        await asyncio.sleep(IMPORT_SECONDS)
    return codes


def _megabytes(server: psutil.Process) -> float:
    """Resident memory of the server and of what it started."""
    return sum(one.memory_info().rss for one in (server, *server.children(recursive=True))) / 1e6


def _counts(project: Project) -> dict[str, int]:
    with duckdb.connect(str(project.store_path), read_only=True) as store:
        tables = ("decisions", "losses")
        return {name: store.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in tables}


def _n_written(project: Project) -> int:
    """Losses in the shards of all runs."""
    from pyarrow.parquet import read_metadata

    runs = list_runs(project.runs_dir)
    return sum(read_metadata(path).num_rows for run in runs for path in run.finished_shards())


def main() -> None:
    """Measure, print, and keep the result where that is asked; exit code 1 where a decision or a loss was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--browsers", type=int, default=10)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = load_test(Path(folder), asked.browsers, asked.minutes)
    text = json.dumps(asdict(result), indent=1)
    print(text)
    if asked.json:
        asked.json.write_text(text, encoding="utf-8")
    sys.exit(result.n_found < result.n_decided or result.n_losses_held < result.n_losses_written)


if __name__ == "__main__":
    main()
