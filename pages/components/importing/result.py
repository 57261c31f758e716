"""The result of an import: counts, rejected rows with reasons, undo, the next step."""

import streamlit as st

from lobass_core.project import Project
from lobass_core.workflows import import_data as workflow
from pages.components import errors, parts, state, theme, view
from pages.components.importing import draft
from pages.components.view import el

SHOWN_REJECTS = 50
DOWNLOADED_REJECTS = 10_000


def strip(result: workflow.ImportResult) -> None:
    """The key numbers of a finished import."""
    already = result.already_imported
    n_done = result.n_seen_before if already else result.n_imported
    view.show(
        parts.key_numbers(
            [
                parts.KeyNumber(
                    "Rows in file", theme.count(result.n_rows), note=f"read in {theme.duration(result.seconds)}"
                ),
                parts.KeyNumber(
                    "Already imported" if already else "Imported",
                    theme.count(n_done),
                    note=f"no duplicates added to {result.dataset}" if already else f"as {result.dataset}",
                    tinted=True,
                ),
                parts.KeyNumber("Rejected", theme.count(result.n_rejected), note=_main_reason(result.reasons)),
                parts.KeyNumber(
                    "Seen before", theme.count(result.n_seen_before), note="same conversation in the project"
                ),
                parts.KeyNumber("Duplicates", theme.count(result.n_duplicates), note="of another row in the file"),
            ]
        ),
        key="import-result-strip",
    )


def _main_reason(reasons: dict[str, int]) -> str:
    if not reasons:
        return "every row is valid"
    reason, n_rows = next(iter(reasons.items()))
    return f"{n_rows:,}: {reason}"


def details(project: Project, result: workflow.ImportResult) -> None:
    """Domains and reasons on the left, rejected rows on the right."""
    slots = theme.domain_slots({*state.outline(project).domains, *result.domains})
    left, right = st.columns([0.38, 0.62], gap="medium")
    with left:
        nodes = [
            parts.heading("Domains"),
            parts.table(
                [parts.Column("Domain"), parts.Column("Rows", 90, numeric=True)],
                [[parts.swatch(slots[name], name), theme.count(n)] for name, n in result.domains.items()],
            ),
        ]
        if result.reasons:
            nodes += [parts.heading("Why rows were rejected"), _reasons(result)]
        view.show(nodes, key="import-result-left")
    with right:
        if result.n_rejected:
            _rejects(project, result)
        else:
            view.show(
                parts.notice(
                    "Every row of the file is in the project.",
                    "The source records are kept, so you can export them unchanged.",
                    tone="kept",
                ),
                key="import-result-fine",
            )


def _reasons(result: workflow.ImportResult) -> view.Node:
    most = max(result.reasons.values())
    rows = [
        [el("span", reason, title=reason), parts.bar(n / most, tone="amber", label=f"{n:,} rows"), theme.count(n)]
        for reason, n in list(result.reasons.items())[:12]
    ]
    columns = [parts.Column("Reason"), parts.Column("", 90), parts.Column("Rows", 60, numeric=True)]
    return parts.table(columns, rows)


def _rejects(project: Project, result: workflow.ImportResult) -> None:
    rejects = workflow.rejects_of(project, result.dataset, SHOWN_REJECTS)
    note = (
        f"{result.n_rejected:,}"
        if result.n_rejected <= SHOWN_REJECTS
        else f"first {len(rejects)} of {result.n_rejected:,}"
    )
    rows = [
        [
            theme.count(row_index),
            theme.count(line),
            el("span", reason, title=reason),
            *([el("span", *parts.visible(file), cls="mono")] if result.files else []),
            parts.first_line(source),
        ]
        for file, row_index, line, reason, source in rejects
    ]
    columns = [
        parts.Column("Row", 70, numeric=True),
        parts.Column("Line", 70, numeric=True),
        parts.Column("Reason", 280),
        *([parts.Column("File", 180)] if result.files else []),
        parts.Column("In the file"),
    ]
    view.show(
        [parts.heading("Rejected rows", note), el("div", parts.table(columns, rows), cls="tall")], key="import-rejects"
    )
    st.download_button(
        "Download rejected rows", lambda: workflow.rejects_csv(project, result.dataset, DOWNLOADED_REJECTS),
        file_name=f"{result.dataset}-rejects.csv", mime="text/csv", icon=":material/download:",
        key="import-rejects-download",
        help=f"The first {DOWNLOADED_REJECTS:,}. For all of them with full text: lobass rejects --to FILE",
    )  # fmt: skip


def after(project: Project, result: workflow.ImportResult) -> None:
    """Another file, or take this one back."""
    with st.container(horizontal=True, gap="small"):
        if st.button("Import another file", icon=":material/add:", key="import-another", on_click=draft.another):
            st.rerun()
        if not result.already_imported and st.button(
            "Undo this import",
            icon=":material/undo:",
            key="import-undo",
            help="Removes these rows from the project",
        ):
            with errors.shown():
                n_rows = workflow.undo_import(project, result.dataset)
                st.session_state.pop(draft.RESULT, None)
                st.toast(f"Removed {n_rows:,} rows of {result.dataset} from the project.")
                st.rerun()
