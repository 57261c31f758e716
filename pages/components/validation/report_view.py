"""The report of an experiment: a sentence for each claim, the forest plot, the arms, and what it cannot say."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from lobass_core.errors import LobassError, StoreLockedError
from lobass_core.project import Project
from lobass_core.validation.arms import BASE, FULL
from lobass_core.validation.forest import ANSWERS, BY_THIRDS, ROWS, TOKENS, budgets_of, forest, usual_budget, views_of
from lobass_core.validation.judge import ArmSummary, Judgement, Verdict
from lobass_core.validation.report import LIMITS, answer_sentence, budget_words, sentence, size_of, title_of
from lobass_core.words.plural import plural
from lobass_core.workflows import validate_report
from lobass_core.workflows.run_views import RunView
from lobass_core.workflows.validate_report import Outcome
from pages.components import busy, charts, command_line, errors, parts, theme, toolbar, view
from pages.components.parts import Column, KeyNumber
from pages.components.validation import forest_chart, progress_view
from pages.components.validation.in_address import BUDGET, VIEW
from pages.components.view import Node, el

TONES: dict[Verdict, str] = {"better": "kept", "worse": "amber", "no difference found": ""}
READ = {
    "rows": "Each line is the difference of an arm's held-out loss from random draws, with its 95 % interval; left of "
    "0 the arm is better. Filled marks are claims that stand after the correction for many questions.",
    BY_THIRDS: "The same among the shortest (triangle), middle (circle) and longest (square) third of the responses. "
    "Nothing is claimed of a third.",
    ANSWERS: "Each line is the difference from random draws in the share of held-out rows whose final answer the arm "
    "writes exactly, decoded greedily; right of 0 the arm is better.",
}
ARM_COLUMNS = (
    Column("Arm"),
    Column("Budget", 72, numeric=True),
    Column("Trainings", 84, numeric=True),
    Column("Rows", 78, numeric=True),
    Column("Response tokens", 128, numeric=True),
    Column("Steps", 70, numeric=True),
)


def done(project: Project, now: RunView) -> None:
    """Toolbar and report of a finished experiment; arms whose files are damaged or gone can be trained again."""
    outcome, error = _outcome(project, now)
    left, right = toolbar.toolbar("validate")
    with left:
        toolbar.title(
            f"Experiment on {now.base}",
            f"run {now.run_id} · {now.settings} · {theme.ago(now.progress.finished_at or now.created_at)}",
            badge=progress_view.badge(now),
        )
    with right:
        command_line.popover(command_line.plain("validate", project.root, ["--report", now.run_id]))
        if outcome:
            downloads(outcome)
        if outcome and not outcome.n_missing:
            toolbar.primary("New experiment", ":material/add:", key="validate.new", on_click=progress_view.new)
        else:
            st.button("New experiment", key="validate.new", on_click=progress_view.new)
            progress_view.resume_button(project, now, "Train the missing arms")
    busy.show_error("validate.resume")
    if error:
        errors.show(error, key="validate-report-error")
    if outcome:
        show(outcome)


def _outcome(project: Project, now: RunView) -> tuple[Outcome | None, LobassError | None]:
    try:
        return validate_report.report(project, now.run_id), None
    except StoreLockedError:
        raise
    except LobassError as error:
        return None, error


def of_finished_arms(project: Project, now: RunView) -> None:
    """Of an experiment that stopped: what its finished arms say, where they can be compared already."""
    if not validate_report.can_compare(progress_view.states_of(project, now)):
        return
    with errors.shown(key="validate-report-error"):
        show(validate_report.report(project, now.run_id))


def downloads(outcome: Outcome) -> None:
    """The report as Markdown, as JSON, and its figure as it is shown."""
    with st.popover("Download", icon=":material/save_alt:", key="validate.download", help="Report and figure as files"):
        chosen, budget = _view(outcome.judged), _budget(outcome.judged)
        for label, text, ending, mime in (
            ("Report as Markdown", outcome.markdown(f"validation-{outcome.run_id}"), "md", "text/markdown"),
            ("Numbers as JSON", outcome.json(), "json", "application/json"),
            ("Figure as SVG", outcome.figure(chosen, budget), "svg", "image/svg+xml"),
        ):
            st.download_button(
                label, text, file_name=f"validation-{outcome.run_id}.{ending}", mime=mime,
                key=f"validate.download-{ending}", on_click="ignore",
            )  # fmt: skip


def show(outcome: Outcome) -> None:
    """Everything below the toolbar."""
    judged = outcome.judged
    view.show([_numbers(judged), _missing(outcome)], key="validate-numbers", label="Key numbers")
    budgets = budgets_of(judged)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="validate-bar"):
        views = views_of(judged)
        st.session_state[VIEW] = _view(judged)
        chosen = st.segmented_control(
            "Figure", list(views), key=VIEW, format_func=views.__getitem__, required=True,
            label_visibility="collapsed", persist_state="session",
        )  # fmt: skip
        if len(budgets) > 1:
            st.session_state[BUDGET] = _budget(judged)
            st.segmented_control(
                "Budget", list(budgets), key=BUDGET, format_func=budgets.__getitem__, required=True,
                label_visibility="collapsed", persist_state="session",
            )  # fmt: skip
    budget = _budget(judged)
    st.caption(READ.get(chosen or "", READ["rows"]))
    plot = forest(judged, chosen or "rows", budget)
    charts.show(
        forest_chart.figure(plot),
        key="validate.forest",
        name=f"validation-{outcome.run_id}",
        alt=f"Difference of each arm from random draws of {budgets[budget]}, one panel per held-out set",
        picture="svg",
        fills=False,
    )
    view.show(_results(judged, _sentences(judged, chosen or "rows", budget)), key="validate-results", label="Results")


def _sentences(judged: Judgement, chosen: str, budget: float) -> list[tuple[str, Verdict, str]]:
    """Set, verdict and sentence of every claim that the figure shows."""
    if chosen == ANSWERS:
        return [(one.set_name, one.verdict, answer_sentence(one)) for one in judged.answers if one.budget == budget]
    mean = TOKENS if chosen == TOKENS else ROWS
    return [
        (one.set_name, one.verdict, sentence(one)) for one in judged.claims if one.budget == budget and one.mean == mean
    ]


def _view(judged: Judgement) -> str:
    """The figure that is shown; one that this report lacks gives way to the first."""
    views = views_of(judged)
    chosen = st.session_state.get(VIEW)
    return chosen if chosen in views else next(iter(views))


def _budget(judged: Judgement) -> float:
    """The budget that is shown; one that this report lacks gives way to its first."""
    budgets = budgets_of(judged)
    chosen = st.session_state.get(BUDGET)
    return chosen if chosen in budgets else usual_budget(judged)


def _numbers(judged: Judgement) -> Node:
    counts = Counter([*(claim.verdict for claim in judged.claims), *(claim.verdict for claim in judged.answers)])
    n = sum(counts.values())
    n_rows = sum(one.n_rows for one in judged.sets)
    return parts.key_numbers(
        [
            KeyNumber("Better than random", theme.count(counts["better"]), note=f"of {n} claims", tinted=True),
            KeyNumber("Worse than random", theme.count(counts["worse"]), note=f"of {n} claims"),
            KeyNumber("No difference found", theme.count(counts["no difference found"]), note="at this size"),
            KeyNumber(
                "Trainings",
                theme.count(sum(arm.n_trainings for arm in judged.arms)),
                note=f"{judged.n_random_draws} random draws, {plural(len(judged.seeds), 'seed')}",
            ),
            KeyNumber("Held-out rows", theme.count(n_rows), note=f"in {plural(len(judged.sets), 'set')}"),
        ]
    )


def _missing(outcome: Outcome) -> Node | None:
    if not outcome.n_missing:
        return None
    return parts.notice(
        f"{plural(outcome.n_missing, 'training')} not finished yet.",
        "This is what the finished ones say.",
        tone="amber",
    )


def _results(judged: Judgement, said: Sequence[tuple[str, Verdict, str]]) -> list[Node]:
    nodes: list[Node] = [parts.notice("Note.", LIMITS[0], tone="amber")]
    for one in judged.sets:
        claims = [(verdict, words) for name, verdict, words in said if name == one.name]
        nodes += [parts.heading(one.name, size_of(one)), _claims(claims, one.name)] if claims else []
    arms = parts.table(ARM_COLUMNS, [_arm(arm) for arm in judged.arms], label="Arms")
    limits = [el("p", limit, cls="muted") for limit in LIMITS[1:]]
    side = el("div", parts.heading("What this comparison cannot say"), *limits, cls="stack")
    return [*nodes, el("div", el("div", parts.heading("Arms"), arms, cls="stack"), side, cls="grid two")]


def _claims(claims: Sequence[tuple[Verdict, str]], name: str) -> Node:
    """A line a claim, wrapped: a sentence that is cut off says nothing."""
    lines = [el("tr", el("td", parts.tag(verdict, TONES[verdict])), el("td", words)) for verdict, words in claims]
    widths = el("colgroup", el("col", style={"width": "152px"}), el("col"))
    return el("table", widths, el("tbody", *lines), cls="wrap", aria_label=f"Results on {name}")


def _arm(arm: ArmSummary) -> list[Node]:
    return [
        title_of(arm.arm),
        "–" if arm.arm in (BASE, FULL) else budget_words(arm.budget),
        theme.count(arm.n_trainings),
        theme.count(arm.n_rows),
        theme.count(arm.n_response_tokens),
        theme.count(arm.n_steps),
    ]
