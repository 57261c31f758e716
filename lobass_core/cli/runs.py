"""lobass runs, lobass cancel"""

from dataclasses import asdict
from typing import Annotated

import typer

from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption
from lobass_core.cli.output import print_facts, print_json, print_table, warn
from lobass_core.words.run_words import run_word
from lobass_core.workflows import runs as workflow


def register(app: typer.Typer) -> None:
    """Add `lobass runs` and `lobass cancel`."""
    app.command("runs")(runs)
    app.command("cancel")(cancel)


def runs(project: ProjectOption = DEFAULT_PROJECT, json: JsonOption = False) -> None:
    """List the runs: training, scoring and previews, newest first."""
    runs = workflow.list_runs(open_project(project, waits=False))
    if json:
        print_json([asdict(run) for run in runs])
        return
    print_table(
        ("run", "what", "models", "state", "done", "of", "started"),
        [
            (run.run_id, run_word(run.kind), run.name, run.state, run.n_done, run.n_total, run.created_at)
            for run in runs
        ],
    )
    for run in runs:
        if run.state in ("damaged", "failed", "foreign") and run.message:
            warn(f"{run.run_id}: {run.message}.")


def cancel(
    run: Annotated[str, typer.Argument(help="Run to stop, such as r-0007.")], project: ProjectOption = DEFAULT_PROJECT
) -> None:
    """Stop a run. The results that it has saved are kept, and it can be resumed.

    A run that never started, because the process that created it was killed, is removed.
    """
    opened = open_project(project, waits=False)
    cancelled = workflow.cancel(opened, run)
    if cancelled.was_removed:
        print_facts(f"Removed {run}, which had not started", [])
        return
    to_resume = {
        "score": workflow.resume_command(opened, run),
        "train_reference": "run the same train-reference command again",
        "validate": workflow.resume_command(opened, run, "validate"),
        "planted": workflow.resume_command(opened, run, "diagnose"),
    }
    print_facts(
        f"Asked {run} to stop", [("to resume", to_resume[cancelled.kind])] if cancelled.kind in to_resume else []
    )
