"""Select: move the cut and the balance between domains, see what is kept, save it."""

import streamlit as st

from lobass_core.errors import SelectionError
from lobass_core.workflows import costs, explore
from lobass_core.workflows.cut import Cut
from lobass_core.workflows.evidence import evidence
from pages.components import cost_line, cut_instrument, doubts_notice, empty, errors, scope, state, theme, view
from pages.components.selection import bar, draft, evidence_line, gate_chips, in_address, tabs, trust_line

project = state.project()
outline = state.outline(project)

if not outline.datasets:
    empty.show(
        "Nothing to select yet", "Import and score data, then select rows here.", action=("Import data", "import")
    )
    st.stop()
if not outline.has_measures:
    empty.no_scores("Rows are selected by their scores.", outline.datasets)
    st.stop()


@st.cache_resource(max_entries=4, show_spinner="Sorting the scores")
def instrument_tables(_scores: object, key: tuple, slots: tuple) -> cut_instrument.InstrumentTables:
    """Curves of one sorted table, kept by what decides them; `_scores` itself is too large to hash."""
    return cut_instrument.tables(_scores, dict(slots), str(hash(key)))  # type: ignore[arg-type]


@st.fragment
def page() -> None:
    """All of the page: a moved cut reruns this and nothing around it."""
    # A rerun of a fragment passes the router by.
    with errors.shown(key="select-error", comes_back=True):
        draw()


def show_worth(cut: Cut) -> None:
    """Whether such a selection is known to train better than random draws, and what it costs against everything."""
    if cut.rows.scoring is None:
        return
    share = cut.answer.n_kept / max(len(cut.rows.table), 1)
    evidence_line.show(evidence(experiments, cut.spec.method, share), cut)
    view.show(cost_line.of(costs.cost_of_selection(project, cut.rows, share)), key="select-cost", label="Cost")


def draw() -> None:
    """The cut, and what it means."""
    trouble = st.session_state.get(draft.TROUBLE, "")
    try:
        cut = draft.answer(project)
    except SelectionError as error:
        # A weight or dataset of this draft is gone, or its method has nothing to rank by: start over, and say why.
        errors.show(error)
        cut = draft.start_over(project)
    bar.show(project, cut)
    gate_chips.show(cut)
    in_scope = explore.scored_within(cut.rows, cut.spec.datasets)
    doubts_notice.show(in_scope, key="select-doubts", gates=cut.spec.gates)
    # Filled last: over a million rows the finding takes most of a second, and nothing else waits for it.
    finding = st.container()
    slots = theme.domain_slots(outline.domains)
    built = instrument_tables(cut.scores, cut.key, tuple(slots.items()))
    # A wide window shows the second beside the first: theme.CSS.
    room = st.container(key=theme.BESIDE_KEY)
    with room.container(key=f"{theme.BESIDE_KEY}-main"):
        cut_instrument.show(
            cut_instrument.payload(
                built, cut.spec, cut.answer, seq=draft.sequence(), rev=draft.revision(), error=trouble
            ),
            key=draft.INSTRUMENT,
            on_change=draft.on_instrument,
        )
    with room.container(key=f"{theme.BESIDE_KEY}-aside"):
        tabs.show(project, cut)
    show_worth(cut)
    in_address.write(cut.spec)
    with finding:
        trust_line.show(cut, tested)


in_address.follow(project)
scope.show(project)
tested = trust_line.self_test(project)
experiments = evidence_line.experiments(project)
page()
