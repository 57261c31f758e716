"""What a person asks of a cut: the rows beside it, whether it is only length, against random, against a saved one."""

from collections.abc import Sequence

import streamlit as st

from lobass_core.learnability.diagnostics import RandomComparison
from lobass_core.learnability.measures import reads_losses
from lobass_core.project import Project
from lobass_core.selection.result import CutAnswer
from lobass_core.words import loss_words
from lobass_core.workflows import cut as cuts
from lobass_core.workflows import refine
from lobass_core.workflows import select as selections
from lobass_core.workflows.cut import Cut, RowAtCut
from pages.components import command_line, errors, parts, state, theme, view
from pages.components.comparing import sides
from pages.components.parts import Column
from pages.components.scoring.progress_view import SHOWN
from pages.components.selection import draft
from pages.components.view import Node, el

TABS, TAB = "select.tabs", "select.tab"
NAMES = ("Rows at the cut", "Only length?", "Versus random", "Overlap with saved", "Table")
OVERLAP = "select.overlap"
# Cohen's thresholds for a correlation that a person would notice.
SMALL_RHO, LARGE_RHO = 0.1, 0.5


def show(project: Project, cut: Cut) -> None:
    """Draw the tabs; only the open one is built."""
    labels = _labels(cut)
    st.session_state[TABS] = labels[st.session_state.get(TAB, 0)]
    containers = st.tabs(labels, key=TABS, on_change=_remember_tab)
    draw = (_rows_at_cut, _only_length, _versus_random, _overlap, _table)
    for container, content in zip(containers, draw, strict=True):
        if container.open:
            with container:
                content(project, cut)


def _labels(cut: Cut) -> list[str]:
    """Names with the verdict of each, so that it is read without opening the tab."""
    rho, gain = cuts.pool(cut).rho, cuts.gain(cut)
    badges = {
        "Only length?": f"ρ {theme.signed(rho)}" if rho is not None else "",
        "Versus random": theme.signed(gain) if gain is not None else "",
    }
    return [f"{name} :{_tone(name, rho)}-badge[{badges[name]}]" if badges.get(name) else name for name in NAMES]


def _tone(name: str, rho: float | None) -> str:
    return "orange" if name == "Only length?" and rho is not None and abs(rho) >= LARGE_RHO else "green"


def _remember_tab() -> None:
    """A badge changes the label, so the open tab is remembered by its place."""
    opened = str(st.session_state[TABS])
    st.session_state[TAB] = next((place for place, name in enumerate(NAMES) if opened.startswith(name)), 0)


def open_tab(place: int, compared: str) -> None:
    """Open a tab by its place, and choose the saved selection of the overlap; empty for the first one."""
    st.session_state[TAB] = place
    if compared:
        st.session_state[OVERLAP] = compared


def opened() -> tuple[int, str]:
    """Place of the open tab, and the saved selection of the overlap."""
    return int(st.session_state.get(TAB, 0)), str(st.session_state.get(OVERLAP) or "")


def _rows_at_cut(project: Project, cut: Cut) -> None:
    _precision(project, cut)
    kept, dropped = cuts.rows_at_cut(project, cut)
    slots = theme.domain_slots(state.outline(project).domains)
    best, worst = ("highest", "lowest") if cut.scores.measure.higher_is_better else ("lowest", "highest")
    clicked = view.show(
        el(
            "div",
            _side("Last kept", f"{worst} scores kept", kept, slots, "No rows are kept by score."),
            _side("First dropped", f"{best} scores dropped", dropped, slots, "No rows are dropped by score."),
            cls="grid two aside",
        ),
        key="select-rows-at-cut",
        label="Rows at the cut",
    )
    if clicked:
        state.go("browse", row=clicked)


def _side(title: str, note: str, rows: Sequence[RowAtCut], slots: dict[str, int], nothing: str) -> Node:
    columns = [
        Column("Domain", 112),
        Column("Score", 62, numeric=True),
        Column("Tokens", 56, numeric=True),
        Column("Base → ref.", 88, numeric=True),
        Column("Prompt"),
    ]
    body = [
        [
            parts.swatch(slots.get(row.domain, 0), row.domain),
            theme.number(row.score, 4),
            theme.count(row.n_tokens),
            f"{theme.number(row.base_loss, 2)} → {theme.number(row.reference_loss, 2)}",
            parts.first_line(row.prompt),
        ]
        for row in rows
    ]
    shown = parts.table(columns, body, on=[str(row.row_key) for row in rows], label=title)
    return el("div", parts.heading(title, note), shown if rows else el("p", nothing, cls="muted"), cls="stack")


def _precision(project: Project, cut: Cut) -> None:
    """Losses in a coarser dtype may put rows this near on the wrong side; how to have them exact."""
    scoring = cut.rows.scoring
    if scoring.dtype in ("", "float32") or not reads_losses(cut.spec.method):
        return
    if scoring.refined_by:
        st.caption(f"Scored in {scoring.dtype}; rows near a cut were scored again in float32 ({scoring.refined_by}).")
        return
    n_near = len(refine.rows_near_cut(cut))
    if not n_near:
        return
    st.caption(
        f"Scored in {scoring.dtype}: the {theme.count(n_near)} rows within {refine.DEFAULT_BAND:g} of the cut may be "
        "on the wrong side."
    )
    with st.container(horizontal=True, gap="xsmall"):
        asked = st.button(
            f"Score {theme.count(n_near)} rows again in float32", icon=":material/target:", key="select.refine"
        )
        command_line.popover(
            command_line.plain("score", project.root, ["--refine", draft.name() or "NAME"]), key="select.refine-command"
        )
    if asked:
        with errors.shown():
            st.session_state[SHOWN] = refine.start(project, cut).run_id
            state.go("score")


def _only_length(project: Project, cut: Cut) -> None:
    length = cuts.verdicts(cut).length
    view.show(
        el(
            "div",
            el(
                "div",
                parts.heading("Effect of length", "Spearman's rank correlation of score and response tokens"),
                el("p", _length_sentence(length.rho_all)),
                parts.facts(
                    [
                        ("Eligible rows", f"ρ {theme.signed(length.rho_all)} · {theme.count(length.n_all)} rows"),
                        ("Kept rows", f"ρ {theme.signed(length.rho_kept)} · {theme.count(length.n_kept)} rows"),
                        ("Median length, all", f"{theme.number(length.median_tokens_all, 0)} response tokens"),
                        ("Median length, kept", f"{theme.number(length.median_tokens_kept, 0)} response tokens"),
                    ]
                ),
                cls="stack",
            ),
            _lengths(cut),
            cls="grid two aside",
        ),
        key="select-only-length",
        label="Effect of length",
    )


def _length_sentence(rho: float | None) -> str:
    if rho is None:
        return "Too few rows to tell whether the score depends on length."
    direction = "longer" if rho > 0 else "shorter"
    if abs(rho) < SMALL_RHO:
        return "The score hardly depends on length."
    if abs(rho) < LARGE_RHO:
        return f"The score partly depends on length: {direction} responses score somewhat higher."
    return (
        f"The score mostly depends on length: {direction} responses score higher. Compare with a selection by length."
    )


def _lengths(cut: Cut) -> Node:
    shares = cuts.verdicts(cut).random.lengths
    top = max((max(share.kept, share.expected) for share in shares), default=0.0) or 1.0
    rows = [
        [
            share.name,
            el("div", parts.bar(share.kept / top), parts.bar(share.expected / top, tone="muted"), cls="pair"),
            theme.percent(share.kept),
            theme.percent(share.expected),
        ]
        for share in shares
        if share.kept or share.expected
    ]
    columns = [
        Column("Response tokens", 120),
        Column("Share of rows"),
        Column("Kept", 70, numeric=True),
        Column("At random", 80, numeric=True),
    ]
    return el(
        "div", parts.heading("Lengths", "kept rows and a random selection"), parts.table(columns, rows), cls="stack"
    )


def _versus_random(project: Project, cut: Cut) -> None:
    versus = cuts.verdicts(cut).random
    how = "from all rows" if cut.spec.balance == "global" else "with the same number per domain"
    columns = [
        Column(loss_words.OF_ROWS.capitalize()),
        Column("Kept", 76, numeric=True),
        Column("Random", 76, numeric=True),
        Column("Difference", 82, numeric=True),
        Column("Deviations", 82, numeric=True),
    ]
    view.show(
        el(
            "div",
            parts.heading("Versus random", f"{theme.count(versus.n_kept)} random rows {how}; computed, not sampled"),
            el(
                "p",
                "How much the kept rows differ from a random selection of the same size. Deviations are standard "
                "deviations of that random selection.",
                cls="muted",
            ),
            parts.table(columns, [_compared(one) for one in versus.measures], label="Versus random"),
            cls="stack",
        ),
        key="select-versus-random",
        label="Versus random",
    )


def _compared(one: RandomComparison) -> list[Node]:
    digits = 1 if one.measure.is_whole else 3
    difference = None if one.kept is None or one.expected is None else one.kept - one.expected
    return [
        one.measure.with_unit,
        theme.number(one.kept, digits),
        theme.number(one.expected, digits),
        theme.signed(difference, digits),
        theme.signed(one.z, 1),
    ]


def _overlap(project: Project, cut: Cut) -> None:
    here, changed = draft.name(), draft.is_changed()
    # What is saved and unchanged has nothing to tell about itself; once changed, it does.
    names = [saved.name for saved in selections.list_selections(project) if saved.name != here or changed]
    if not names:
        other = "other " if here else ""
        st.caption(f"No {other}saved selections yet. Save this one and change the cut to compare the two.")
        return
    if st.session_state.get(OVERLAP) not in names:
        others = [name for name in names if name != here]
        st.session_state[OVERLAP] = (others or names)[0]
    name = st.selectbox("Compare with", names, key=OVERLAP, label_visibility="collapsed", width=260)
    overlap = cuts.overlap_with(project, cut, name)
    columns = [
        Column("Domain"),
        Column("In both", 84, numeric=True),
        Column("Only here", 84, numeric=True),
        Column(f"Only in {name}", 180, numeric=True),
    ]
    slots = theme.domain_slots(state.outline(project).domains)
    rows = [
        [
            parts.swatch(slots.get(part.domain, 0), part.domain),
            theme.count(part.both),
            theme.count(part.only_a),
            theme.count(part.only_b),
        ]
        for part in overlap.domains
        if part.both or part.only_a or part.only_b
    ]
    clicked = view.show(
        el(
            "div",
            parts.facts(
                [
                    (
                        "In both",
                        f"{theme.count(overlap.both)} rows, {theme.percent(overlap.jaccard)} of all rows in either",
                    ),
                    ("By chance", f"{theme.count(overlap.expected_both)} rows expected for two random selections"),
                    ("Only here", f"{theme.count(overlap.only_a)} rows"),
                    ("Only in saved", f"{theme.count(overlap.only_b)} rows"),
                    ("Rank agreement", f"{theme.signed(overlap.rank_agreement)}, Spearman's ρ of the rows in both"),
                ]
            ),
            parts.table(columns, rows, label="Overlap by domain"),
            parts.link("Compare row by row", on="compare") if here and not changed else _save_first(here),
            cls="stack",
        ),
        key="select-overlap",
        label="Overlap with a saved selection",
    )
    if clicked:
        sides.open_selections(here, name)


def _save_first(here: str) -> Node:
    what = f"{here} has changed since it was saved" if here else "This selection is not saved yet"
    return el("p", f"{what}. Save it to compare the two row by row.", cls="muted")


def _table(project: Project, cut: Cut) -> None:
    slots = theme.domain_slots(state.outline(project).domains)
    view.show(
        domain_table(cut.answer, slots, in_tokens=cut.spec.budget == "tokens"), key="select-table", label="By domain"
    )


def domain_table(answer: CutAnswer, slots: dict[str, int], *, in_tokens: bool) -> Node:
    """What each domain has, asked for and got."""
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
            theme.count(share.tokens),
            theme.number(share.threshold, 4),
            theme.count(share.n_by_hand),
            parts.tag("all taken", "amber") if share.exhausted else "",
        ]
        for share in answer.domains
        if share.n_rows
    ]
    return el("div", parts.table(columns, rows, label="By domain"), cls="scroll", tabindex="0")
