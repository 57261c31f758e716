"""The kept rows against all rows and against a random selection: their lengths, and every measure."""

import streamlit as st

from lobass_core.learnability.diagnostics import RandomComparison
from lobass_core.project import Project
from lobass_core.words import loss_words
from lobass_core.words.plural import plural
from lobass_core.workflows import cut as cuts
from lobass_core.workflows.cut import Cut
from pages.components import parts, theme, view
from pages.components.parts import Column
from pages.components.view import Node, el

# Cohen's thresholds for a correlation that a person would notice.
SMALL_RHO, LARGE_RHO = 0.1, 0.5
MOST_DOMAINS_NAMED = 6


def show_length(_project: Project, cut: Cut) -> None:
    """How far the score depends on length."""
    if not cut.rows.table.is_scored:
        st.caption("Response tokens are counted when the data is scored. Until then this tab is empty.")
        return
    length = cuts.verdicts(cut).length
    by_domain = cuts.rho_by_domain(cut) if cut.spec.balance != "global" else {}
    named = list(by_domain.items())[:MOST_DOMAINS_NAMED] if len(by_domain) > 1 else []
    where = f"In {named[0][0]}, the" if named else "The"
    view.show(
        el(
            "div",
            el(
                "div",
                parts.heading("Effect of length", "Spearman's rank correlation of score and response tokens"),
                el("p", _length_sentence(cuts.strongest_rho(cut), where)),
                parts.facts(
                    [
                        *((f"Eligible rows, {name}", f"ρ {theme.signed(rho)}") for name, rho in named),
                        ("Eligible rows", f"ρ {theme.signed(length.rho_all)} · {plural(length.n_all, 'row')}"),
                        ("Kept rows", f"ρ {theme.signed(length.rho_kept)} · {plural(length.n_kept, 'row')}"),
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


def _length_sentence(rho: float | None, where: str) -> str:
    if rho is None:
        return "Too few rows to tell whether the score depends on length."
    direction = "longer" if rho > 0 else "shorter"
    if abs(rho) < SMALL_RHO:
        return f"{where} score hardly depends on length."
    if abs(rho) < LARGE_RHO:
        return f"{where} score partly depends on length: {direction} responses score somewhat higher."
    return (
        f"{where} score mostly depends on length: {direction} responses score higher. "
        "Compare with a selection by length."
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


def show_random(_project: Project, cut: Cut) -> None:
    """The kept rows against a random selection of the same size."""
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
