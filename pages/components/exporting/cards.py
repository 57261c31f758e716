"""The format cards, each with how many rows of the selection fit."""

from collections.abc import Mapping

import streamlit as st

from lobass_core.specs import ExportFormat
from lobass_core.words.plural import plural
from lobass_core.workflows.export import LOST, Preflight
from pages.components import parts, theme, view
from pages.components.exporting import draft
from pages.components.exporting.trainer_view import phrase
from pages.components.view import Node, el

KEY = "export-cards"


def show(preflights: Mapping[ExportFormat, Preflight], chosen: ExportFormat) -> None:
    """Seven cards, and the rarer formats in a line below."""
    names: list[ExportFormat] = list(draft.FORMATS)
    rarer = [_rarer(name, preflights[name], name == chosen) for name in names[draft.N_CARDS :]]
    view.show(
        [
            el("div", *[_card(name, preflights[name], name == chosen) for name in names[: draft.N_CARDS]], cls="cards"),
            el("div", el("span", "Also", cls="muted"), *rarer, cls="row rarer"),
        ],
        key=KEY,
        label="Formats",
        on_event=_choose,
    )


def _card(name: ExportFormat, preflight: Preflight, is_chosen: bool) -> Node:
    title, note = draft.FORMATS[name]
    if name == "trl" and any(finding.rule == "prompt and completion" for finding in preflight.findings):
        note = "prompt + completion"
    tone, words = verdict(preflight)
    return el(
        "button",
        el("div", title, cls="strong ellipsis"),
        el("div", note, cls="muted ellipsis", title=note),
        el("div", parts.dot(tone, words), cls="verdict"),
        cls="card chosen" if is_chosen else "card",
        on=f"format:{name}",
        aria_pressed="true" if is_chosen else "false",
    )


def _rarer(name: ExportFormat, preflight: Preflight, is_chosen: bool) -> Node:
    title, note = draft.FORMATS[name]
    tone, words = verdict(preflight)
    return el(
        "span",
        el("span", cls=f"dot {tone}", title=words),
        el("button", title, cls="link strong" if is_chosen else "link", on=f"format:{name}", title=f"{note}; {words}"),
        cls="nowrap",
    )


def verdict(preflight: Preflight) -> tuple[str, str]:
    """Tone and words: rows that do not fit, else warnings, else ready."""
    refused = sum(finding.n_rows for finding in preflight.findings if finding.effect == "not written")
    if refused:
        return (
            "red",
            "no row fits" if refused == preflight.n_rows else f"{theme.count(refused)} {phrase('do not fit', refused)}",
        )
    warnings = [
        finding for finding in preflight.findings if finding.n_rows and finding.effect in (*LOST, "cut", "unknown")
    ]
    if warnings:
        return "amber", plural(len(warnings), "warning")
    return "kept", "ready"


def _choose() -> None:
    kind, _, name = (view.clicked(KEY) or "").partition(":")
    if kind == "format" and name in draft.FORMATS:
        st.session_state[draft.FORMAT] = name
