"""The menu of Select for the measure that ranks rows and the rows excluded regardless of score."""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from lobass_core.learnability.measures import Measure
from lobass_core.project import Project
from lobass_core.specs import Gates
from lobass_core.store.overlaps import OverlapCheck
from lobass_core.workflows import cut as cuts
from lobass_core.workflows import explore
from lobass_core.workflows.cut import Cut
from lobass_core.workflows.latest_overlap import latest_overlap
from pages.components import errors, number_field, state, theme
from pages.components.selection import draft

MORE_BANDS, ADD_BAND = "select.more-bands", "select.add-band"


def show(project: Project, cut: Cut) -> None:
    """Draw the menu; what it changes is the draft."""
    gates = cut.spec.gates
    n = n_gates(gates)
    label = f"{n} gate" if n == 1 else f"{n} gates"
    if cut.spec.method != "learnability":
        label = f"{cut.scores.measure.title} · {label}"
    with st.popover(label, icon=":material/filter_alt:", key="select.gates", help="Rows excluded regardless of score"):
        state.put(draft.METHOD, cut.spec.method)
        st.session_state[draft.SEED] = cut.spec.seed
        measures = explore.measures(cut.rows)
        st.selectbox(
            "Rank by",
            list(measures),
            format_func=lambda name: measures[name].title,
            key=draft.METHOD,
            on_change=draft.on_method,
            help=ranked_by(cut.scores.measure),
        )
        if cut.scores.measure.uses_seed:
            number_field.show("Seed", key=draft.SEED, whole=True, least=0, otherwise=0, on_change=draft.on_method)
        for field, key in draft.GATE_KEYS.items():
            state.put(key, getattr(gates, field))
        is_scored = cut.rows.table.is_scored
        if is_scored:
            _minimums()
        _bands(gates, measures)
        counts, check = cuts.n_gated(cut), latest_overlap(project)
        for field, text, help_text in (
            (
                "exclude_worse_than_chance",
                "Exclude worse than chance",
                "Rows where the base is worse than chance. Their scores mean little.",
            ),
            ("exclude_truncated", "Exclude truncated", "Responses that were cut at the token limit."),
            ("exclude_negative", "Exclude negative", "Rows on which the reference is worse than the base."),
            ("exclude_near_zero_base", "Exclude already known", "Rows with a base loss under 0.05 nats per token."),
            ("exclude_duplicates", "Exclude duplicates", "Keeps one row per sample."),
            ("exclude_overlap", "Exclude rows in evaluation files", _overlap_help(check)),
        ):
            if not is_scored and field != "exclude_duplicates":
                continue
            label = f"{text} ({theme.count(counts[field])})" if counts[field] else text
            shut = getattr(gates, field)
            cannot = field == "exclude_overlap" and check is None and not shut
            st.toggle(label, key=draft.GATE_KEYS[field], on_change=draft.on_gates, help=help_text, disabled=cannot)
        _seen(cut)
        if not is_scored:
            st.caption("Gates for losses and response tokens appear here once the data is scored.")


def _minimums() -> None:
    left, right = st.columns(2)
    with left:
        number_field.show(
            "Minimum response tokens", key=draft.GATE_KEYS["min_response_tokens"], whole=True, least=0, otherwise=0,
            on_change=draft.on_gates, help="Losses of short responses are noisy.",
        )  # fmt: skip
    with right:
        number_field.show(
            "Minimum learnability", key=draft.GATE_KEYS["min_learnability"], placeholder="none",
            on_change=draft.on_gates,
        )  # fmt: skip


def _bands(gates: Gates, measures: Mapping[str, Measure]) -> None:
    """A range for each measure that has one or was asked for; a box adds others."""
    bands = {name: (low, high) for name, low, high in gates.bands}
    wanted = {*bands, *st.session_state.get(MORE_BANDS, ())}
    titles = {name: one.title for name, one in measures.items() if not one.uses_seed}
    for name in titles:
        if name in wanted:
            _band_row(measures[name], *bands.get(name, (None, None)))
    others = [name for name in titles if name not in wanted]
    st.selectbox(
        "Limit a measure", others, index=None, key=ADD_BAND, placeholder="Choose a measure",
        format_func=titles.__getitem__, on_change=_add_band,
        help="Excludes rows outside the range and rows without a value.",
    )  # fmt: skip


def _add_band() -> None:
    if chosen := st.session_state[ADD_BAND]:
        st.session_state[MORE_BANDS] = (*st.session_state.get(MORE_BANDS, ()), chosen)
    st.session_state[ADD_BAND] = None


def _band_row(measure: Measure, low: float | None, high: float | None) -> None:
    keys = f"select.band.{measure.name}.low", f"select.band.{measure.name}.high"
    st.session_state[keys[0]], st.session_state[keys[1]] = low, high

    def changed() -> None:
        draft.set_band(measure.name, st.session_state[keys[0]], st.session_state[keys[1]])

    for column, key, end in zip(st.columns(2), keys, ("from", "to"), strict=True):
        with column:
            number_field.show(
                measure.with_unit if end == "from" else f"{measure.title}, to", key=key, placeholder=end,
                whole=measure.is_whole, on_change=changed,
                label_visibility="visible" if end == "from" else "hidden",
            )  # fmt: skip


def ranked_by(measure: Measure) -> str:
    """What the ranking goes by, in a sentence or two."""
    order = "Highest first." if measure.higher_is_better else "Lowest first."
    return f"{order} {measure.with_unit}: {measure.formula} ({measure.source})."


def _overlap_help(check: OverlapCheck | None) -> str:
    if check is None:
        return "Compare the rows with evaluation files first: lobass overlap FILE."
    names = ", ".join(Path(file.path).name for file in check.files)
    return errors.plain(f"Rows that also appear in {names}, word for word or nearly.")


def _seen(cut: Cut) -> None:
    """Rows that are new to the reference; no gate leaves them out, as nothing is wrong with them."""
    n_unseen = explore.doubts(explore.scored_within(cut.rows, cut.spec.datasets)).n_unseen
    if n_unseen:
        st.caption(
            f"{theme.count(n_unseen)} rows are not in the reference's training data, so they score lower.",
            help="These rows were held out to measure the reference, or imported later. Train a new reference on all "
            "rows, or one with folds: then each row is scored by a model that was not trained on it.",
        )


def n_gates(gates: Gates) -> int:
    """How many gates are shut."""
    flags = (
        gates.exclude_worse_than_chance,
        gates.exclude_truncated,
        gates.exclude_negative,
        gates.exclude_near_zero_base,
        gates.exclude_duplicates,
        gates.exclude_overlap,
    )
    return sum(flags) + (gates.min_response_tokens > 0) + (gates.min_learnability is not None) + len(gates.bands)
