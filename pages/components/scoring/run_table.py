"""A table of past runs; a click opens one."""

from collections.abc import Callable, Sequence

import streamlit as st

from lobass_core.workflows.run_views import RunView
from pages.components import parts, theme, view
from pages.components.parts import Column
from pages.components.scoring.run_parts import TONES
from pages.components.view import Node, el

N_SHOWN = 30
LAST = (
    Column("Settings"),
    Column("Samples", 82, numeric=True),
    Column("Time", 104, numeric=True),
    Column("State", 116),
    Column("When", 96, numeric=True),
)


def show(
    runs: Sequence[RunView],
    opened: str,
    *,
    title: str,
    key: str,
    columns: Sequence[Column],
    cells: Callable[[RunView], list[Node]],
    opens: str,
) -> None:
    """Draw the table, newest first; nothing where there is no run yet.

    `columns` and `cells` stand between the run's id and its settings; a click puts the id into the state `opens`.
    """
    if not runs:
        return
    listed = list(runs[:N_SHOWN])
    current = next((place for place, run in enumerate(listed) if run.run_id == opened), None)
    note = f"{len(runs)}, newest {N_SHOWN} shown" if len(runs) > N_SHOWN else str(len(runs))
    clicked = view.show(
        [
            parts.heading(title, note),
            parts.table(
                (Column("Run", 68), *columns, *LAST),
                [[run.run_id, *cells(run), *_last(run)] for run in listed],
                on=[run.run_id for run in listed],
                current=current,
                label=title,
            ),
        ],
        key=key,
        label=title,
    )
    if clicked:
        st.session_state[opens] = clicked
        st.rerun()


def _last(run: RunView) -> list[Node]:
    return [
        el("span", run.fault.what, title=run.fault.where) if run.fault else run.settings,
        theme.count(run.n_rows),
        theme.duration(run.seconds),
        parts.dot(TONES[run.state], run.state),
        theme.ago(run.created_at),
    ]
