"""The Overview of an empty project: the question, two ways to begin, the four steps."""

import math

import streamlit as st

from lobass_core.project import Project
from lobass_core.workflows import demo_build
from pages.components import errors, parts, state, view
from pages.components.importing import draft
from pages.components.view import Node, el

STEPS = (
    ("Import", "read files as conversations"),
    ("Score", "base and reference read each response once"),
    ("Select", "move the cut, balance domains, read rows"),
    ("Export", "for TRL, LLaMA-Factory, Axolotl and others"),
)
N_BARS = 72
CUT = 0.68


def show(project: Project) -> None:
    """Draw the welcome."""
    st.space("small")
    left, right = st.columns([7, 9], vertical_alignment="center", gap="large")
    with left:
        view.show(_question(), key="overview-question")
    with right:
        view.show(_example(), key="overview-example")
    st.space("small")
    bring, see = st.columns(2, gap="medium")
    with bring:
        _import_card()
    with see:
        _demo_card(project)
    view.show(_steps(), key="overview-steps")


def _question() -> Node:
    return el(
        "div",
        el("h1", "Which of this data is", el("br"), "worth training on?"),
        el(
            "p",
            "Two models score every response. If the fine-tuned model finds a response much easier than the base does, "
            "there is something to learn from it. Keep those rows and drop the rest.",
            cls="muted",
        ),
        cls="hero",
    )


def _example() -> Node:
    """Two drawn domains and a cut; shapes only, for nothing has been counted yet."""
    chatty = [_bump(x, 0.26, 0.09, 0.55) + _bump(x, 0.46, 0.12) for x in _places()]
    mathy = [_bump(x, 0.64, 0.10) for x in _places()]
    return el(
        "div",
        el("small", "Example: two domains, one cut", cls="muted"),
        _example_ridge("conversation", 0, chatty),
        _example_ridge("math", 1, mathy),
        el(
            "div",
            el("small", "already known or noise", cls="muted"),
            el("small", "learnability →", cls="muted"),
            el("small", "worth training on", cls="kept"),
            cls="between",
        ),
        cls="stack",
    )


def _places() -> list[float]:
    return [(i + 0.5) / N_BARS for i in range(N_BARS)]


def _bump(x: float, centre: float, width: float, height: float = 1.0) -> float:
    return height * math.exp(-0.5 * ((x - centre) / width) ** 2)


def _example_ridge(name: str, slot: int, heights: list[float]) -> Node:
    top = max(heights)
    step = 100 / len(heights)
    edge = "M0,100L" + "L".join(
        f"{i * step:.2f},{100 - 96 * h / top:.2f}L{(i + 1) * step:.2f},{100 - 96 * h / top:.2f}"
        for i, h in enumerate(heights)
    )
    cut = {"left": f"{100 * CUT:g}%"}
    return el(
        "div",
        el("div", parts.swatch(slot, name), cls="strong"),
        el(
            "div",
            el("div", cls="solid", style=cut),
            el(
                "svg",
                el("path", d=f"{edge}L100,100L100,-2L0,-2Z", cls="ground-fill"),
                el("path", d=f"{edge}L100,100", cls="left-line"),
                viewBox="0 0 100 100",
                preserveAspectRatio="none",
            ),
            el("div", cls="cut-line", style=cut),
            cls="ridge hatched tall",
            role="img",
            aria_label=f"Example distribution of {name} rows, with the cut",
        ),
    )


def _steps() -> Node:
    cells = [
        el("div", el("h3", el("span", str(number), cls="kept number"), name), el("small", text, cls="muted"))
        for number, (name, text) in enumerate(STEPS, start=1)
    ]
    return el("div", *cells, cls="steps")


def _import_card() -> None:
    with st.container(border=True, key="overview-import-card"):
        view.show(
            el(
                "div",
                el("h2", "Import your data"),
                el("p", "JSON, JSONL, CSV, TSV or Parquet on this server. The format is detected; no file is changed.",
                   cls="muted"),
                cls="stack",
            ),
            key="overview-import-text",
        )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            path = st.text_input(
                "Path of a data file", placeholder="/data/alpaca_data.json", icon=":material/folder_open:",
                label_visibility="collapsed", key="overview-path", width="stretch",
            )  # fmt: skip
            if st.button("Import", type="primary", icon=":material/arrow_forward:", key="overview-import"):
                if path.strip():
                    st.session_state[draft.PATH] = path.strip()
                state.go("import")


@st.fragment(run_every=2)
def _watch(project: Project) -> None:
    _demo_body(project)


def _demo_card(project: Project) -> None:
    with st.container(border=True, key="overview-demo-card"):
        view.show(
            el(
                "div",
                el("h2", "Try the demo"),
                el(
                    "p",
                    "Sample data and two small models. They are made and trained here, offline, in two to three "
                    "minutes.",
                    cls="muted",
                ),
                cls="stack",
            ),
            key="overview-demo-text",
        )
        root = demo_build.demo_root(project.root)
        if demo_build.read_build(root).state == "building":
            _watch(project)
        else:
            _demo_body(project)


def _demo_body(project: Project) -> None:
    """The demo's button, or how far it has come."""
    root = demo_build.demo_root(project.root)
    build = demo_build.read_build(root)
    if build.state == "building":
        view.show(parts.bar(build.share, thick=True, label=build.phase), key="overview-demo-bar")
        st.caption(errors.plain(f"{build.phase or 'Starting'}. It continues if you close this tab."))
        return
    if build.state == "ready":
        if st.button("Open the demo", type="primary", icon=":material/science:", key="overview-demo-open"):
            state.open_other(root)
        return
    label = "Resume the build" if build.state == "stopped" else "Build the demo"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(label, icon=":material/science:", key="overview-demo-build"):
            with errors.shown():
                demo_build.start(root)
                st.rerun()
        st.caption(f"creates the separate project `{root.name}`")
    if build.message:
        st.caption(errors.plain(build.message))
