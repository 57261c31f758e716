"""Update a dataset to newer files: which dataset, what would change, the update, undo."""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lobass_core.project import Project
from lobass_core.workflows import update_dataset as workflow
from lobass_core.workflows.import_data import dataset_name, files_of
from lobass_core.workflows.update_dataset import Update, UpdateCounts
from pages.components import command_line, errors, parts, state, theme, toolbar, view
from pages.components.importing import draft
from pages.components.view import Node, el

COMPARED = "import.compared"
# Files of more bytes are compared when asked: reading them through takes a while.
MAX_BYTES_UNASKED = 64 << 20


def target(project: Project) -> str:
    """The picker of what the files become: the name of the dataset to update, `draft.SCORES`, or "" for a new one."""
    names = state.outline(project).datasets
    if not names:
        return ""
    fixed = (draft.NEW, draft.SCORES)
    if st.session_state.get(draft.TARGET) not in (*names, draft.SCORES):
        st.session_state.pop(draft.TARGET, None)
    chosen = st.selectbox(
        "Import as", [draft.NEW, *names, draft.SCORES], key=draft.TARGET, label_visibility="collapsed",
        format_func=lambda name: name if name in fixed else f"Update {name}", width=220,
        help="Import the files as a new dataset, update a dataset to their state, or add scores to its rows",
        persist_state="session",
    )  # fmt: skip
    return "" if chosen == draft.NEW else str(chosen)


def hint(project: Project, path: Path) -> None:
    """Where a dataset is named like the file: that it can be updated instead."""
    name = dataset_name(path)
    if name in state.outline(project).datasets:
        view.show(
            parts.notice(
                f"A dataset named {name} already exists.",
                f"To update it from this file, choose “Update {name}” above.",
            ),
            key="import-update-hint",
        )


def page(project: Project, name: str, path: Path, right: DeltaGenerator, revision: str) -> None:
    """The counts of an update of `name` with the files at `path`, and the button that writes it."""
    asked = draft.files_asked(path)
    with right:
        command_line.popover(command_line.update(project.root, name, asked))
    update = _compared(project, name, asked, revision)
    if update is None:
        return
    counts = update.counts
    with right:
        go = toolbar.primary(
            f"Update {name}", ":material/sync:", key="import-update-go", disabled=update.is_same,
            help="The dataset already matches these files" if update.is_same else None,
        )  # fmt: skip
    view.show(_strip(counts), key="import-update-strip")
    view.show([*_notices(update), _reasons(update)], key="import-update-notices")
    if not go:
        return
    bar = st.progress(0.0, "Updating. Keep this tab open until it is done; an interrupted update writes nothing.")

    def show(n_done: int, n_total: int) -> None:
        bar.progress(min(n_done / max(n_total, 1), 1.0), f"Updating, {n_done:,} of about {n_total:,} rows")

    with errors.shown():
        done = workflow.update_dataset(project, update, show)
        st.session_state.pop(COMPARED, None)
        st.session_state[draft.UPDATED] = (str(path), name, done)
        st.rerun()
    bar.empty()


def done_page(project: Project, name: str, counts: UpdateCounts, right: DeltaGenerator) -> None:
    """After an update: what it did, the way back, and the next step."""
    with right:
        n_unscored = counts.n_changed + counts.n_new
        label = f"Score {n_unscored:,} rows" if n_unscored else "Select rows"
        if toolbar.primary(label, ":material/arrow_forward:", key="import-update-next"):
            state.go("score" if n_unscored else "select")
    view.show(_strip(counts), key="import-update-strip")
    view.show([_did(name, counts), *_losing(counts)], key="import-update-notices")
    with st.container(horizontal=True, gap="small"):
        if st.button("Import another file", icon=":material/add:", key="import-another"):
            draft.another()
            st.rerun()
        if st.button(
            "Undo this update", icon=":material/undo:", key="import-update-undo",
            help="Restores the dataset to its state before the update. Decisions made since then stay.",
        ):  # fmt: skip
            with errors.shown():
                workflow.undo_update(project, name)
                st.session_state.pop(draft.UPDATED, None)
                st.toast(f"{errors.plain(name)} is back to its state before the update.")
                st.rerun()


def _compared(project: Project, name: str, asked: dict, revision: str) -> Update | None:
    """The comparison, kept while files, settings and store are the same; None while a large one waits for its click."""
    key = (name, tuple(sorted(asked.items())), _stamp(asked), revision)
    kept = st.session_state.get(COMPARED)
    if kept and kept[0] == key:
        return kept[1]
    n_bytes = sum(size for _, _, size in key[2])
    if n_bytes > MAX_BYTES_UNASKED and not st.button(
        f"Compare {theme.byte_size(n_bytes)} with {name}", icon=":material/difference:", key="import-update-compare"
    ):
        return None
    bar = st.progress(0.0, f"Comparing the files with {errors.plain(name)}")

    def show(n_done: int, n_total: int) -> None:
        bar.progress(min(n_done / max(n_total, 1), 1.0), f"Comparing, {n_done:,} of about {n_total:,} rows")

    try:
        update = workflow.compare_dataset(project, name, asked, show)
    finally:
        bar.empty()
    st.session_state[COMPARED] = (key, update)
    return update


def _stamp(asked: dict) -> tuple[tuple[str, int, int], ...]:
    paths = [file.path for file in files_of(draft.as_spec(asked)).files]
    return tuple((str(path), (status := path.stat()).st_mtime_ns, status.st_size) for path in paths)


def _strip(counts: UpdateCounts) -> Node:
    by = "by position" if counts.matched_by == "place" else f"by {counts.matched_by}"
    cells = [
        parts.KeyNumber("Unchanged", theme.count(counts.n_unchanged), note="keep scores and decisions"),
        parts.KeyNumber("Changed", theme.count(counts.n_changed), note=f"new text, matched {by}", tinted=True),
        parts.KeyNumber("New", theme.count(counts.n_new), note="no old row matches", tinted=True),
        parts.KeyNumber("Gone", theme.count(counts.n_gone), note="no new row matches", tinted=True),
        parts.KeyNumber("Rejected", theme.count(counts.n_rejected), note=f"before: {counts.n_rejected_before:,}"),
    ]
    return parts.key_numbers(cells)


def _notices(update: Update) -> list[Node]:
    counts = update.counts
    if update.is_same:
        return [
            parts.notice(f"{update.dataset} already matches these files.", "There is nothing to update.", tone="kept")
        ]
    shown = [parts.notice("Nothing is written yet.", "The files are read with the settings of the first import.")]
    shown += [parts.notice("Check first:", f"{note}.", tone="amber") for note in update.notes]
    if counts.n_other_fields:
        text = "Their conversations are the same. The update replaces their source records."
        shown.append(parts.notice(f"Other fields of {counts.n_other_fields:,} unchanged rows differ.", text))
    if counts.n_decided:
        text = "The decisions stay with the old text."
        shown.append(
            parts.notice(f"{counts.n_decided:,} changed or gone rows were kept or dropped by hand.", text, tone="amber")
        )
    return [*shown, *_losing(counts)]


def _losing(counts: UpdateCounts) -> list[Node]:
    return [
        parts.notice(
            f"{name}: {n_rows:,} row{'' if n_rows == 1 else 's'} fewer.",
            "The saved selection keeps its name and rule, and lists the missing rows.",
            tone="amber",
        )
        for name, n_rows in counts.selections
    ]


def _did(name: str, counts: UpdateCounts) -> Node:
    return parts.notice(f"{name} is updated.", f"{counts.words[:1].upper()}{counts.words[1:]}.", tone="kept")


def _reasons(update: Update) -> Node:
    if not update.reasons:
        return el("div")
    rows = [[el("span", reason, title=reason), theme.count(n)] for reason, n in list(update.reasons.items())[:12]]
    columns = [parts.Column("Why rows were rejected"), parts.Column("Rows", 90, numeric=True)]
    return parts.table(columns, rows)
