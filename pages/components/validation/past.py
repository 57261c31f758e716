"""The table of past experiments; a click opens one."""

from collections.abc import Sequence

import streamlit as st

from lobass_core.workflows.run_views import RunView
from pages.components import parts, theme, view
from pages.components.parts import Column
from pages.components.scoring.run_parts import TONES
from pages.components.validation.in_address import SHOWN
from pages.components.view import el

N_SHOWN = 30
COLUMNS = (
    Column("Run", 68),
    Column("Base"),
    Column("Settings"),
    Column("Samples", 82, numeric=True),
    Column("Time", 104, numeric=True),
    Column("State", 116),
    Column("When", 96, numeric=True),
)


def show(experiments: Sequence[RunView], opened: str) -> None:
    """Draw the table, newest first; nothing where there is none yet."""
    if not experiments:
        return
    listed = list(experiments[:N_SHOWN])
    current = next((place for place, one in enumerate(listed) if one.run_id == opened), None)
    note = f"{len(experiments)}, newest {N_SHOWN} shown" if len(experiments) > N_SHOWN else str(len(experiments))
    clicked = view.show(
        [
            parts.heading("Past experiments", note),
            parts.table(
                COLUMNS,
                [_row(one) for one in listed],
                on=[one.run_id for one in listed],
                current=current,
                label="Past experiments",
            ),
        ],
        key="validate-past",
        label="Past experiments",
    )
    if clicked:
        st.session_state[SHOWN] = clicked
        st.rerun()


def _row(one: RunView) -> list[view.Node]:
    return [
        one.run_id,
        one.base,
        el("span", one.fault.what, title=one.fault.where) if one.fault else one.settings,
        theme.count(one.n_rows),
        theme.duration(one.seconds),
        parts.dot(TONES[one.state], one.state),
        theme.ago(one.created_at),
    ]
