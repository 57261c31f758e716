"""A run that has ended: its numbers or what stopped it, the end of the log, and what to do next."""

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.words.plural import plural
from lobass_core.workflows import explore, run_views
from lobass_core.workflows.doubts import Doubts
from lobass_core.workflows.run_views import RunView
from pages.components import busy, command_line, parts, state, theme, toolbar, view
from pages.components.parts import KeyNumber
from pages.components.scoring import opening
from pages.components.scoring.opening import SHOWN, open_run
from pages.components.scoring.run_parts import TONES, WORDS, carried, log_lines, meters
from pages.components.scoring.settings import USE_REFERENCE, USE_TARGET
from pages.components.view import Node, el


def show(project: Project, now: RunView) -> None:
    """The view of a run that is over: done, cancelled, failed or interrupted."""
    left, right = toolbar.toolbar("score")
    with left:
        toolbar.title(_ended_title(now), _ended_note(now), badge=_badge(now))
    with right:
        command_line.popover(_again(project, now))
        st.button("New run", key="score.new", on_click=_new_run)
        if now.can_resume and now.kind == "score":
            left_over = now.progress.n_total - run_views.n_saved(now)
            label = f"Resume, {theme.count(left_over)} losses to do" if left_over > 0 else "Resume"
            _resume(project, now, label)
        elif now.can_resume:
            _resume(project, now, "Resume training")
        elif now.state == "done" and now.kind == "score":
            if toolbar.primary("Select rows", ":material/tune:", key="score.go-select"):
                state.go("select", **state.naming_scores(project, now.run_id))
        elif now.state == "done" and toolbar.primary("Score with it", ":material/play_arrow:", key="score.use"):
            st.session_state[SHOWN] = "new"
            is_target = now.training is not None and now.training.target
            st.session_state[USE_TARGET if is_target else USE_REFERENCE] = now.reference
            st.rerun()
    doubts = _doubts(project, now)
    nodes: list[Node | None] = [_cause(now)] if now.is_stopped or now.fault else [_done_numbers(now, doubts)]
    nodes += [parts.notice("Note.", sentence, tone="amber") for sentence in (doubts.sentences() if doubts else ())]
    nodes += [parts.notice("Note.", sentence) for sentence in run_views.notes_of(project, now)]
    nodes += [
        el("div", *meters(now.progress)) if now.progress.models else None,
        el("div", parts.heading("End of the log", f"runs/{now.run_id}/log"), parts.log(log_lines(now)), cls="stack"),
    ]
    busy.show_error("score.resume")
    view.show(nodes, key="score-ended", label="The run")


def _doubts(project: Project, now: RunView) -> Doubts | None:
    """What a finished scoring has to say against its own scores."""
    if now.state != "done" or now.kind != "score" or now.refines:
        return None
    try:
        return explore.doubts(explore.scored(project, now.run_id))
    except LobassError:
        # Its losses cannot be read yet: the pages that show them say why.
        return None


def _badge(now: RunView) -> Node:
    tone = TONES[now.state]
    return el("span", el("span", cls=f"dot {tone}"), now.state, cls=f"tag {tone if tone != 'hollow' else ''}".strip())


def _ended_title(now: RunView) -> str:
    if now.state == "damaged":
        return f"Run {now.run_id} has a damaged file"
    if now.state == "foreign":
        return f"Run {now.run_id} belongs to another project"
    word = WORDS[now.kind]
    if now.state == "done":
        return f"Scored {theme.count(now.n_rows)} samples" if now.kind == "score" else f"Trained {now.reference}"
    return f"{word} stopped at {now.share * 100:.0f} %"


def _ended_note(now: RunView) -> str:
    times = [theme.clock(moment) for moment in (now.progress.started_at, now.progress.finished_at) if moment]
    models = f"{now.base} → {now.reference}" if now.kind == "score" and now.base else ""
    return " · ".join(part for part in (models, f"run {now.run_id}", " to ".join(times)) if part)


def _cause(now: RunView) -> Node:
    progress = now.progress
    saved = _saved(now)
    goes_on = "Resume continues from there. Scores do not depend on where a run stopped."
    if now.kind != "score":
        goes_on = "Resume continues from its last checkpoint, if it has one."
    if now.why_not_resumable:
        goes_on = f"Start a new run: {now.why_not_resumable}. Saved losses are not computed again."
    if now.state == "failed" and progress.error:
        error = progress.error
        what = error.what[:1].upper() + error.what[1:]
        where = f" ({error.where})" if error.where else ""
        return parts.notice(f"{what.rstrip('.')}.", f"{where.strip()} {saved}".strip(), error.do or goes_on, tone="red")
    if now.fault:
        return parts.notice(f"{now.fault.what}.", f"({now.fault.where})", now.fault.do, tone="red")
    if now.state == "cancelled":
        return parts.notice("The run was cancelled.", saved, goes_on)
    return parts.notice(
        "The worker stopped without reporting an error.",
        f"It was killed, or the machine stopped. {saved}",
        goes_on,
        tone="amber",
    )


def _saved(now: RunView) -> str:
    """What a scoring that stopped leaves: whole shards of losses."""
    if now.kind != "score":
        return ""
    n = run_views.n_saved(now)
    lost = now.progress.n_done - n
    again = f" {plural(lost, 'loss', 'losses')} of an unfinished part will be computed again." if lost else ""
    return f"{theme.count(n)} of {plural(now.progress.n_total, 'loss', 'losses')} are saved.{again}"


def _done_numbers(now: RunView, doubts: Doubts | None) -> Node:
    progress = now.progress
    in_rows = f"{plural(doubts.n_scored, 'scored row')}, with duplicates" if doubts else ""
    unit = "losses" if now.kind == "score" else "samples seen"
    seconds = now.seconds or 0.0
    rate = progress.n_tokens_done / seconds if seconds else None
    first, _, rest = now.settings.partition(" · ")
    return parts.key_numbers(
        [
            KeyNumber("Samples", theme.count(now.n_rows), note=in_rows, tinted=True, weight=1.4),
            KeyNumber(
                "Done",
                theme.count(progress.n_done),
                unit=unit,
                note=f"of {theme.count(progress.n_total)}{carried(progress)}",
            ),
            KeyNumber("Time", theme.duration(now.seconds), note=f"finished {theme.ago(progress.finished_at or '')}"),
            KeyNumber("Tokens", theme.count(rate) if rate else "–", unit="/s", note="over the whole run"),
            KeyNumber("Settings", first or "–", note=rest, weight=1.2),
        ]
    )


def _again(project: Project, now: RunView) -> str:
    if now.kind == "score":
        return command_line.plain("score", project.root, ["--resume", now.run_id])
    return command_line.plain("runs", project.root)


def _new_run() -> None:
    st.session_state[SHOWN] = "new"


def _resume(project: Project, now: RunView, label: str) -> None:
    busy.primary(
        label, ":material/play_arrow:", key="score.resume", doing="Starting…",
        work=lambda: opening.resume(project, now), then=lambda _: open_run(now.run_id),
    )  # fmt: skip
