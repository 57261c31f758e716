"""What the choices on the Score page cost, in passes over the pool and in time."""

from dataclasses import replace

import streamlit as st

from lobass_core.specs import TrainReferenceSpec
from lobass_core.workflows.costs import Cost, planned
from pages.components import cost_line, parts, theme, view
from pages.components.parts import Column
from pages.components.view import Node

# What a reference can be, as numbers of folds and of seeds.
CHOICES = (
    ("One reference, as in the paper", 1, 1),
    ("Half-pools: 2 models, each scores the other half", 2, 1),
    ("5 folds", 5, 1),
    ("3 references and their mean", 1, 3),
)
PUBLISHED = "A published model that was fine-tuned from the base"
COLUMNS = (Column("Reference"), Column("Train", 62, numeric=True), Column("Score", 58, numeric=True),
           Column("Passes", 66, numeric=True), Column("Time here", 88, numeric=True))  # fmt: skip


def choose(spec: TrainReferenceSpec, cost: Cost) -> tuple[int, int] | None:
    """A table of what each kind of reference costs; the folds and seeds of the one that was clicked."""
    rows = [_row(name, planned(cost, replace(spec, folds=folds, seeds=seeds))) for name, folds, seeds in CHOICES]
    rows.append(_row(PUBLISHED, replace(cost, training=0.0, scoring=2.0)))
    current = next((k for k, (_, *choice) in enumerate(CHOICES) if choice == [spec.folds, spec.seeds]), None)
    clicks = [f"choice-{k}" for k in range(len(CHOICES))]
    clicked = view.show(
        [
            parts.heading("What each choice costs", "passes over the pool; click to choose"),
            parts.table(COLUMNS, rows, on=[*clicks, ""], current=current, label="What each choice costs"),
            cost_line.of(cost),
        ],
        key="score-choices",
        label="What each choice costs",
    )
    return CHOICES[clicks.index(clicked)][1:] if clicked in clicks else None


def _row(name: str, cost: Cost) -> list[Node]:
    return [
        name,
        theme.number(cost.training, 1) if cost.training else "–",
        theme.number(cost.scoring, 0),
        theme.number(cost.total, 1),
        "–" if cost.seconds is None else theme.duration(cost.seconds),
    ]


def show_choices(spec: TrainReferenceSpec, cost: Cost, folds_key: str, seeds_key: str) -> None:
    """The table; a click sets the fields of the form."""
    if choice := choose(spec, cost):
        st.session_state[folds_key], st.session_state[seeds_key] = choice
        st.rerun()
