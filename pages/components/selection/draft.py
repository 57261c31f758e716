"""The working selection of a session: one spec, kept under our own key so that a change of page keeps it.

Tests and other pages may set `st.session_state["select.spec"]`; the instrument follows.
"""

from dataclasses import replace

import streamlit as st

from lobass_core.errors import LobassError, RequestError, SelectionError
from lobass_core.learnability.measures import reads_losses
from lobass_core.project import Project
from lobass_core.selection.order import usual_gates
from lobass_core.specs import Balance, Band, SelectionSpec
from lobass_core.workflows import select as selections
from lobass_core.workflows.cut import Cut, open_cut
from pages.components import cut_instrument, state

SPEC, SEQ, REV, NAME, SAVED_SPEC = "select.spec", "select.seq", "select.rev", "select.name", "select.saved-spec"
SENT, TROUBLE, DELETED = "select.sent", "select.trouble", "select.deleted"
BALANCE, INSTRUMENT, OPEN, MORE = "select.balance", "select.instrument", "select.open", "select.more"
GATE_KEYS = {
    "min_response_tokens": "select.gate-tokens",
    "min_learnability": "select.gate-learnability",
    "exclude_truncated": "select.gate-truncated",
    "exclude_negative": "select.gate-negative",
    "exclude_near_zero_base": "select.gate-near-zero",
    "exclude_duplicates": "select.gate-duplicates",
    "exclude_worse_than_chance": "select.gate-chance",
    "exclude_overlap": "select.gate-overlap",
}
METHOD, SEED = "select.method", "select.seed"


def spec() -> SelectionSpec:
    """The working spec over the datasets chosen in the sidebar."""
    if SPEC not in st.session_state:
        st.session_state[SPEC] = fresh()
    working: SelectionSpec = st.session_state[SPEC]
    return replace(working, datasets=state.chosen_datasets())


def is_begun() -> bool:
    """Whether this session has a working selection yet."""
    return SPEC in st.session_state


def fresh() -> SelectionSpec:
    """What a new working selection starts from: learnability, where nothing is scored the first score column."""
    outline = state.outline(state.project())
    if outline.scorings or not outline.columns:
        return SelectionSpec()
    return SelectionSpec(method=outline.columns[0], gates=usual_gates(outline.columns[0]))


def start_over(project: Project) -> Cut:
    """A fresh working selection, answered; by base loss where base and reference do not differ.

    Raises:
        SelectionError: the scores are gone.
    """
    put(fresh())
    try:
        return answer(project)
    except SelectionError:
        put(replace(fresh(), method="base-loss"))
        return answer(project)


def put(new: SelectionSpec) -> None:
    """Set the spec from anywhere but the instrument."""
    st.session_state[SPEC] = new
    st.session_state.pop(TROUBLE, None)


def answer(project: Project) -> Cut:
    """The working spec, answered exactly.

    Raises:
        SelectionError: nothing is scored, or a weight names a domain that is gone.
    """
    return open_cut(project, spec(), state.chosen_run())


def revision() -> int:
    """Counts changes that did not come from the instrument, so that it knows when to follow instead of leading."""
    now, sent = spec(), st.session_state.get(SENT)
    if now != sent:
        st.session_state[REV] = st.session_state.get(REV, 0) + 1
        st.session_state[SENT] = now
    return int(st.session_state.get(REV, 0))


def sequence() -> int:
    """Number of the instrument's last change that this spec answers."""
    return int(st.session_state.get(SEQ, 0))


def is_changed() -> bool:
    """Whether the working spec differs from the opened selection's."""
    return bool(name()) and st.session_state.get(SAVED_SPEC) != spec()


def name() -> str:
    """Name of the opened selection, empty for none."""
    return str(st.session_state.get(NAME, ""))


def opened(selection_name: str, saved: SelectionSpec | None = None) -> None:
    """Say that the working selection is what is saved under this name, or as `saved`; an empty name for none."""
    st.session_state[NAME] = selection_name
    st.session_state[SAVED_SPEC] = saved or spec()


# --- callbacks: they run before the page does ---------------------------------------------------------------------


def on_instrument() -> None:
    """Take what the hand has set; an invalid spec stays as it was, and says so."""
    try:
        change = cut_instrument.changed(INSTRUMENT)
        if change is None:
            return
        st.session_state[SEQ] = change.seq
        put(change.applied(spec()))
        # The browser shows this spec already: not news to it.
        st.session_state[SENT] = spec()
    except RequestError as error:
        st.session_state[TROUBLE] = str(error)


def on_balance(project: Project) -> None:
    """Change the balance and keep the amount: custom starts from the shares that are kept now."""
    balance, now = st.session_state[BALANCE], spec()
    try:
        here = open_cut(project, now, state.chosen_run())
        put(balanced(now, balance, here))
    except LobassError as error:
        st.session_state[TROUBLE] = str(error)


def balanced(now: SelectionSpec, balance: Balance, here: Cut) -> SelectionSpec:
    """The spec under another balance; a threshold, which is one cut for all, becomes the rows it keeps."""
    weights: tuple[tuple[str, float], ...] = ()
    if balance == "custom":
        amounts = {
            share.domain: share.tokens if now.budget == "tokens" else share.got
            for share in here.answer.domains
            if share.n_rows
        }
        total = sum(amounts.values())
        weights = tuple(
            (domain, round(amount / total, 4) if total else 1.0) for domain, amount in sorted(amounts.items())
        )
    budget, value = now.budget, now.value
    if budget == "threshold" and balance != "global":
        budget, value = "samples", float(here.answer.n_kept)
    return replace(now, balance=balance, weights=weights, budget=budget, value=value)


def on_gates() -> None:
    """Read the gates' widgets."""
    values = {field: st.session_state[key] for field, key in GATE_KEYS.items()}
    try:
        put(replace(spec(), gates=replace(spec().gates, **values)))
    except RequestError as error:
        st.session_state[TROUBLE] = str(error)


def on_method() -> None:
    """Rank by another score."""
    rank_by(st.session_state[METHOD], int(st.session_state.get(SEED) or 0))


def rank_by(method: str, seed: int) -> None:
    """Rank by this score. A threshold of the old score means nothing under the new one."""
    now = spec()
    if now.budget == "threshold" and method != now.method:
        now = replace(now, budget="ratio", value=SelectionSpec().value)
    gates = now.gates
    if reads_losses(method) != reads_losses(now.method):
        # A bad loss does not matter to a measure that reads none.
        gates = replace(gates, exclude_worse_than_chance=usual_gates(method).exclude_worse_than_chance)
    put(replace(now, method=method, gates=gates, seed=seed))


def set_band(measure: str, low: float | None, high: float | None) -> None:
    """Keep only the rows within a range of the measure; no end takes the band away."""
    now = spec()
    if low is not None and high is not None and low > high:
        low, high = high, low
    bands: dict[str, Band] = {band[0]: band for band in now.gates.bands}
    bands[measure] = (measure, low, high)
    kept = tuple(band for band in bands.values() if band[1:] != (None, None))
    put(replace(now, gates=replace(now.gates, bands=kept)))


def on_open(project: Project) -> None:
    """Open the selection that was picked, with its scores and datasets; the empty choice starts a fresh one."""
    chosen = st.session_state[OPEN]
    if not chosen:
        put(fresh())
        opened("")
        return
    try:
        load(project, chosen)
    except LobassError as error:
        st.session_state[TROUBLE] = str(error)


def on_more(project: Project) -> None:
    """Duplicate or delete the opened selection."""
    chosen, opened_name = st.session_state[MORE], name()
    try:
        if chosen == "Duplicate":
            load(project, selections.duplicate(project, opened_name))
        elif chosen == "Delete":
            st.session_state[DELETED] = (selections.delete(project, opened_name), opened_name)
            opened("")
            st.toast(f"Deleted {opened_name}", icon=":material/delete:")
    except LobassError as error:
        st.session_state[TROUBLE] = str(error)


def on_undelete(project: Project) -> None:
    """Bring the last deleted selection back and open it."""
    number, _ = st.session_state[DELETED]
    try:
        load(project, selections.undelete(project, number))
    except LobassError as error:
        st.session_state[TROUBLE] = str(error)


def load(project: Project, chosen: str) -> None:
    """Open a saved selection; raises SelectionError where it or its scores are gone."""
    st.session_state.pop(DELETED, None)
    saved, saved_spec = selections.load(project, chosen)
    scoring = selections.scoring_of(project, saved)
    # Made without losses, it can be opened under any scores.
    run = scoring.run_id if scoring else state.chosen_run()
    elsewhere = saved_spec.datasets != state.chosen_datasets() or state.named_run() not in (None, run)
    if saved_spec.datasets != state.chosen_datasets():
        st.session_state[state.DATASETS_KEY] = list(saved_spec.datasets)
    if state.named_run() is not None:
        st.session_state[state.RUN_KEY] = run
    put(saved_spec)
    opened(chosen)
    if elsewhere:
        # The sidebar stands outside the fragment and must show the other scores or datasets too.
        st.rerun()
