"""The self-test on the Trust page: what it costs, how far it is, where the swapped rows rank."""

from dataclasses import dataclass

import streamlit as st

from lobass_core.jobs.run_specs import PlantedRun
from lobass_core.learnability.measures import label_of
from lobass_core.project import Project
from lobass_core.validation.planted import SwappedRank
from lobass_core.words.plural import plural
from lobass_core.workflows import planted, run_views
from lobass_core.workflows.leftovers import size_of
from lobass_core.workflows.planted_cost import PlantedForecast
from lobass_core.workflows.planted_report import PlantedReport, runs_of
from lobass_core.workflows.run_views import RunView
from lobass_core.workflows.scored import Scored
from pages.components import busy, cleaning, parts, theme, view
from pages.components.parts import Column
from pages.components.scoring.run_parts import cancel_menu
from pages.components.view import Node, el

START, RESUME, AFRESH = "trust.self-test", "trust.resume", "trust.new-self-test"
TICK_SECONDS = 1.0
OLD = "old"


@dataclass(frozen=True, slots=True)
class Tests:
    """The self-tests of these scores: the last one (None before the first), the next one's seed, and the old ones."""

    last: RunView | None
    seed: int
    n_old: int
    old_bytes: int


def tests(project: Project, rows: Scored) -> Tests:
    """As they stand now. An old test is one that a later, finished one stands for."""
    runs = runs_of(project, rows)
    done = next((place for place, run in enumerate(runs) if run.state() == "done"), len(runs))
    old = [run.path for run in runs[done + 1 :] if not run.is_live()]
    last = run_views.run_view(project, runs[0].run_id) if runs else None
    seed = 1 + max((run.spec_as(PlantedRun).seed for run in runs), default=-1)
    return Tests(last, seed, len(old), sum(map(size_of, old)))


def button(project: Project, rows: Scored, cost: PlantedForecast, now: Tests) -> None:
    """The page's primary button; its label says what will be done. Each test draws other rows."""
    last = now.last
    if last and last.can_resume and st.session_state.get(AFRESH) != last.run_id:
        st.button("New self-test", key=AFRESH + ".click", on_click=_afresh, args=(last.run_id,))
        n_left = last.progress.n_total - run_views.n_saved(last)
        left = f", {plural(n_left, 'loss', 'losses')} to do" if n_left else ""
        busy.primary(
            f"Resume the self-test{left}", ":material/play_arrow:", key=RESUME, doing="Starting…",
            work=lambda: planted.resume(project, last.run_id).run_id, then=lambda _: None,
            disabled=project.is_read_only,
        )  # fmt: skip
        return

    def work() -> str:
        run = rows.need_scoring().run_id
        return planted.start(project, planted.plan(project, run=run, seed=now.seed)).run_id

    busy.primary(
        f"Self-test, {plural(cost.n_rows, 'row')}", ":material/science:", key=START, doing="Starting…", work=work,
        then=lambda _: None,
        disabled=not cost.is_possible or project.is_read_only or bool(last and last.is_live),
    )  # fmt: skip


def _afresh(run_id: str) -> None:
    st.session_state[AFRESH] = run_id


def in_words(cost: PlantedForecast) -> str:
    """What the button costs, before it is clicked."""
    if not cost.is_possible:
        return "Too few scored rows for a self-test."
    time = f", about {theme.duration(cost.seconds)} here" if cost.seconds is not None else ""
    return (
        f"The self-test gives {plural(cost.n_rows, 'row')} the response of another row of their domain and scores "
        f"them: about {theme.compact(cost.n_tokens)} tokens under base and reference{time}."
    )


def live(project: Project, now: Tests) -> None:
    """How far the test is, where one runs; draws itself every second, and the page once when the test has ended."""
    busy.show_error(START)
    busy.show_error(RESUME)
    if not now.last or not now.last.is_live:
        return
    run_id = now.last.run_id

    @st.fragment(run_every=TICK_SECONDS)
    def tick() -> None:
        still = run_views.run_view(project, run_id)
        if not still.is_live:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center", key="trust-self-test-live"):
            view.show(_running(still), key="trust-self-test-running", label="Running self-test")
            cancel_menu(project, still, key="trust", kept="The losses computed so far are kept.")

    tick()


def stopped(now: Tests) -> None:
    """Say above everything else, where the progress was, why the last test stopped."""
    if now.last and now.last.is_stopped:
        view.show(_stopped(now.last), key="trust-stopped", label="The last self-test")


def show(project: Project, cost: PlantedForecast, now: Tests, report: PlantedReport | None) -> None:
    """Draw what the last finished test found, what the next one costs, and the old ones."""
    nodes: list[Node | None] = [parts.heading("Self-test", "responses swapped within a domain")]
    nodes.append(_ranks(report) if report else None)
    nodes.append(el("p", in_words(cost), cls="muted"))
    if now.n_old and not project.is_read_only:
        size = theme.byte_size(now.old_bytes)
        takes = f"{plural(now.n_old, 'earlier self-test takes', 'earlier self-tests take')} {size}."
        nodes.append(el("p", takes, " ", parts.link("Delete old self-tests", on=OLD), cls="muted"))
    if view.show(el("div", *nodes, cls="stack"), key="trust-self-test", label="Self-test") == OLD:
        cleaning.dialog(project, ("self-test",))


def _running(now: RunView) -> Node:
    progress = now.progress
    left = f"{theme.duration(progress.seconds_left)} left" if progress.seconds_left else progress.phase
    return el(
        "div",
        parts.heading("Self-test", f"run {now.run_id} · {left}"),
        parts.bar(now.share, thick=True, label=f"{now.share:.0%} done"),
        el(
            "p",
            f"{theme.count(progress.n_done)} of {theme.count(progress.n_total)} losses. You can close this tab.",
            cls="muted",
        ),
        cls="stack",
    )


def _stopped(now: RunView) -> Node:
    error = now.progress.error
    if now.fault:
        return parts.notice(f"{now.fault.what}.", f"({now.fault.where})", now.fault.do, tone="red")
    goes_on = "Resume continues from the losses that were saved." if now.can_resume else "Start a new self-test."
    if now.state == "cancelled":
        return parts.notice("The last self-test was cancelled.", f"Run {now.run_id}.", goes_on)
    what = f"{error.what[:1].upper()}{error.what[1:]}." if error else "The worker stopped without reporting an error."
    return parts.notice(
        f"The last self-test stopped. {what}",
        f"Run {now.run_id}.",
        error.do if error and error.do else goes_on,
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
        parts.table(columns, rows, label="Where rows with swapped responses rank"),
        el(
            "p",
            f"{plural(report.n_swapped, 'row')} swapped, {theme.ago(report.made_at)}, run {report.run_id}. "
            "Each number is how often an imported row scores above a swapped one, with its "
            "95\N{NO-BREAK SPACE}% interval; "
            "50\N{NO-BREAK SPACE}% is chance. “Below own” counts swapped rows whose learnability is below that of the "
            "row with its own response.",
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
