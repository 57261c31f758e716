"""Measure the dashboard over a large project in a real Chromium: `make bench-ui`.

    python benchmarks/dashboard.py [--rows 1000000] [--project FOLDER] [--only browse] [--json FILE]

One journey is one function: it drives a page as a hand would and gives samples of milliseconds, each from the key or
click in the browser to the frame that shows the answer. Times include the server, the socket and the painting; a busy
machine makes all of them larger, so the load is printed with them.
"""

import argparse
import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import browse_journeys
import page_journeys
from driver import REPOSITORY, Bench, Measure, new_page, serving
from million_rows import make_project
from playwright.sync_api import sync_playwright

from lobass_core.project import Project

# Memory last: it is that of a server that has served all the others.
JOURNEYS = {**page_journeys.JOURNEYS, **browse_journeys.JOURNEYS, "memory": page_journeys.server_memory}


def measure(project: Project, names: list[str], keep: Path | None) -> list[Measure]:
    """Run journeys one after the other, each in a fresh tab of one browser; every sample goes to the file `keep`."""
    path = os.environ.get("LOBASS_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("no Chromium on this machine: install one, or name it in LOBASS_CHROMIUM")
    found: list[Measure] = []
    with serving(project) as dashboard, sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name in names:
            page = new_page(browser, dashboard)
            print(f"{name} ...", file=sys.stderr, flush=True)
            found += JOURNEYS[name](Bench(page, project, dashboard))
            page.context.close()
            if keep:
                keep.write_text(json.dumps([asdict(one) for one in found], indent=1), encoding="utf-8")
        browser.close()
    return found


def table(measures: list[Measure]) -> str:
    """A Markdown table, as docs/performance.md has it."""
    lines = ["| measured | median | 95th percentile | limit |", "|---|---:|---:|---:|"]
    for one in measures:
        limit = f"{one.limit:,.0f} {one.unit}".strip() if one.limit else "–"
        limit += f", {one.most:,.0f} {one.unit} at the 95th" if one.most else ""
        mark = "" if one.holds else " (over)"
        lines.append(f"| {one.name} | {one.median:,.0f} {one.unit} | {one.p95:,.0f} {one.unit} | {limit}{mark} |")
    return "\n".join(lines)


def main() -> None:
    """Make the project if it is not there, measure, print the table; exit code 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--domains", type=int, default=8)
    parser.add_argument("--project", type=Path, help="Where the project is, or is to be made.")
    parser.add_argument("--only", default="", help="Journeys whose names begin so.")
    parser.add_argument("--json", type=Path, help="Write every sample there.")
    asked = parser.parse_args()
    folder = asked.project or REPOSITORY / "bench-data" / f"rows-{asked.rows}-domains-{asked.domains}"
    project = make_project(folder, n_rows=asked.rows, n_domains=asked.domains)
    load = os.getloadavg()[0]
    measures = measure(project, [name for name in JOURNEYS if name.startswith(asked.only)], asked.json)
    loads = f"load {load:.1f} before and {os.getloadavg()[0]:.1f} after"
    print(f"{asked.rows:,} rows in {asked.domains} domains, {os.cpu_count()} cores, {loads}\n")
    print(table(measures))
    sys.exit(0 if all(one.holds for one in measures) else 1)


if __name__ == "__main__":
    main()
