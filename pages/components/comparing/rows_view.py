"""The rows that both sides keep, or only one: the best of each, with a link to Browse."""

from collections.abc import Mapping, Sequence

import streamlit as st

from lobass_core.project import Project
from lobass_core.workflows import compare
from lobass_core.workflows.compare import ComparedRow, Comparison
from pages.components import address, command_line, filter_command, parts, state, theme, toolbar, view
from pages.components.address import Query
from pages.components.parts import Column

PARTS = {"only_a": "Only in A", "both": "In both", "only_b": "Only in B"}
PART = "compare.part"
N_ROWS = 12


def shown() -> str:
    """The part whose rows are shown."""
    return st.session_state.get(PART, "only_a")


def adopt(asked: Query) -> None:
    """The part that the address names."""
    st.session_state[PART] = address.one(asked, "part", PARTS) or "only_a"


def browse(project: Project, comparison: Comparison, lines: Sequence[str]) -> None:
    """Command and the primary button, for the part of two saved selections that is shown below."""
    part = shown()
    asked = compare.part_filter(comparison.a.label, comparison.b.label, part)
    command_line.popover([*lines, filter_command.command(project.root, asked)])
    size, n = compare.part_size(comparison, part), compare.part_size(comparison, part, state.chosen_datasets())
    name = PARTS[part]
    label = f"Browse the {theme.count(n)} {'row' if n == 1 else 'rows'} {name[0].lower()}{name[1:]}"
    hidden = f"{theme.count(size - n)} more are in datasets excluded in the sidebar." if n < size else None
    if toolbar.primary(label, ":material/table_rows:", key="compare.browse", disabled=not n, help=hidden):
        state.go("browse", **asked.to_query())


def show(project: Project, comparison: Comparison, slots: Mapping[str, int]) -> None:
    """Draw the choice of part and its first rows; a row opens in Browse."""
    shared = comparison.overlap
    state.remember(PART, "only_a")
    state.relabel(PART)
    sizes = {"only_a": shared.only_a, "both": shared.both, "only_b": shared.only_b}
    with st.container(horizontal=True, vertical_alignment="center", key="compare-rows-bar"):
        st.segmented_control(
            "Rows", list(PARTS), key=PART, required=True, label_visibility="collapsed",
            format_func=lambda name: f"{PARTS[name]} · {theme.count(sizes[name])}", persist_state="session",
        )  # fmt: skip
        part: str = st.session_state[PART]
        st.caption(f"The first {N_ROWS} by rank. Click a row to open it in Browse." if sizes[part] else "No such rows.")
    rows = compare.part_rows(project, comparison, part, N_ROWS)
    if not rows:
        return
    columns = [
        Column("Domain", 130),
        Column("Rank A", 74, numeric=True),
        Column("Rank B", 74, numeric=True),
        Column("Score A", 84, numeric=True),
        Column("Score B", 84, numeric=True),
        Column("Tokens", 70, numeric=True),
        Column("Prompt"),
    ]
    table = parts.table(columns, [_cells(row, slots) for row in rows], on=[str(row.row_key) for row in rows])
    clicked = view.show(table, key="compare-rows", label=PARTS[part])
    if clicked:
        state.go("browse", row=clicked)


def _cells(row: ComparedRow, slots: Mapping[str, int]) -> list[view.Node]:
    return [
        parts.swatch(slots.get(row.domain, 0), row.domain),
        theme.count(row.rank_a) if row.rank_a else "–",
        theme.count(row.rank_b) if row.rank_b else "–",
        theme.number(row.score_a),
        theme.number(row.score_b),
        theme.count(row.n_tokens),
        parts.first_line(row.prompt, 300),
    ]
