"""Validate: does a subset train better than chance? Set an experiment up, watch it, read its report."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lobass_core.errors import LobassError, RequestError
from lobass_core.specs import ValidateSpec
from lobass_core.workflows import explore, validate
from lobass_core.workflows.run_views import RunView
from lobass_core.workflows.validate import Experiment
from pages.components import busy, command_line, empty, errors, parts, scope, state, theme, toolbar, view
from pages.components.validation import in_address, past, plan_view, progress_view, report_view, settings
from pages.components.validation.in_address import SHOWN

PLANNED = "validate.planned"

project = state.project()
outline = state.outline(project)
experiments = validate.list_experiments(project)


def shown_run() -> RunView | None:
    """The experiment to show: the one opened, else one that is running, else the last one; None for a new one."""
    wanted = st.session_state.get(SHOWN)
    if (wanted == "new" and outline.scorings) or not experiments:
        return None
    opened = next((one for one in experiments if one.run_id == wanted), None)
    return opened or next((one for one in experiments if one.is_live), experiments[0])


def new_experiment() -> None:
    """The form, what it would train, and the button that starts it."""
    left, right = toolbar.toolbar("validate")
    with left:
        scoring = next((one for one in outline.scorings if one.run_id == state.chosen_run()), outline.scorings[0])
        toolbar.title("Does it train better?", state.scoring_label(scoring))
        settings.popover()
    in_address.show_chips()
    strip = st.container(key="validate-strip")
    form, plan = st.columns([9, 13], gap="medium")
    with form:
        settings.fields(arms, saved)
    try:
        spec = settings.spec_of(project)
        command = command_line.validate(project.root, spec, run=state.chosen_run() or "")
        experiment = planned(spec, strip, plan)
    except RequestError as error:
        # Something to change in the form, and no fault.
        what = error.what[:1].upper() + error.what[1:]
        with plan:
            view.show(parts.notice(f"{what}.", error.do, error.where, tone="amber"), key="validate-plan-refused")
        command, experiment = "", None
    except LobassError as error:
        with plan:
            errors.show(error, key="validate-plan-error")
        command, experiment = "", None
    with right:
        if command:
            command_line.popover(command, key="validate.command")
        start_button(experiment)


def planned(spec: ValidateSpec, strip: DeltaGenerator, place: DeltaGenerator) -> Experiment | None:
    """What the form would train, drawn; None while nobody has asked for it.

    Raises:
        LobassError: as `validate.plan`.
    """
    n_rows = outline.rows_in(state.chosen_datasets())
    with place:
        if n_rows > plan_view.MOST_ROWS_UNASKED and st.session_state.get(PLANNED) != outline.content:
            text = "The plan finds their near duplicates, sets rows aside and counts steps."
            view.show(parts.notice(f"{theme.count(n_rows)} rows.", text), key="validate-offer")
            if not st.button("Show the plan", icon=":material/visibility:", key="validate.plan"):
                return None
            st.session_state[PLANNED] = outline.content
        with st.spinner("Planning…", show_time=True):
            experiment = validate.recent_plan(project, spec, state.chosen_run())
        busy.show_error("validate.start")
        view.show(plan_view.table(experiment.plan), key="validate-plan", label="The plan")
    with strip:
        view.show(plan_view.numbers(experiment.plan), key="validate-plan-numbers", label="Key numbers")
    return experiment


def start_button(experiment: Experiment | None) -> None:
    """The primary button, named by what it trains."""
    n = experiment.plan.n_to_do if experiment else None
    label = (
        "Start" if n is None else f"Start {theme.count(n)} training{'' if n == 1 else 's'}" if n else "Show the report"
    )

    def work() -> str:
        assert experiment is not None
        return validate.start(project, experiment).run_id

    busy.primary(
        label, ":material/play_arrow:", key="validate.start", doing="Starting…", work=work,
        then=progress_view.open_run, disabled=experiment is None,
    )  # fmt: skip


if not outline.scorings and not experiments:
    first = "Score the data first." if outline.datasets else "Import and score data first."
    empty.show(
        "No losses yet" if outline.columns else "No scores yet",
        f"{first} This page then trains the base on the rows that the scores choose and on random draws, and compares "
        "the results.",
        action=("Score the data", "score") if outline.datasets else ("Import data", "import"),
    )
    st.stop()

saved = settings.saved_names(project)
arms = settings.arms_of(explore.scored(project, state.chosen_run())) if outline.scorings else {}
settings.first_values(saved, arms)
in_address.follow(project, [one.run_id for one in experiments], arms, saved)
current = shown_run()
scope.show(project, scores=current is None, datasets=current is None)
if current is None:
    new_experiment()
elif current.is_live:
    progress_view.live(project, current.run_id)
elif current.state == "done":
    report_view.done(project, current)
else:
    progress_view.stopped(project, current)
    report_view.of_finished_arms(project, current)
past.show([one for one in experiments if not one.is_live], current.run_id if current else "")
in_address.write(current.run_id if current else "")
