"""What pages show of any run alike: names and colours, a bar per model, the log, and how it is cancelled."""

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.jobs.progress import Progress
from lobass_core.project import Project
from lobass_core.words import loss_words
from lobass_core.workflows import run_views, runs
from lobass_core.workflows.run_views import RunView, SavedShard
from pages.components import command_line, parts, theme
from pages.components.view import Node

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


def carried(progress: Progress) -> str:
    """How many losses came from earlier runs, as the end of a note."""
    return f", {theme.count(progress.n_carried)} carried over from earlier runs" if progress.n_carried else ""


def meters(progress: Progress) -> list[Node]:
    """A bar per model, or that the run is still preparing."""
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


def log_lines(now: RunView) -> list[str]:
    """What has been saved, and what the worker printed."""
    lines = []
    if now.kind == "score":
        _, shards = run_views.saved_shards(now)
        lines = [_shard_line(shard) for shard in shards]
    lines += run_views.log_tail(now)
    if now.progress.message and now.is_live:
        lines.append(now.progress.message)
    nothing = "All losses were cached, so nothing was computed." if now.state == "done" else "No entries."
    return lines or [nothing]


def _shard_line(shard: SavedShard) -> str:
    nats = f"  {shard.mean_nats:.2f} {loss_words.NATS}, {loss_words.OF_SAMPLES}" if shard.mean_nats is not None else ""
    part, _, number = shard.name.rpartition("-")
    return (
        f"{shard.saved_at:%H:%M:%S} saved {part.split('-')[0]} {number}  {theme.count(shard.n_samples)} samples{nats}"
    )


def cancel_menu(project: Project, now: RunView, *, key: str, kept: str) -> None:
    """The command and the menu that cancel a run; `kept` says what stays of it."""
    command_line.popover(f"lobass cancel {now.run_id} {command_line.project_option(project.root)}")
    asked = (now.path / "CANCEL").exists()
    with st.popover("Stopping…" if asked else "Cancel run", icon=":material/stop_circle:", key=f"{key}.cancel"):
        st.markdown(f"{kept} Resume continues from there.")
        st.button(
            "Cancel this run", key=f"{key}.cancel-yes", disabled=asked, on_click=_cancel, args=(project, now.run_id)
        )


def _cancel(project: Project, run_id: str) -> None:
    try:
        runs.cancel(project, run_id)
    except LobassError:
        # It has ended in the meantime, which the next tick shows.
        return
