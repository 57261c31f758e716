"""The table of past experiments."""

from collections.abc import Sequence

from lobass_core.workflows.run_views import RunView
from pages.components.parts import Column
from pages.components.scoring import run_table
from pages.components.validation.in_address import SHOWN


def show(experiments: Sequence[RunView], opened: str) -> None:
    """Draw the table, newest first; a click opens an experiment."""
    run_table.show(
        experiments,
        opened,
        title="Past experiments",
        key="validate-past",
        columns=(Column("Base"),),
        cells=lambda one: [one.base],
        opens=SHOWN,
    )
