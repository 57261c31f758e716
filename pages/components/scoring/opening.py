"""Opening a run on the Score page, and resuming one, whatever its kind."""

import streamlit as st

from lobass_core.errors import RequestError, RunError
from lobass_core.project import Project
from lobass_core.workflows import score, train_reference
from lobass_core.workflows.run_views import RunView

# The run that the page shows, or "new".
SHOWN = "score.shown"


def open_run(run_id: str) -> None:
    """Show this run next."""
    st.session_state[SHOWN] = run_id


def resume(project: Project, run: RunView) -> None:
    """Resume a stopped run.

    Raises:
        LobassError: it is already running, it cannot be resumed, or its data have changed since.
    """
    if run.kind == "score":
        score.resume(project, run.run_id)
        return
    if run.training is None:
        raise RunError(f"run {run.run_id} cannot be resumed", where=str(run.path), do=run.fault.do if run.fault else "")
    started = train_reference.start(project, run.training)
    if started.run_id != run.run_id:
        raise RequestError(
            "the data has changed since then, so the training starts from the beginning",
            where=f"run {started.run_id}",
            do="Follow it on this page, or cancel it.",
        )
