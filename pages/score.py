"""Score: choose base and reference, look before, start, watch, resume."""

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.workflows import score as scoring
from lobass_core.workflows.known_models import known_models
from lobass_core.workflows.run_views import RunView, run_views
from pages.components import command_line, empty, errors, parts, state, theme, toolbar, view
from pages.components.scoring import look, past_runs, progress_view, settings, training
from pages.components.scoring.progress_view import SHOWN

# Above this many rows a look copies and renders for a while, so it waits to be asked for.
MOST_ROWS_UNASKED = 100_000

project = state.project()
around = state.surroundings(project)
views = run_views(project)


def shown_run() -> RunView | None:
    """The run to show: the one opened, else one that goes, else the last one; None for a new one.

    A finished scoring that newer imports have outgrown gives way to a new run.
    """
    wanted = st.session_state.get(SHOWN)
    if wanted == "new":
        return None
    opened = next((run for run in views if run.run_id == wanted), None)
    live = next((run for run in views if run.is_live), None)
    latest = next((run for run in views if run.is_own and not (run.refines and run.state == "done")), None)
    if latest and latest.kind == "score" and latest.state == "done" and latest.n_rows < around.n_samples:
        latest = None
    return opened or live or latest


def new_run() -> None:
    """Pickers, the look before, and the button that starts it."""
    if reference := st.session_state.pop(settings.USE_REFERENCE, None):
        st.session_state[settings.REFERENCE] = reference
    known = known_models(project)
    left, right = toolbar.toolbar("score")
    with left:
        wish = settings.pickers(known)
        settings.popover()
    if wish.is_training:
        train(wish, right)
        return
    spec = settings.try_spec(project, wish)
    with right:
        if spec is None or isinstance(spec, LobassError):
            toolbar.primary("Score", ":material/play_arrow:", key="score.start", disabled=True)
        else:
            command_line.popover(command_line.score(project.root, spec, wish.reference), key="score.command")
            start_button(spec)
    if spec is None:
        nothing_chosen(bool(known.bases))
    elif isinstance(spec, LobassError):
        errors.show(spec)
    else:
        before_scoring(spec)


def start_button(spec: scoring.ScoreSpec) -> None:
    """The primary button, named by what the look has found."""
    now = st.session_state.get(look.LOOK)
    is_fresh = isinstance(now, look.Look) and now.key == look.key_of(spec, around.revision)
    result = now.result if is_fresh and now else None
    to_do = result.n_to_do if result else None
    label = (
        "Score"
        if to_do is None
        else f"Score, {theme.count(to_do)} losses"
        if to_do
        else "Add the scores to the project"
    )
    if toolbar.primary(label, ":material/play_arrow:", key="score.start"):
        with errors.shown():
            look.stop(project)
            st.session_state[SHOWN] = scoring.start(project, spec).run_id
            st.rerun()


def before_scoring(spec: scoring.ScoreSpec) -> None:
    """What the models would read, what is cached, what is cut, how long it takes."""
    key = look.key_of(spec, around.revision)
    now = st.session_state.get(look.LOOK)
    asked = isinstance(now, look.Look) and now.key == key
    if around.n_rows > MOST_ROWS_UNASKED and not asked:
        view.show(
            parts.notice(
                f"{theme.count(around.n_rows)} rows.",
                "A look before scoring renders 20,000 of them, and says what is cut and how long it takes.",
            ),
            key="score-look-offer",
        )
        if not st.button("Look before scoring", icon=":material/visibility:", key="score.look-go"):
            return
    found = look.start(project, spec, key)
    if found.is_pending:
        look.watch(project, found)
    elif found.error:
        errors.show(found.error, key="score-look-error")
    elif found.result:
        look.show(found.result)


def train(wish: settings.Wish, right: st.delta_generator.DeltaGenerator) -> None:
    """The training form in place of the look."""
    outlook = training.form(project, wish.base, around.n_rows)
    with right:
        if outlook.spec:
            command_line.popover(command_line.train_reference(project.root, outlook.spec), key="score.command")
        label = f"Train on {theme.count(around.n_rows)} rows"
        if toolbar.primary(label, ":material/model_training:", key="score.train", disabled=outlook.spec is None):
            assert outlook.spec is not None
            with errors.shown():
                look.stop(project)
                st.session_state[SHOWN] = training.start(project, outlook.spec)
                st.rerun()
    if outlook.error:
        errors.show(outlook.error)
    elif not wish.base:
        st.caption("Choose the base first.")


def nothing_chosen(any_base: bool) -> None:
    """Two models are still to be named."""
    empty.show(
        "Two models read every answer",
        "Choose the model that you want to train as base, and as reference the same model after fine-tuning on this "
        "data: bring one, or train one here. "
        + ("" if any_base else "A base is a folder with a model in Hugging Face's format, or a hub id."),
        key="score-empty",
    )


if not around.datasets:
    empty.show(
        "Nothing to score yet", "Scores are losses of two models over imported rows.", action=("Import data", "import")
    )
    st.stop()

current = shown_run()
if current is None:
    new_run()
elif current.is_live:
    progress_view.live(project, current.run_id)
else:
    progress_view.ended(project, current)
past_runs.show([run for run in views if not run.is_live], current.run_id if current else "")
