"""The table of past scorings and trainings."""

from collections.abc import Sequence

from lobass_core.workflows.run_views import RunView
from pages.components.parts import Column
from pages.components.scoring import run_table
from pages.components.scoring.opening import SHOWN
from pages.components.view import Node

KINDS = {"score": "scoring", "train_reference": "training"}


def show(runs: Sequence[RunView], opened: str) -> None:
    """Draw the table, newest first; a click opens a run."""
    run_table.show(
        runs,
        opened,
        title="Past runs",
        key="score-runs",
        columns=(Column("What", 108), Column("Base → reference")),
        cells=_cells,
        opens=SHOWN,
    )


def _cells(run: RunView) -> list[Node]:
    return [
        f"refines {run.refines}" if run.refines else KINDS.get(run.kind, "–"),
        f"{run.base} → {run.reference}" if run.base else run.reference,
    ]
