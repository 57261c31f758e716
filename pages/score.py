"""Score: choose base and reference, preview, start, watch, resume."""

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.workflows import costs
from lobass_core.workflows import score as scoring
from lobass_core.workflows.known_models import KnownModels, known_models
from lobass_core.workflows.run_views import RunView, run_views
from pages.components import busy, command_line, cost_line, empty, errors, parts, scope, state, theme, toolbar, view
from pages.components.scoring import (
    ended_view,
    in_address,
    opening,
    past_runs,
    preview,
    progress_view,
    settings,
    training,
)
from pages.components.scoring.opening import SHOWN

# Above this many rows a preview copies and renders for a while, so it waits to be asked for.
MOST_ROWS_UNASKED = 100_000

project = state.project()
outline = state.outline(project)
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
    if latest and latest.kind == "score" and latest.state == "done" and latest.n_rows < outline.n_samples:
        latest = None
    return opened or live or latest


def new_run() -> None:
    """Pickers, the preview, and the button that starts the run."""
    if reference := st.session_state.pop(settings.USE_REFERENCE, None):
        settings.use(reference)
    known = known_models(project)
    left, right = toolbar.toolbar("score")
    with left:
        chosen = settings.pickers(known)
        settings.popover(known)
    in_address.show_chips()
    if chosen.is_training:
        train(chosen, right)
        return
    spec = settings.try_spec(project, chosen)
    with right:
        if spec is None or isinstance(spec, LobassError):
            toolbar.primary("Score", ":material/play_arrow:", key="score.start", disabled=True)
        else:
            target = st.session_state.get(settings.TARGET) or ""
            command_line.popover(command_line.score(project.root, spec, chosen.reference, target), key="score.command")
            start_button(spec)
    if spec is None:
        nothing_chosen(bool(known.bases))
    elif isinstance(spec, LobassError):
        errors.show(spec)
    else:
        busy.show_error("score.start")
        before_scoring(spec, known)


def start_button(spec: scoring.ScoreSpec) -> None:
    """The primary button, named by what the preview counted."""
    now = st.session_state.get(preview.PREVIEW)
    is_fresh = isinstance(now, preview.Preview) and now.key == preview.key_of(spec, outline.content)
    result = now.result if is_fresh and now else None
    to_do = result.n_to_do if result else None
    label = (
        "Score"
        if to_do is None
        else f"Score, {theme.count(to_do)} losses"
        if to_do
        else "Add the scores to the project"
    )

    def work() -> str:
        preview.stop(project)
        return scoring.start(project, spec).run_id

    busy.primary(label, ":material/play_arrow:", key="score.start", doing="Starting…", work=work, then=opening.open_run)


def before_scoring(spec: scoring.ScoreSpec, known: KnownModels) -> None:
    """What the models would read, what is cached, what is cut, how long it takes."""
    key = preview.key_of(spec, outline.content)
    now = st.session_state.get(preview.PREVIEW)
    asked = isinstance(now, preview.Preview) and now.key == key
    n_rows = outline.rows_in(state.chosen_datasets())
    view.show(cost_line.of(costs.cost_of_scoring(project, spec)), key="score-cost", label="What it costs")
    if in_address.waits(spec, known) and not asked:
        # A link alone must not make this machine fetch or load anything.
        view.show(
            parts.notice(
                "This address names models that the project has not used yet.", "Nothing has been fetched or loaded."
            ),
            key="score-preview-offer",
        )
        if not st.button("Preview", icon=":material/visibility:", key="score.preview-go", on_click=in_address.trust):
            return
    elif n_rows > MOST_ROWS_UNASKED and not asked:
        view.show(
            parts.notice(
                f"{theme.count(n_rows)} rows.",
                "A preview renders 20,000 of them. It shows how many are truncated and how long scoring takes.",
            ),
            key="score-preview-offer",
        )
        if not st.button("Preview", icon=":material/visibility:", key="score.preview-go"):
            return
    shown = preview.start(project, spec, key)
    if shown.is_pending:
        preview.watch(project, shown)
    elif shown.error:
        errors.show(shown.error, key="score-preview-error")
    elif shown.result:
        preview.show(shown.result, n_rows)


def train(chosen: settings.ChosenModels, right: st.delta_generator.DeltaGenerator) -> None:
    """The training form in place of the preview."""
    n_rows = outline.rows_in(state.chosen_datasets())
    form = training.form(project, chosen.base, n_rows)
    with right:
        if form.spec:
            command_line.popover(command_line.train_reference(project.root, form.spec), key="score.command")

        def work() -> str:
            assert form.spec is not None
            preview.stop(project)
            return training.start(project, form.spec)

        busy.primary(
            f"Train on {form.trained_on}" if form.trained_on else "Train", ":material/model_training:",
            key="score.train", doing="Starting…", work=work, then=opening.open_run, disabled=form.spec is None,
        )  # fmt: skip
    busy.show_error("score.train")
    if form.error:
        errors.show(form.error)
    elif not chosen.base:
        st.caption("Choose a base first.")


def nothing_chosen(any_base: bool) -> None:
    """Two models are still to be named."""
    empty.show(
        "Choose two models",
        "The base is the model you want to train. The reference is the same model after fine-tuning on this data: "
        "choose one you have, or train one here. "
        + ("" if any_base else "A base can be a folder with a model in Hugging Face format, a .gguf file or a Hub id."),
        key="score-empty",
    )


if not outline.datasets:
    empty.show(
        "Nothing to score yet", "Import data first. Two models then score each row.", action=("Import data", "import")
    )
    st.stop()

in_address.follow(project, [run.run_id for run in views], list(outline.datasets))
current = shown_run()
scope.show(project, scores=False, datasets=current is None)
if current is None:
    new_run()
elif current.is_live:
    progress_view.show(project, current.run_id)
else:
    ended_view.show(project, current)
past_runs.show([run for run in views if not run.is_live], current.run_id if current else "")
in_address.write(current.run_id if current else "")
