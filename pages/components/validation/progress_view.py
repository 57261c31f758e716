"""An experiment as it goes, and one that stopped: arms done and to do, time left, the log, cancel and resume."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.validation.arms import BASE, FULL
from lobass_core.validation.report import budget_words, title_of
from lobass_core.words.plural import plural
from lobass_core.workflows import run_views, runs, validate, validate_report
from lobass_core.workflows.run_views import RunView
from lobass_core.workflows.validate_report import ArmState
from pages.components import busy, command_line, parts, theme, toolbar, view
from pages.components.parts import Column, KeyNumber
from pages.components.scoring.run_parts import TONES, cancel_menu
from pages.components.validation.in_address import SHOWN
from pages.components.view import Node, el

TICK_SECONDS = 1.0
ARM_COLUMNS = (
    Column("Arm"),
    Column("Budget", 70, numeric=True),
    Column("Trainings", 84, numeric=True),
    Column("State", 96),
)


def open_run(run_id: str) -> None:
    """Show this experiment next."""
    st.session_state[SHOWN] = run_id


def new() -> None:
    """Show the setting up of a new experiment next."""
    st.session_state[SHOWN] = "new"


def live(project: Project, run_id: str) -> None:
    """The running view; draws itself every second, and the page once when the run has ended."""

    @st.fragment(run_every=TICK_SECONDS)
    def tick() -> None:
        now = run_views.run_view(project, run_id)
        if not now.is_live:
            open_run(run_id)
            st.rerun()
        _toolbar(project, now)
        view.show(_running(now, states_of(project, now)), key="validate-running", label="The experiment")

    tick()


def states_of(project: Project, now: RunView) -> list[ArmState]:
    """The planned arms; none where the run's own files cannot be read."""
    try:
        return validate_report.arm_states(project, runs.open_run(project, now.run_id))
    except (LobassError, OSError):
        return []


def _toolbar(project: Project, now: RunView) -> None:
    left, right = toolbar.toolbar("validate")
    with left:
        toolbar.title(
            f"Training the arms of {now.base}",
            f"run {now.run_id} · started {theme.clock(now.progress.started_at or now.created_at)}",
            badge=el("span", el("span", cls="dot kept"), now.state, cls="tag kept"),
        )
    with right:
        cancel_menu(project, now, key="validate", kept="Finished arms are kept.")


def _running(now: RunView, states: Sequence[ArmState]) -> list[Node]:
    progress, n_done = now.progress, sum(one.is_finished for one in states)
    left = progress.seconds_left
    memory, total = progress.peak_bytes or 0, progress.memory_total_bytes or 0
    value, _, size = theme.byte_size(memory).partition(" ")
    return [
        parts.key_numbers(
            [
                KeyNumber(
                    "Arms done",
                    theme.count(n_done),
                    unit=f"of {len(states)}",
                    note=f"{len(states) - n_done} left",
                    tinted=True,
                ),
                KeyNumber(
                    "Time left",
                    theme.duration(left),
                    note=f"done at {datetime.now().astimezone() + timedelta(seconds=left):%H:%M}" if left else "",
                ),
                KeyNumber(
                    "Tokens",
                    theme.count(progress.tokens_per_second) if progress.tokens_per_second else "–",
                    unit="/s",
                    note=f"{now.share * 100:.0f} % of all tokens",
                ),
                KeyNumber(
                    "Memory",
                    value,
                    unit=f"{size} of {theme.byte_size(total)}" if total else size,
                    note=progress.device or "starting",
                ),
            ]
        ),
        parts.meter("Now", progress.phase or "starting", now.share, f"{now.share * 100:.1f} %", progress.message),
        el(
            "div",
            el("div", parts.heading("Arms"), arms_table(states), cls="stack"),
            el(
                "div",
                parts.heading("Log", f"runs/{now.run_id}/log"),
                parts.log(_log(now), max_height=206),
                parts.notice("You can close this tab.", "The experiment continues in the background."),
                cls="stack",
            ),
            cls="grid two",
        ),
    ]


def arms_table(states: Sequence[ArmState]) -> Node:
    """One line an arm and budget: how many of its trainings are finished."""
    groups: dict[tuple[str, float], list[bool]] = {}
    for one in states:
        groups.setdefault((one.planned.arm, one.planned.budget), []).append(one.is_finished)
    current = next((key for key, done in groups.items() if not all(done)), None)
    rows = []
    for key, done in groups.items():
        arm, budget = key
        word, tone = ("done", "kept") if all(done) else ("next", "amber") if key == current else ("to do", "hollow")
        rows.append(
            [
                title_of(arm),
                "–" if arm in (BASE, FULL) else budget_words(budget),
                f"{sum(done)} of {len(done)}",
                parts.dot(tone, word),
            ]
        )
    return parts.table(ARM_COLUMNS, rows, label="Arms of the experiment")


def stopped(project: Project, now: RunView) -> None:
    """Toolbar and cause of an experiment that ended before it was done."""
    states = states_of(project, now)
    n_left = sum(not one.is_finished for one in states)
    left, right = toolbar.toolbar("validate")
    with left:
        toolbar.title(
            f"The experiment stopped with {plural(n_left, 'arm')} to do",
            f"{now.base} · run {now.run_id}",
            badge=badge(now),
        )
    with right:
        command_line.popover(command_line.plain("validate", project.root, ["--resume", now.run_id]))
        st.button("New experiment", key="validate.new", on_click=new)
        if now.can_resume:
            resume_button(project, now, f"Resume, {plural(n_left, 'arm')} to do")
    busy.show_error("validate.resume")
    view.show(
        [
            _cause(now, len(states) - n_left, len(states)),
            el(
                "div",
                el("div", parts.heading("Arms"), arms_table(states), cls="stack"),
                el(
                    "div",
                    parts.heading("End of the log", f"runs/{now.run_id}/log"),
                    parts.log(_log(now)),
                    cls="stack",
                ),
                cls="grid two",
            ),
        ],
        key="validate-stopped",
        label="The experiment",
    )


def resume_button(project: Project, now: RunView, label: str) -> None:
    """The primary button that trains what an experiment lacks."""
    busy.primary(
        label, ":material/play_arrow:", key="validate.resume", doing="Starting…",
        work=lambda: validate.resume(project, now.run_id), then=lambda _: open_run(now.run_id),
    )  # fmt: skip


def badge(now: RunView) -> Node:
    """The state of a run that is over."""
    tone = TONES[now.state]
    return el("span", el("span", cls=f"dot {tone}"), now.state, cls=f"tag {tone if tone != 'hollow' else ''}".strip())


def _log(now: RunView) -> list[str]:
    """What the worker printed; most print nothing."""
    message = [now.progress.message] if now.progress.message and now.is_live else []
    return [line for line in run_views.log_tail(now) if line.strip()] + message or ["Nothing printed."]


def _cause(now: RunView, n_done: int, n: int) -> Node:
    finished = f"{n_done} of {plural(n, 'arm')} {'is' if n_done == 1 else 'are'} finished and kept."
    saved = f"Nothing is lost: {finished}" if n_done else "No arm is finished yet."
    goes_on = "Resume continues from there."
    if now.why_not_resumable:
        goes_on = f"Start a new experiment: {now.why_not_resumable}. Finished arms are not trained again."
    if now.fault:
        return parts.notice(f"{now.fault.what}.", f"({now.fault.where})", now.fault.do, tone="red")
    error = now.progress.error
    if now.state == "failed" and error:
        what = error.what[:1].upper() + error.what[1:]
        where = f"({error.where}) " if error.where else ""
        return parts.notice(f"{what.rstrip('.')}.", f"{where}{saved}", error.do or goes_on, tone="red")
    if now.state == "cancelled":
        return parts.notice("The experiment was cancelled.", saved, goes_on)
    return parts.notice(
        "The worker stopped without reporting an error.",
        f"It was killed, or the machine stopped. {saved}",
        goes_on,
        tone="amber",
    )
