"""The self-test on the Trust page: what it costs, how far it is, where the swapped rows rank."""

import streamlit as st

from lobass_core.learnability.measures import label_of
from lobass_core.project import Project
from lobass_core.validation.planted import SwappedRank
from lobass_core.words.plural import plural
from lobass_core.workflows import planted, run_views
from lobass_core.workflows.planted import PlantedReport
from lobass_core.workflows.planted_cost import PlantedForecast
from lobass_core.workflows.run_views import RunView
from lobass_core.workflows.scored import Scored
from pages.components import busy, parts, theme, view
from pages.components.parts import Column
from pages.components.view import Node, el

START = "trust.self-test"
TICK_SECONDS = 1.0


def latest(project: Project, rows: Scored) -> tuple[RunView | None, int]:
    """The last self-test of these scores, None where there was none, and how many there were."""
    runs = planted.runs_of(project, rows)
    return (run_views.run_view(project, runs[0].run_id) if runs else None), len(runs)


def button(project: Project, rows: Scored, cost: PlantedForecast, now: RunView | None, n_tests: int) -> None:
    """The page's primary button; its label says what will be done. Each test draws other rows."""

    def work() -> str:
        run = rows.need_scoring().run_id
        return planted.start(project, planted.plan(project, run=run, seed=n_tests)).run_id

    busy.primary(
        f"Self-test, {plural(cost.n_rows, 'row')}", ":material/science:", key=START, doing="Starting…", work=work,
        then=lambda _: None,
        disabled=not cost.is_possible or project.is_read_only or bool(now and now.is_live),
    )  # fmt: skip


def in_words(cost: PlantedForecast) -> str:
    """What the button costs, before it is clicked."""
    if not cost.is_possible:
        return "Too few scored rows for a self-test."
    time = f", about {theme.duration(cost.seconds)} here" if cost.seconds is not None else ""
    return (
        f"The self-test gives {plural(cost.n_rows, 'row')} the answer of another row of their domain and scores them: "
        f"about {theme.compact(cost.n_tokens)} tokens under base and reference{time}."
    )


def live(project: Project, now: RunView | None) -> None:
    """How far the test is, where one runs; draws itself every second, and the page once when the test has ended."""
    busy.show_error(START)
    if not now or not now.is_live:
        return
    run_id = now.run_id

    @st.fragment(run_every=TICK_SECONDS)
    def tick() -> None:
        still = run_views.run_view(project, run_id)
        if not still.is_live:
            st.rerun()
        view.show(_running(still), key="trust-self-test-running", label="Running self-test")

    tick()


def show(cost: PlantedForecast, now: RunView | None, report: PlantedReport | None) -> None:
    """Draw why the last test stopped, what the last finished one found, and what the next one costs."""
    nodes: list[Node | None] = [parts.heading("Self-test", "answers swapped within a domain")]
    if now and now.is_stopped:
        nodes.append(_stopped(now))
    nodes.append(_ranks(report) if report else None)
    nodes.append(el("p", in_words(cost), cls="muted"))
    view.show(el("div", *nodes, cls="stack"), key="trust-self-test", label="Self-test")


def _running(now: RunView) -> Node:
    progress = now.progress
    left = f"{theme.duration(progress.seconds_left)} left" if progress.seconds_left else progress.phase
    return el(
        "div",
        parts.heading("Self-test", f"run {now.run_id} · {left}"),
        parts.bar(now.share, thick=True, label=f"{now.share:.0%} done"),
        el(
            "p",
            f"{theme.count(progress.n_done)} of {theme.count(progress.n_total)} losses. You can close this tab. "
            f"To stop it: lobass cancel {now.run_id}.",
            cls="muted",
        ),
        cls="stack",
    )


def _stopped(now: RunView) -> Node:
    error = now.progress.error
    if now.state == "cancelled":
        return parts.notice("The last self-test was cancelled.", f"Run {now.run_id}.")
    what = f"{error.what[:1].upper()}{error.what[1:]}." if error else "The worker stopped without reporting an error."
    return parts.notice(
        f"The last self-test stopped. {what}",
        f"Run {now.run_id}.",
        error.do if error else "Start it again.",
        tone="red",
    )


def _ranks(report: PlantedReport) -> Node:
    """A line a domain: how often the imported row is above, by each measure."""
    measures = list(dict.fromkeys(one.measure for one in report.ranks))
    domains = list(dict.fromkeys(one.domain for one in report.ranks))
    columns = [
        Column("Domain"),
        *(Column(_title(name), 124, numeric=True) for name in measures),
        Column("Below own", 84, numeric=True),
    ]
    rows: list[list[Node]] = []
    for domain in domains:
        own = report.of("learnability", domain)
        below = f"{theme.count(own.n_below_own)} of {theme.count(own.n_swapped)}" if own else "–"
        rows.append([domain or "all", *(_cell(report.of(name, domain)) for name in measures), below])
    return el(
        "div",
        parts.table(columns, rows, label="Where rows with swapped answers rank"),
        el(
            "p",
            f"{plural(report.n_swapped, 'row')} swapped, {theme.ago(report.made_at)}, run {report.run_id}. "
            "Each number is how often an imported row scores above a swapped one, with its "
            "95\N{NO-BREAK SPACE}% interval; "
            "50\N{NO-BREAK SPACE}% is chance. “Below own” counts swapped rows whose learnability is below that of the "
            "row with its own answer.",
            cls="muted",
        ),
        cls="stack",
    )


def _title(measure: str) -> str:
    label = label_of(measure)
    return f"{label[:1].upper()}{label[1:]}".replace(" of the whole response", ", summed")


def _cell(one: SwappedRank | None) -> Node:
    if one is None:
        return "–"
    interval = f" ({100 * one.low:.0f} – {100 * one.high:.0f})"
    return el("span", theme.percent(one.auc, 0), el("span", interval, cls="muted"), cls="" if one.sinks else "amber")
