"""Trust: how far the scores can be believed. One line a finding, each with what to do about it; no score of trust."""

from dataclasses import replace
from functools import partial

import streamlit as st

from lobass_core.workflows import explore, run_views
from lobass_core.workflows import select as selections
from lobass_core.workflows.diagnose import diagnose, steps_are_counted
from lobass_core.workflows.findings import findings
from lobass_core.workflows.planted_cost import forecast
from lobass_core.workflows.run_views import RunView
from pages.components import command_line, empty, parts, scope, state, theme, toolbar, view
from pages.components.selection import draft
from pages.components.trust import findings_view, in_address, lengths_view, self_test

project = state.project()
outline = state.outline(project)


def scoring_run() -> RunView | None:
    """The scoring that runs now, or the last one that stopped before it had any scores."""
    runs = [run for run in run_views.run_views(project) if run.kind == "score"]
    live = next((run for run in runs if run.is_live), None)
    return live or (runs[0] if runs and not outline.scorings and runs[0].is_stopped else None)


def about_scoring(run: RunView) -> None:
    """What a scoring that is not done means here."""
    if run.is_live:
        node = parts.notice(
            f"Run {run.run_id} is scoring: {theme.percent(run.share, 0)} done.",
            "Its findings appear here when it has finished.",
            link=("See its progress", "score"),
        )
    else:
        node = parts.notice(
            f"Run {run.run_id} stopped at {theme.percent(run.share, 0)}.", "Resume it to get scores.", tone="red",
            link=("See why", "score"),
        )  # fmt: skip
    if view.show(node, key="trust-scoring", label="The scoring"):
        state.go("score", show=run.run_id)


if not outline.datasets:
    empty.show(
        "Nothing to look at yet", "Import and score data first. This page then says how far the scores can be trusted.",
        action=("Import data", "import"),
    )  # fmt: skip
    st.stop()
if current := scoring_run():
    about_scoring(current)
if not outline.scorings:
    empty.show(
        "No losses yet" if outline.columns else "No scores yet",
        "Once the rows are scored, this page says how far the scores can be trusted: length, stability, memory, "
        "overlap with evaluation files.",
        action=("Score the data", "score"),
    )
    st.stop()

saved = [one.name for one in selections.list_selections(project)]
in_address.follow(saved)
scope.show(project, datasets=False)
with st.spinner("Reading the scores"):
    rows = explore.scored(project, state.chosen_run())
tests = self_test.tests(project, rows)
cost = forecast(project, rows)
left, right = toolbar.toolbar("trust")
with left:
    chosen: str = st.selectbox(
        "Selection",
        ["", *saved],
        format_func=lambda name: name or "Working selection",
        key=in_address.SELECTION,
        label_visibility="collapsed",
        width=236,
        persist_state="session",
        help="The findings say what this selection keeps.",
    )
with right:
    run = state.chosen_run()
    command_line.popover(
        command_line.plain(
            "diagnose", project.root, *([["--selection", chosen]] if chosen else []), *([["--run", run]] if run else [])
        ),
        key="trust.command",
    )
    self_test.button(project, rows, cost, tests)

self_test.live(project, tests)
self_test.stopped(tests)
working = replace(draft.spec() if draft.is_begun() else draft.fresh(), datasets=())
looked_at = partial(diagnose, project, run, chosen, spec=None if chosen else working)
with st.spinner("Looking at the scores"):
    diagnosis = looked_at(steps=False)
view.show(findings_view.key_numbers(diagnosis), key="trust-numbers", label="Key numbers")
# A wide window shows the second beside the first: theme.CSS.
room = st.container(key=theme.BESIDE_KEY)
with room.container(key=f"{theme.BESIDE_KEY}-main"):
    findings_view.show(project, diagnosis, findings(diagnosis))
with room.container(key=f"{theme.BESIDE_KEY}-aside"):
    lengths, slots = st.empty(), theme.domain_slots(outline.domains)
    if not steps_are_counted(project):
        # Counting them reads every text: all that needs none is on the screen before.
        with lengths:
            lengths_view.show(diagnosis, slots, key="trust-lengths-first", are_steps_known=False)
    self_test.show(project, cost, tests, diagnosis.planted)
    full = looked_at()
    with lengths:
        lengths_view.show(full, slots, key="trust-lengths")
in_address.write(chosen)
