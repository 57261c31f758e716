"""lobass status"""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, DatasetsOption, JsonOption, ProjectOption, RunOption, names
from lobass_core.cli.output import print_facts, print_json, print_table, stderr, warn
from lobass_core.errors import RequestError
from lobass_core.words.loss_words import which_side_is_scored
from lobass_core.workflows.import_data import write_rejects
from lobass_core.workflows.outline import read_outline
from lobass_core.workflows.project_status import ProjectStatus, UpgradeStatus
from lobass_core.workflows.status import status as project_status

READ_ONLY = "read-only: you can browse, compare and export to another folder, but not add or change anything"


def register(app: typer.Typer) -> None:
    """Add `lobass status`."""
    app.command("status")(status)


def status(
    project: ProjectOption = DEFAULT_PROJECT,
    rejects: Annotated[
        # What `lobass rejects --to` writes; scripts may still ask here.
        Path | None, typer.Option("--rejects", hidden=True)
    ] = None,
    datasets: DatasetsOption = "",
    run: RunOption = None,
    json: JsonOption = False,
) -> None:
    """Show what the project contains, what is scored, selected and exported, and what to do next.

    With --datasets, rows and scores are counted in those datasets only.
    """
    opened = open_project(project)
    n_written = write_rejects(opened, rejects) if rejects else None
    status = project_status(opened, run, names(datasets))
    if run and run not in (scoring.run_id for scoring in status.scorings):
        raise RequestError(f"run {run} has no scores in this project", do="List the scored runs with lobass status.")
    if json:
        print_json({**status.to_dict(), "rejects_written": n_written})
        return
    if rejects:
        print_facts(f"Wrote {n_written:,} rejected rows", [("file", rejects)])
    _show(status)
    if n_pairs := read_outline(opened).n_pairs:
        stderr.print(which_side_is_scored(n_pairs))
    if status.upgrade:
        _show_upgrade(status.upgrade)


def _show_upgrade(done: UpgradeStatus) -> None:
    print_facts(
        f"Updated from store version {done.from_version} to {done.to_version} on {done.made_at[:10]}",
        [
            (
                "copy",
                f"{done.copy} ({done.n_bytes / 2**20:,.1f} MiB), a copy of the old store; delete it if all is well",
            ),
            *(("note", note) for note in done.notes),
        ],
    )


def _show(status: ProjectStatus) -> None:
    scored = "scored" if status.measure == "learnability" else f"with {status.measure}"
    print_facts(
        f"Project {status.name}",
        [
            ("folder", status.root),
            ("size, MiB", round(status.n_bytes / 2**20, 1)),
            ("rows", status.n_rows),
            ("rejected", status.n_rejected),
            ("repeated", status.n_duplicates),
            (scored, status.n_scored),
            *([("access", READ_ONLY)] if status.read_only else []),
            ("next", f"{status.next_step.label}: {status.next_step.command}"),
        ],
    )
    _show_datasets(status, scored)
    if status.scorings:
        print_table(
            ("scored", "run", "samples", "template", "limit, tokens"),
            [(s.label, s.run_id, s.n_scored, s.template, s.max_tokens) for s in status.scorings],
        )
    if status.columns:
        print_table(
            ("score column", "rows with a value", "higher is", "unit", "source"),
            [
                (one.name, one.n_rows, "better" if one.higher_is_better else "worse", one.unit, one.source)
                for one in status.columns
            ],
        )
    if status.selections:
        print_table(
            ("selection", "rows", "of", "response tokens", "rule"),
            [(s.name, s.n_kept, s.n_rows, s.tokens_kept, s.rule) for s in status.selections],
        )
        for s in status.selections:
            if s.n_gone:
                warn(f"{s.n_gone:,} of the rows of {s.name} are gone: lobass selections --gone {shlex.quote(s.name)}.")
    for run in status.runs:
        if run.state in ("damaged", "foreign"):
            warn(f"{run.run_id}: {run.message}.")
    if status.exports:
        latest = {
            e.folder: e for e in reversed(status.exports)
        }  # a later export into a folder replaces the earlier one
        print_table(
            ("export of", "format", "rows", "folder"),
            [(e.selection, e.format, e.n_rows, e.folder) for e in status.exports if latest[e.folder] is e],
        )


def _show_datasets(status: ProjectStatus, scored: str) -> None:
    if status.datasets:
        print_table(
            ("dataset", "domain", "format", "rows", "rejected", "repeated", scored, "response tokens"),
            [
                (
                    *(d.name, ", ".join(d.domains), d.format, d.n_rows, d.n_rejected, d.n_duplicates, d.n_scored),
                    d.n_tokens if status.scoring else None,
                )
                for d in status.datasets
            ],
        )
    changes = [(d.name, change) for d in status.datasets for change in d.changes]
    if changes:
        print_table(
            ("changed", "what", "when", "by", "undone"),
            [(name, one.what, one.made_at, one.made_by, one.undone_at or "") for name, one in changes],
        )
