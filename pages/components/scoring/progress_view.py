"""A run that is under way: its numbers, a bar per model, the log, and the button that cancels it."""

from datetime import datetime, timedelta

import streamlit as st

from lobass_core.project import Project
from lobass_core.words.loss_columns import label_of_column
from lobass_core.workflows import run_views
from lobass_core.workflows.collect import try_collect
from lobass_core.workflows.run_views import RunView
from pages.components import errors, parts, theme, toolbar, view
from pages.components.parts import KeyNumber
from pages.components.scoring.opening import SHOWN
from pages.components.scoring.run_parts import WORDS, cancel_menu, carried, log_lines, meters
from pages.components.view import Node, el

RATES = "score.rates"
TICK_SECONDS = 1.0
N_RATES = 60


def show(project: Project, run_id: str) -> None:
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
        cancel_menu(project, now, key="score", kept="Finished work is kept.")


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
        el("div", *meters(now.progress)),
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
                note=f"{theme.count(progress.n_done)} of {theme.count(progress.n_total)} {unit}" + carried(progress),
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


def _log(now: RunView) -> Node:
    return el(
        "div", parts.heading("Log", f"runs/{now.run_id}/log"), parts.log(log_lines(now), max_height=206), cls="stack"
    )


def _this_run(now: RunView) -> list[Node]:
    spec = now.scoring or now.training
    assert spec is not None, "only scorings and trainings run on this page"
    render, facts = spec.render, [("Base", spec.base.path)]
    if now.scoring:
        n = len(now.scoring.references)
        facts.append(("Reference", now.reference + (f", {n} folds" if n > 1 else "")))
        facts += [(label_of_column(one.name).capitalize(), one.title) for one in now.scoring.others]
    elif now.training:
        facts.append(("Method", f"{now.training.method}, seed {now.training.seed}"))
        facts += [("Target", now.training.target)] if now.training.target else []
    facts += [
        ("Samples", f"{theme.count(now.n_rows)} in {', '.join(spec.datasets) or 'all datasets'}"),
        ("Template", render.template or "the tokenizer's own, else alpaca"),
        ("Limit", f"{theme.count(render.max_tokens)} tokens" if render.max_tokens else "2,048 or the model's own"),
        ("Settings", now.settings or "Defaults"),
    ]
    return [
        parts.heading("This run"),
        parts.facts(facts),
        parts.notice("You can close this tab.", "The run continues in the background."),
    ]
