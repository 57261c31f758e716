"""Overview: what is imported, scored, selected and exported, and what to do next."""

import streamlit as st

from lobass_core.learnability.measures import title_of
from lobass_core.words.plural import plural
from lobass_core.workflows import explore
from lobass_core.workflows.import_data import rejects_of
from lobass_core.workflows.project_status import ProjectStatus
from lobass_core.workflows.status import status
from pages.components import address, cleaning, command_line, errors, parts, scope, state, theme, toolbar, view
from pages.components.overview import funnel, guide, lists, welcome
from pages.components.parts import KeyNumber
from pages.components.view import el

ALL_DATASETS = "overview.all_datasets"
SHOWN_REJECTS = 500
RIDGE_BINS = 64

project = state.project()
datasets = state.chosen_datasets()
project_status = status(project, state.chosen_run(), datasets)

if not project_status.datasets:
    welcome.show(project)
    st.stop()


def scored_rows(project_status: ProjectStatus) -> explore.Scored | None:
    """The rows behind the ridges; None before there is any score, or where losses do not fit together."""
    if not project_status.n_scored:
        return None
    with errors.shown():
        return explore.scored(project, project_status.scoring.run_id if project_status.scoring else None, datasets)
    return None


def key_numbers(project_status: ProjectStatus, rows: explore.Scored | None) -> view.Node:
    """The strip; its cells have the widths of the funnel's columns below."""
    n_datasets = len(project_status.datasets)
    selected, written, median = "–", "–", "–"
    selected_note, written_note, median_note = "nothing yet", "nothing yet", "after scoring"
    if selection := project_status.selection:
        n_selected = sum(domain.n_selected or 0 for domain in project_status.domains)
        selected = theme.count(n_selected)
        of_all = funnel.percent_of(selection.n_kept, selection.n_rows)
        share = f"of {theme.count(selection.n_kept)}" if datasets else of_all
        selected_note = f"{share} · {selection.name}"
        selected_note += f" · {selection.n_gone:,} missing" if selection.n_gone else ""
        written_note = f"{selection.name}: not yet"
    if export := project_status.export:
        written, written_note = (
            theme.count(export.n_rows),
            f"{lists.FORMATS.get(export.format, export.format)} · {theme.ago(export.made_at)}"
            + (" · all datasets" if datasets else ""),
        )
    if rows:
        total = explore.value_summaries(rows, project_status.measure, "all")[0]
        lower, upper = (
            theme.number(one, 2) if abs(one or 0) < 10 else theme.figure(one) for one in (total.lower, total.upper)
        )
        median = theme.figure(total.median)
        median_note = f"quartiles {lower} to {upper}"
    station = funnel.STATION_WEIGHT
    return parts.key_numbers(
        [
            KeyNumber(
                "Domains",
                theme.count(len(project_status.domains)),
                note="1 dataset" if n_datasets == 1 else f"{n_datasets} datasets",
                weight=funnel.DOMAIN_WEIGHT,
            ),
            KeyNumber(
                "Imported",
                theme.count(project_status.n_rows),
                "rows",
                note=f"{plural(project_status.n_rejected, 'row')} rejected",
                weight=station,
            ),
            KeyNumber(
                "Scored", theme.count(project_status.n_scored), "rows", note=scored_note(project_status), weight=station
            ),
            KeyNumber(
                "Selected",
                selected,
                "rows" if project_status.selection else "",
                note=selected_note,
                tinted=True,
                weight=station,
            ),
            KeyNumber("Exported", written, "rows" if project_status.export else "", note=written_note, weight=station),
            KeyNumber(
                f"{title_of(project_status.measure)}, median", median, note=median_note, weight=funnel.RIDGE_WEIGHT
            ),
        ]
    )


def scored_note(project_status: ProjectStatus) -> str:
    """The share, and what is left."""
    share = funnel.percent_of(project_status.n_scored, project_status.n_rows)
    if project_status.scoring is None and project_status.columns:
        return f"{share} · by {project_status.measure}"
    return f"{share} · {theme.count(project_status.n_to_score)} to do" if project_status.n_to_score else share


def ridges(rows: explore.Scored | None) -> explore.views.Distribution | None:
    """The measure of the project by domain, in bins that all domains share."""
    return explore.distribution(rows, n_bins=RIDGE_BINS) if rows else None


@st.dialog("Rejected rows", width="large")
def show_rejects(name: str) -> None:
    """The rows of a dataset that could not be imported, each with its line and reason."""
    rows = rejects_of(project, name, SHOWN_REJECTS)
    table = [
        [theme.count(line), el("span", reason, title=reason), parts.first_line(source)]
        for _, _, line, reason, source in rows
    ]
    columns = [
        parts.Column("Line", 70, numeric=True),
        parts.Column("Reason", 300),
        parts.Column("Row in the file"),
    ]
    view.show([parts.table(columns, table, label="Rejected rows")], key="overview-rejects-table")
    st.caption("To write all of them with full text:")
    st.code(command_line.plain("rejects", project.root, [name], ["--to", "rejects.csv"]), language="bash")


def follow(clicked: str | None, events: list[lists.Event]) -> None:
    """Go where a click leads."""
    if clicked is None:
        return
    if clicked == cleaning.CLICK:
        cleaning.dialog(project)
        return
    kind, _, number = clicked.rpartition("-")
    match kind or clicked:
        case "import" | "score":
            state.go(clicked)
        case guide.CLICK:
            state.go(number)
        case "runs":
            state.go("score")
        case "datasets" if number == "all":
            st.session_state[ALL_DATASETS] = True
            st.rerun()
        case "domain":
            state.go("browse", domain=[funnel.largest_first(project_status.domains)[int(number)]])
        case "dataset":
            state.go("browse", dataset=[project_status.datasets[int(number)].name])
        case "rejects":
            show_rejects(project_status.datasets[int(number)].name)
        case "event":
            state.go(events[int(number)].page)


scope.show(project)
left, right = toolbar.toolbar("overview")
with left:
    note = [f"base {project_status.scoring.base_name}"] if project_status.scoring else []
    note += [theme.byte_size(project_status.n_bytes)]
    note += [f"changed {theme.ago(project_status.changed_at)}"] if project_status.changed_at else []
    toolbar.title(project_status.name, " · ".join(note), key="overview-title")
with right:
    if st.button("Import data", icon=":material/add:", key="overview-import-data"):
        state.go("import")
    command_line.popover([command_line.in_sight("status", project.root), project_status.next_step.command])
    if toolbar.primary(project_status.next_step.label, ":material/play_arrow:", key="overview-next"):
        state.go(project_status.next_step.page)

rows = scored_rows(project_status)
slots = theme.domain_slots(state.outline(project).domains)
latest = lists.events(project_status)
clicked = view.show(
    [
        *([lists.upgrade(project_status.upgrade)] if project_status.upgrade else []),
        *([about] if (about := guide.lines(project, project_status)) else []),
        key_numbers(project_status, rows),
        funnel.funnel(
            project_status.domains,
            slots,
            ridges=ridges(rows),
            selection=project_status.selection,
            measure=project_status.measure,
            higher_is_better=project_status.higher_is_better,
        ),
        el(
            "div",
            el(
                "div",
                lists.datasets(project_status.datasets, slots, all_of_them=state.remember(ALL_DATASETS, False)),
                lists.columns(project_status.columns),
                lists.models(project_status.models),
                cls="stack wide",
            ),
            lists.latest(latest),
            cls="grid two",
        ),
        *([freed] if (freed := cleaning.line(project, project_status.revision)) else []),
    ],
    key="overview",
    label="Overview",
)
address.write({})
follow(clicked, latest)
