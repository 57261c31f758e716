"""How far score and loss drop follow length, beside the published figures; and what is kept of each length."""

from collections.abc import Mapping

from lobass_core.validation.diagnosis import PUBLISHED, LengthTenth
from lobass_core.workflows.diagnose import Diagnosis
from pages.components import parts, theme, view
from pages.components.parts import Column
from pages.components.trust.findings_view import whole
from pages.components.view import Node, el


def show(diagnosis: Diagnosis, slots: Mapping[str, int], *, key: str, are_steps_known: bool = True) -> None:
    """Draw both; steps that are still being counted are left open."""
    view.show(
        el(
            "div",
            el("div", _dependence(diagnosis, slots, are_steps_known), _published(), cls="stack wide"),
            _kept(diagnosis) or el("div"),
            cls="grid two aside",
        ),
        key=key,
        label="Length",
    )


def _dependence(diagnosis: Diagnosis, slots: Mapping[str, int], are_steps_known: bool) -> Node:
    columns = [
        Column("Domain"),
        Column("Rows", 66, numeric=True),
        Column("Response", 74, numeric=True),
        Column("Prompt", 64, numeric=True),
        Column("Steps", 58, numeric=True),
    ]
    rows = []
    for one in diagnosis.lengths:
        name = parts.swatch(slots.get(one.domain, 0), one.domain)
        steps = [theme.signed(rho) if are_steps_known else "…" for rho in (one.score_steps, one.drop_steps)]
        score = theme.signed(one.score_response), theme.signed(one.score_prompt), steps[0]
        drop = theme.signed(one.drop_response), theme.signed(one.drop_prompt), steps[1]
        rows.append([name, theme.count(one.n_rows), *score])
        rows.append([el("span", "loss drop", cls="muted"), "", *drop])
    return el(
        "div",
        parts.heading("Length", f"Spearman's ρ of {diagnosis.measure} with"),
        parts.table(columns, rows, label="Rank correlation with length, by domain"),
        cls="stack",
    )


def _published() -> Node:
    columns = [Column("Published, gemma-2b"), Column("Loss drop", 76, numeric=True), Column("Score", 64, numeric=True)]
    rows: list[list[Node]] = [[name, theme.signed(drop), theme.signed(score)] for name, drop, score in PUBLISHED]
    return el(
        "div",
        parts.table(columns, rows, label="Published rank correlations with response length"),
        el("p", "With the tokens of the response; arXiv 2310.13008v2.", cls="muted"),
        cls="stack",
    )


def _kept(diagnosis: Diagnosis) -> Node | None:
    if not diagnosis.tenths:
        return None
    share = diagnosis.n_kept / diagnosis.n_rows if diagnosis.n_rows else 0.0
    top = max((one.share_kept for one in diagnosis.tenths), default=0.0) or 1.0
    columns = [Column("Response tokens", 112), Column("Share kept"), Column("", 60, numeric=True)]
    return el(
        "div",
        parts.heading("Kept by length", diagnosis.words),
        parts.table(columns, [_tenth(one, top) for one in diagnosis.tenths], label="Share kept by response length"),
        el(
            "p",
            whole(
                "Each line is a tenth of the rows, shortest responses first. If length had no effect, each would keep "
                f"about {theme.percent(share)}."
            ),
            cls="muted",
        ),
        cls="stack",
    )


def _tenth(one: LengthTenth, top: float) -> list[Node]:
    words = f"{theme.count(one.shortest)} – {theme.count(one.longest)}"
    bar = parts.bar(one.share_kept / top, label=f"{words} tokens: {theme.percent(one.share_kept)} kept")
    return [words, bar, theme.percent(one.share_kept)]
