"""The tabs below the cut instrument: rows at the cut, length, random, overlap with a saved selection, domains."""

import streamlit as st

from lobass_core.project import Project
from lobass_core.selection.result import CutAnswer
from lobass_core.workflows import cut as cuts
from lobass_core.workflows.cut import Cut
from pages.components import parts, state, theme, view
from pages.components.parts import Column
from pages.components.selection import against_random, overlap_tab, rows_at_cut
from pages.components.selection.against_random import LARGE_RHO
from pages.components.selection.overlap_tab import COMPARED
from pages.components.view import Node, el

TABS, TAB, VERDICTS = "select.tabs", "select.tab", "select-verdicts"
TAB_OF = ".st-key-select-tabs [data-testid=stTab]"
NAMES = ("Rows at the cut", "Only length?", "Versus random", "Overlap with saved", "Table")


def show(project: Project, cut: Cut) -> None:
    """Draw the tabs; only the open one is built."""
    st.session_state[TABS] = NAMES[st.session_state.get(TAB, 0)]
    containers = st.tabs(NAMES, key=TABS, on_change=_remember_tab)
    with st.container(key=VERDICTS):
        st.html(_verdicts(cut))
    draw = (rows_at_cut.show, against_random.show_length, against_random.show_random, overlap_tab.show, _table)
    for container, content in zip(containers, draw, strict=True):
        if container.open:
            with container:
                content(project, cut)


def _verdicts(cut: Cut) -> str:
    """The style that writes the verdict of a tab behind its name, so that it is read without opening the tab.

    In the labels they would make new tabs of all five at each move of the cut: what is read in one starts from the
    top, and the keyboard is nowhere.
    """
    rho, gain = cuts.strongest_rho(cut), cuts.gain(cut)
    verdicts = {"Only length?": ("ρ ", rho), "Versus random": ("", gain)}
    rules = [
        f"{TAB_OF}:nth-of-type({NAMES.index(name) + 1})::after {{ content: '{symbol}{theme.signed(value)}'; }}"
        for name, (symbol, value) in verdicts.items()
        if value is not None
    ]
    if rho is not None and abs(rho) >= LARGE_RHO:
        rules.append(f"{TAB_OF}:nth-of-type({NAMES.index('Only length?') + 1}) {{ --verdict: var(--warning); }}")
    # A text of styles alone would be put where all pages have theirs.
    return f"<i></i><style>{' '.join(rules)}</style>"


def _remember_tab() -> None:
    st.session_state[TAB] = NAMES.index(st.session_state[TABS])


def open_tab(place: int, compared: str) -> None:
    """Open a tab by its place, and choose the saved selection of the overlap; empty for the first one."""
    st.session_state[TAB] = place
    if compared:
        st.session_state[COMPARED] = compared


def opened() -> tuple[int, str]:
    """Place of the open tab, and the saved selection of the overlap."""
    return int(st.session_state.get(TAB, 0)), str(st.session_state.get(COMPARED) or "")


def _table(project: Project, cut: Cut) -> None:
    slots = theme.domain_slots(state.outline(project).domains)
    table = domain_table(cut.answer, slots, in_tokens=cut.spec.budget == "tokens")
    view.show(table, key="select-table", label="By domain")


def domain_table(answer: CutAnswer, slots: dict[str, int], *, in_tokens: bool) -> Node:
    """What each domain has, asked for and got; response tokens where they are counted."""
    unit = "tokens" if in_tokens else "rows"
    columns = [
        Column("Domain"),
        Column("Rows", 76, numeric=True),
        Column("Eligible", 80, numeric=True),
        Column(f"Requested, {unit}", 124, numeric=True),
        Column("Selected, rows", 110, numeric=True),
        Column("Response tokens", 118, numeric=True),
        Column("Threshold", 84, numeric=True),
        Column("By hand", 68, numeric=True),
        Column("", 86),
    ]
    rows: list[list[Node]] = [
        [
            parts.swatch(slots.get(share.domain, 0), share.domain),
            theme.count(share.n_rows),
            theme.count(share.n_eligible),
            theme.count(share.asked),
            el("b", theme.count(share.got)),
            theme.count(share.known_tokens),
            theme.number(share.threshold, 4),
            theme.count(share.n_by_hand),
            parts.tag("all taken" if share.n_eligible else "none eligible", "amber") if share.exhausted else "",
        ]
        for share in answer.domains
        if share.n_rows
    ]
    return el("div", parts.table(columns, rows, label="By domain"), cls="scroll", tabindex="0")
