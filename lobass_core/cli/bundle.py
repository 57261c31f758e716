"""lobass bundle, lobass unbundle"""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption
from lobass_core.cli.output import print_facts, print_json, stderr, warn
from lobass_core.files.named_files import size_text
from lobass_core.workflows import bundle as workflow
from lobass_core.workflows.bundle import BundlePlan
from lobass_core.workflows.unbundle import unbundle as unpack


def register(app: typer.Typer) -> None:
    """Add `lobass bundle` and `lobass unbundle`."""
    app.command("bundle")(bundle)
    app.command("unbundle")(unbundle)


def bundle(
    file: Annotated[Path, typer.Argument(help="File to write, such as my-project.zip.")],
    project: ProjectOption = DEFAULT_PROJECT,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what the bundle would contain, with sizes; write nothing.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Pack a project into one file for a colleague: rows, decisions, scores and selections, without weights.

    `lobass unbundle` opens it on any machine. Browsing, deciding, selecting and exporting work there;
    scoring and training need the weights.
    """
    opened = open_project(project)
    plan = workflow.plan_bundle(opened)
    if not json:
        _show(plan)
    if dry_run:
        if json:
            print_json(plan.to_dict())
        return
    written = workflow.write_bundle(opened, plan, file)
    if json:
        print_json(
            {
                "file": str(written.file),
                "n_bytes": written.n_bytes,
                "sha256": written.sha256,
                "n_files": written.n_files,
                "n_bytes_unpacked": plan.n_bytes,
                "running": list(plan.running),
            }
        )
        return
    print_facts(
        f"Wrote {written.file}",
        [
            ("size", size_text(written.n_bytes)),
            ("sha256", written.sha256),
            ("to open it", f"lobass unbundle {shlex.quote(written.file.name)} FOLDER"),
        ],
    )


def unbundle(
    file: Annotated[Path, typer.Argument(help="Bundle to open.")],
    to: Annotated[Path, typer.Argument(help="Folder to create the project in.")],
    json: JsonOption = False,
) -> None:
    """Create a project from a bundle. Every checksum is verified; nothing is written if the bundle is damaged."""
    project = unpack(file, to)
    if json:
        print_json({"project": str(project.root)})
        return
    root = shlex.quote(str(to))
    print_facts(
        f"Project {project.name} is ready",
        [
            ("folder", project.root),
            ("to open it", f"lobass serve --project {root}"),
            ("to open it read-only", f"lobass serve --project {root} --read-only"),
        ],
    )


def _show(plan: BundlePlan) -> None:
    """The sizes, before anything is written."""
    stderr.print(
        f"The bundle contains {len(plan.names):,} files, {size_text(plan.n_bytes)} before compression:", markup=False
    )
    for part in plan.parts:
        stderr.print(f"  {size_text(part.n_bytes):>12}  {part.name}", markup=False)
    if plan.left_out:
        stderr.print("Left out:", markup=False)
        for part in plan.left_out:
            stderr.print(f"  {size_text(part.n_bytes):>12}  {part.name}", markup=False)
    for run_id in plan.running:
        warn(f"run {run_id} is still running: results that it has not yet added to the project are not in the bundle.")
