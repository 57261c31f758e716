"""The table of past runs; a click opens a run."""

import streamlit as st

from lobass_core.workflows.run_views import RunView
from pages.components import parts, theme, view
from pages.components.parts import Column
from pages.components.scoring.opening import SHOWN
from pages.components.scoring.run_parts import TONES
from pages.components.view import el

KINDS = {"score": "scoring", "train_reference": "training"}
N_SHOWN = 30
COLUMNS = (
    Column("Run", 68),
    Column("What", 108),
    Column("Base → reference"),
    Column("Settings"),
    Column("Samples", 82, numeric=True),
    Column("Time", 104, numeric=True),
    Column("State", 116),
    Column("When", 96, numeric=True),
)


def show(views: list[RunView], opened: str) -> None:
    """Draw the table, newest first; nothing where there is no run yet."""
    if not views:
        return
    rows = [_row(run) for run in views[:N_SHOWN]]
    current = next((place for place, run in enumerate(views[:N_SHOWN]) if run.run_id == opened), None)
    older = f"{len(views)}, newest {N_SHOWN} shown" if len(views) > N_SHOWN else str(len(views))
    clicked = view.show(
        [
            parts.heading("Past runs", older),
            parts.table(COLUMNS, rows, on=[run.run_id for run in views[:N_SHOWN]], current=current, label="Past runs"),
        ],
        key="score-runs",
        label="Past runs",
    )
    if clicked:
        st.session_state[SHOWN] = clicked
        st.rerun()


def _row(run: RunView) -> list[view.Node]:
    return [
        run.run_id,
        f"refines {run.refines}" if run.refines else KINDS.get(run.kind, "–"),
        f"{run.base} → {run.reference}" if run.base else run.reference,
        el("span", run.fault.what, title=run.fault.where) if run.fault else run.settings,
        theme.count(run.n_rows),
        theme.duration(run.seconds),
        parts.dot(TONES[run.state], run.state),
        theme.ago(run.created_at),
    ]
