"""A run as it goes, and as it ended: numbers, a bar a model, the log, and what to do about a stop."""

from datetime import datetime, timedelta

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.jobs.progress import Progress
from lobass_core.project import Project
from lobass_core.words import loss_words
from lobass_core.words.plural import plural
from lobass_core.workflows import explore, run_views, runs
from lobass_core.workflows.collect import try_collect
from lobass_core.workflows.doubts import Doubts
from lobass_core.workflows.run_views import RunView, SavedShard
from pages.components import busy, command_line, errors, parts, state, theme, toolbar, view
from pages.components.parts import KeyNumber
from pages.components.scoring import start
from pages.components.scoring.settings import USE_REFERENCE
from pages.components.view import Node, el

SHOWN, RATES = "score.shown", "score.rates"
TICK_SECONDS = 1.0
N_RATES = 60
TONES = {
    "running": "kept",
    "queued": "kept",
    "done": "kept",
    "cancelled": "hollow",
    "interrupted": "amber",
    "failed": "red",
    "damaged": "red",
    "foreign": "hollow",
}
WORDS = {"score": "Scoring", "train_reference": "Training"}


def open_run(run_id: str) -> None:
    """Show this run next."""
    st.session_state[SHOWN] = run_id


def live(project: Project, run_id: str) -> None:
    """The running view; draws itself every second, and the page once when the run has ended."""

    @st.fragment(run_every=TICK_SECONDS)
    def tick() -> None:
        now = run_views.run_view(project, run_id)
        if not now.is_live:
            # Whoever sees the run end sees its numbers next; a toast would lie over the button that goes on.
            collected = try_collect(project)
            errors.say_once(sentence for sentence in collected.sentences if sentence not in collected.expected)
            st.session_state[SHOWN] = run_id
            st.session_state.pop(RATES, None)
            st.rerun()
        _toolbar(project, now)
        view.show(running(now, _rates(now)), key="score-running", label="The run")

    tick()


def _toolbar(project: Project, now: RunView) -> None:
    left, right = toolbar.toolbar("score")
    with left:
        toolbar.title(
            f"{WORDS[now.kind]} {_what(now)}",
            f"run {now.run_id} · started {theme.clock(now.progress.started_at or now.created_at)}",
            badge=el("span", el("span", cls="dot kept"), now.state, cls="tag kept"),
        )
    with right:
        command_line.popover(f"lobass cancel {now.run_id} {command_line.project_option(project.root)}")
        asked = (now.path / "CANCEL").exists()
        with st.popover("Stopping…" if asked else "Cancel run", icon=":material/stop_circle:", key="score.cancel"):
            st.markdown("Finished work is kept. Resume continues from there.")
            st.button(
                "Cancel this run", key="score.cancel-yes", disabled=asked, on_click=_cancel, args=(project, now.run_id)
            )


def _cancel(project: Project, run_id: str) -> None:
    try:
        runs.cancel(project, run_id)
    except LobassError:
        # It has ended in the meantime, which the next tick shows.
        return


def _what(now: RunView) -> str:
    return f"{theme.count(now.n_rows)} samples" if now.kind == "score" else now.reference


def _rates(now: RunView) -> list[float]:
    """Samples a second of the last minute, as this session saw them."""
    kept = st.session_state.setdefault(RATES, (now.run_id, []))
    rates = kept[1] if kept[0] == now.run_id else []
    if now.progress.samples_per_second is not None:
        rates = [*rates, now.progress.samples_per_second][-N_RATES:]
    st.session_state[RATES] = (now.run_id, rates)
    return rates


def running(now: RunView, rates: list[float]) -> list[Node]:
    """Everything that moves while a run goes."""
    return [
        _numbers(now, rates),
        el("div", *_meters(now.progress)),
        el("div", _log(now), el("div", *_this_run(now), cls="stack"), cls="grid two"),
    ]


def _numbers(now: RunView, rates: list[float]) -> Node:
    progress = now.progress
    unit = "losses" if now.kind == "score" else "samples seen"
    left = progress.seconds_left
    end = f"done at {datetime.now().astimezone() + timedelta(seconds=left):%H:%M}" if left else progress.phase
    padding = progress.padding_share
    memory, total = progress.peak_bytes or 0, progress.memory_total_bytes or 0
    value, _, size = theme.byte_size(memory).partition(" ")
    return parts.key_numbers(
        [
            KeyNumber(
                "Done",
                f"{now.share * 100:.1f}",
                unit="%",
                note=f"{theme.count(progress.n_done)} of {theme.count(progress.n_total)} {unit}" + _carried(progress),
                tinted=True,
            ),
            KeyNumber("Time left", theme.duration(left), note=end),
            KeyNumber(
                "Samples",
                theme.number(progress.samples_per_second, 1),
                unit="/s",
                note="last half minute",
                extra=parts.spark(rates, label="Samples per second, last minute"),
            ),
            KeyNumber(
                "Tokens",
                theme.count(progress.tokens_per_second) if progress.tokens_per_second else "–",
                unit="/s",
                note=f"padding {theme.percent(padding)}" if padding is not None else progress.phase,
            ),
            KeyNumber(
                "Memory",
                value,
                unit=f"{size} of {theme.byte_size(total)}" if total else size,
                note=progress.device or "starting",
                extra=el("div", parts.bar(memory / total, label="Memory"), cls="gauge") if total else None,
            ),
        ]
    )


def _carried(progress: Progress) -> str:
    return f", {theme.count(progress.n_carried)} carried over from earlier runs" if progress.n_carried else ""


def _meters(progress: Progress) -> list[Node]:
    if not progress.models:
        return [parts.meter("Preparing", progress.phase, 0.0, "", progress.message)]
    return [
        parts.meter(
            model.part.capitalize(),
            model.name,
            model.n_done / model.n_total if model.n_total else 1.0,
            f"{model.n_done / model.n_total * 100:.1f} %" if model.n_total else "100 %",
            f"{theme.count(model.n_done)} of {theme.count(model.n_total)}",
        )
        for model in progress.models
    ]


def _log(now: RunView) -> Node:
    return el(
        "div", parts.heading("Log", f"runs/{now.run_id}/log"), parts.log(log_lines(now), max_height=206), cls="stack"
    )


def log_lines(now: RunView) -> list[str]:
    """What has been saved, and what the worker printed."""
    lines = []
    if now.kind == "score":
        _, shards = run_views.saved_shards(now)
        lines = [_shard_line(shard) for shard in shards]
    said = [line for line in run_views.log_tail(now) if line.strip()]
    lines += said
    if now.progress.message and now.is_live:
        lines.append(now.progress.message)
    nothing = "All losses were cached, so nothing was computed." if now.state == "done" else "Nothing saved yet."
    return lines or [nothing]


def _shard_line(shard: SavedShard) -> str:
    nats = f"  {shard.mean_nats:.2f} {loss_words.NATS}, {loss_words.OF_SAMPLES}" if shard.mean_nats is not None else ""
    part, _, number = shard.name.rpartition("-")
    return (
        f"{shard.saved_at:%H:%M:%S} saved {part.split('-')[0]} {number}  {theme.count(shard.n_samples)} samples{nats}"
    )


def _this_run(now: RunView) -> list[Node]:
    spec = now.scoring or now.training
    assert spec is not None, "only scorings and trainings run on this page"
    render, facts = spec.render, [("Base", spec.base.path)]
    if now.scoring:
        n = len(now.scoring.references)
        facts.append(("Reference", now.reference + (f", {n} folds" if n > 1 else "")))
    elif now.training:
        facts.append(("Method", f"{now.training.method}, seed {now.training.seed}"))
    facts += [
        ("Samples", f"{theme.count(now.n_rows)} in {', '.join(spec.datasets) or 'all datasets'}"),
        ("Template", render.template or "the tokenizer's own"),
        ("Limit", f"{theme.count(render.max_tokens)} tokens" if render.max_tokens else "2,048 or the model's own"),
        ("Settings", now.settings or "Defaults"),
    ]
    return [
        parts.heading("This run"),
        parts.facts(facts),
        parts.notice("You can close this tab.", "The run continues in the background."),
    ]


def ended(project: Project, now: RunView) -> None:
    """The view of a run that is over: done, cancelled, failed or interrupted."""
    left, right = toolbar.toolbar("score")
    with left:
        toolbar.title(_ended_title(now), _ended_note(now), badge=_badge(now))
    with right:
        command_line.popover(_again(project, now))
        st.button("New run", key="score.new", on_click=_new_run)
        if now.can_resume and now.kind == "score":
            left_over = now.progress.n_total - now.progress.n_done
            label = f"Resume, {theme.count(left_over)} losses to do" if left_over > 0 else "Resume"
            _resume(project, now, label)
        elif now.can_resume:
            _resume(project, now, "Resume training")
        elif now.state == "done" and now.kind == "score":
            if toolbar.primary("Select rows", ":material/tune:", key="score.go-select"):
                state.go("select")
        elif now.state == "done" and toolbar.primary("Score with it", ":material/play_arrow:", key="score.use"):
            st.session_state[SHOWN] = "new"
            st.session_state[USE_REFERENCE] = now.reference
            st.rerun()
    doubts = _doubts(project, now)
    nodes: list[Node | None] = [_cause(now)] if now.is_stopped or now.fault else [_done_numbers(now, doubts)]
    nodes += [parts.notice("Note.", sentence, tone="amber") for sentence in (doubts.sentences() if doubts else ())]
    nodes += [
        el("div", *_meters(now.progress)) if now.progress.models else None,
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
    saved = f"Nothing is lost: {theme.count(progress.n_done)} of {theme.count(progress.n_total)} are saved."
    goes_on = "Resume continues from there. Scores do not depend on where a run stopped."
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


def _done_numbers(now: RunView, doubts: Doubts | None) -> Node:
    progress = now.progress
    in_rows = f"in {plural(doubts.n_scored, 'row')}, duplicates scored once" if doubts else ""
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
                note=f"of {theme.count(progress.n_total)}{_carried(progress)}",
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
        label, ":material/play_arrow:", key="score.resume", doing="Starting…", work=lambda: start.resume(project, now),
        then=lambda _: open_run(now.run_id),
    )  # fmt: skip
