"""Import scores for rows of the project: how lines name rows, how many match, and the import."""

import json
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.specs import ScoreFileSpec
from lobass_core.workflows import import_scores as workflow
from lobass_core.workflows.import_data import files_of
from lobass_core.workflows.import_scores import FileColumns, ImportedScores
from pages.components import command_line, errors, parts, state, theme, toolbar, view
from pages.components.importing import draft, score_draft
from pages.components.view import Node, el

MATCHED = "scores.matched"
# Files of more bytes are matched when asked: reading them through takes a while.
MAX_BYTES_UNASKED = 64 << 20


def page(project: Project, path: Path, right: DeltaGenerator, revision: str) -> None:
    """The settings beside what they match, and the button that imports it."""
    asked = draft.files_asked(path)
    files = {name: asked[name] for name in ("split", "config", "revision") if name in asked}
    done_path, done = st.session_state.get(score_draft.RESULT, ("", None))
    if done is not None and done_path == str(path):
        _done_page(project, done, right)
        return
    columns = workflow.file_columns(str(path), **files)
    score_draft.settle(columns)
    beside, main = st.columns([0.37, 0.63], gap="medium")
    with beside:
        _settings(project, columns)
    with main:
        try:
            spec = score_draft.spec(str(path), files)
            matched = _matched(project, spec, revision) if spec is not None else None
        except LobassError as error:
            errors.show(error)
            return
        if spec is None:
            _what_is_missing(columns)
            return
        _show(matched, spec)
    with right:
        command_line.popover(command_line.import_scores(project.root, spec))
        label = f"Import {matched.n_matched:,} scores" if matched else "Import scores"
        go = toolbar.primary(
            label, ":material/download:", key="scores-go", disabled=not (matched and matched.n_matched)
        )
    if go:
        _import(project, spec)


def _settings(project: Project, columns: FileColumns) -> None:
    view.show(parts.heading("Scores", "one number per row"), key="scores-title")
    st.selectbox(
        "Value column", columns.numeric, key=score_draft.COLUMN, accept_new_options=True,
        index=None, placeholder="Choose a column", persist_state="session",
    )  # fmt: skip
    st.text_input(
        "Score name", key=score_draft.NAME, placeholder="quality", persist_state="session",
        help="The name in Browse, in Select and in exported files",
    )  # fmt: skip
    if any(column.name == st.session_state.get(score_draft.NAME) for column in workflow.list_score_columns(project)):
        st.segmented_control(
            "A score with this name exists", [score_draft.REPLACE, score_draft.ADD], key=score_draft.IF_NAMED,
            width="content", persist_state="session",
        )  # fmt: skip
    st.segmented_control(
        "Match lines by", [score_draft.BY_SAMPLE, score_draft.BY_ROW, score_draft.BY_COLUMN],
        key=score_draft.KEY, required=True, width="content", persist_state="session",
        help="Row: the column row_index or row, otherwise the position of the line in the file. Rows count from 0.",
    )  # fmt: skip
    if st.session_state.get(score_draft.KEY) == score_draft.BY_COLUMN:
        st.selectbox(
            "Column that the imported records also have", columns.columns, key=score_draft.KEY_COLUMN, index=None,
            placeholder="id", accept_new_options=True, persist_state="session",
        )  # fmt: skip
    names = state.outline(project).datasets
    if len(names) > 1:
        st.selectbox("Dataset", [score_draft.ALL_DATASETS, *names], key=score_draft.DATASET, persist_state="session")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.segmented_control(
            "Higher is", [score_draft.BETTER, score_draft.WORSE], key=score_draft.HIGHER, required=True,
            width="content", persist_state="session",
            help="Select keeps the better values first",
        )  # fmt: skip
        st.text_input("Unit", key=score_draft.UNIT, placeholder="none", persist_state="session", width=140)


def _what_is_missing(columns: FileColumns) -> None:
    text = (
        "Set the name, the value column and the key."
        if columns.numeric
        else "The first rows have no column with numbers."
    )
    view.show(parts.notice("No lines matched yet.", text), key="scores-waits")


def _matched(project: Project, spec: ScoreFileSpec, revision: str) -> ImportedScores | None:
    """A dry run, kept while file, settings and store are the same; None while a large file waits for its click."""
    read = files_of(draft.as_spec({"path": spec.path, **workflow.files_asked(spec)})).files
    stamp = tuple((str(file.path), file.path.stat().st_mtime_ns) for file in read)
    key = (json.dumps(spec.to_dict()), stamp, revision)
    kept = st.session_state.get(MATCHED)
    if kept and kept[0] == key:
        return kept[1]
    n_bytes = sum(Path(name).stat().st_size for name, _ in stamp)
    if n_bytes > MAX_BYTES_UNASKED and not st.button(
        f"Match {theme.byte_size(n_bytes)} of scores", icon=":material/difference:", key="scores-match"
    ):
        return None
    matched = _with_bar(project, spec, "Matching", dry_run=True)
    st.session_state[MATCHED] = (key, matched)
    return matched


def _import(project: Project, spec: ScoreFileSpec) -> None:
    with errors.shown():
        done = _with_bar(project, spec, "Importing", dry_run=False)
        st.session_state.pop(MATCHED, None)
        st.session_state[score_draft.RESULT] = (spec.path, done)
        st.rerun()


def _with_bar(project: Project, spec: ScoreFileSpec, verb: str, *, dry_run: bool) -> ImportedScores:
    bar = st.progress(0.0, f"{verb} the scores. Keep this tab open until it is done.")

    def show(n_done: int, n_total: int) -> None:
        bar.progress(min(n_done / max(n_total, 1), 1.0), f"{verb}, {n_done:,} of about {n_total:,} lines")

    try:
        return workflow.import_scores(project, spec, show, dry_run=dry_run)
    finally:
        bar.empty()


def _show(matched: ImportedScores | None, spec: ScoreFileSpec) -> None:
    if matched is None:
        return
    nodes: list[Node] = [_strip(matched)]
    if matched.by_position:
        text = "The file has no column row_index or row."
        nodes.append(parts.notice("Each line is matched to the row at the same position.", text))
    if spec.if_named == "replace":
        nodes.append(parts.notice(f"{spec.name} will be replaced.", "Its current values are removed.", tone="amber"))
    view.show([*nodes, *_lines(matched)], key="scores-matched")


def _strip(matched: ImportedScores) -> Node:
    n_not_used = matched.n_missing + matched.n_not_number + matched.n_non_finite + matched.n_unreadable
    reasons = {
        "without a value": matched.n_missing,
        "not a number": matched.n_not_number,
        "not finite": matched.n_non_finite,
        "unreadable": matched.n_unreadable,
    }
    why = ", ".join(f"{n:,} {reason}" for reason, n in reasons.items() if n)
    repeated = f"{matched.n_differing:,} with another value" if matched.n_differing else "same value"
    cells = [
        parts.KeyNumber("Matched lines", theme.count(matched.n_matched), note=f"of {matched.n_lines:,}", tinted=True),
        parts.KeyNumber("No matching row", theme.count(matched.n_unmatched), note="in this project"),
        parts.KeyNumber("Duplicate lines", theme.count(matched.n_repeated), note=repeated),
        parts.KeyNumber("No valid value", theme.count(n_not_used), note=why or "every line has one"),
        parts.KeyNumber("Rows with a score", theme.count(matched.n_rows), note=f"{matched.n_without:,} without"),
    ]
    if matched.n_held:
        cells.insert(3, parts.KeyNumber("Scored before", theme.count(matched.n_held), note="keep their values"))
    return parts.key_numbers(cells)


def _lines(matched: ImportedScores) -> list[Node]:
    if not matched.lines:
        return []
    columns = [parts.Column("Line", 80, numeric=True), parts.Column("Kind", 110), parts.Column("Reason")]
    rows = [[theme.count(line), kind, el("span", *parts.visible(reason))] for kind, line, reason in matched.lines]
    note = f"up to {workflow.LISTED} of each kind"
    table = parts.table(columns, rows, label="Unused lines")
    return [parts.heading("Unused lines", note), el("div", table, cls="tall", tabindex="0")]


def _done_page(project: Project, done: ImportedScores, right: DeltaGenerator) -> None:
    with right:
        if toolbar.primary("Browse the rows", ":material/arrow_forward:", key="scores-next"):
            column = next((one for one in workflow.list_score_columns(project) if one.name == done.name), None)
            state.go("browse", sort=f"{done.name}-{'desc' if column is None or column.higher_is_better else 'asc'}")
    text = f"{done.n_rows:,} rows have a value, {done.n_without:,} have none."
    view.show([_strip(done), parts.notice(f"Imported {done.name}.", text, tone="kept")], key="scores-done")
    with st.container(horizontal=True, gap="small"):
        if st.button("Import another file", icon=":material/add:", key="scores-another"):
            draft.another()
            st.rerun()
        if st.button(f"Remove {errors.plain(done.name)}", icon=":material/undo:", key="scores-remove"):
            with errors.shown():
                workflow.remove_scores(project, done.name)
                st.session_state.pop(score_draft.RESULT, None)
                st.rerun()
    view.show(_lines(done), key="scores-unused")


def section(project: Project) -> None:
    """The score columns of the project, each to be removed; nothing where there is none."""
    imported = workflow.list_score_columns(project)
    if not imported:
        return
    columns = [
        parts.Column("Name"), parts.Column("Unit", 110), parts.Column("Higher is", 90),
        parts.Column("Rows", 90, numeric=True), parts.Column("File"), parts.Column("When", 150),
        parts.Column("By", 110),
    ]  # fmt: skip
    rows = [
        [
            one.name, el("span", *parts.visible(one.unit)), "better" if one.higher_is_better else "worse",
            theme.count(one.n_rows), el("span", *parts.visible(one.source)),
            el("span", theme.ago(one.made_at), title=one.made_at), el("span", *parts.visible(one.made_by)),
        ]
        for one in imported
    ]  # fmt: skip
    title = parts.heading("Imported scores", str(len(imported)))
    view.show([title, parts.table(columns, rows, label="Imported scores")], key="scores-list")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        name = st.selectbox(
            "Score to remove", [one.name for one in imported], index=None, key="scores.gone", width=260,
            label_visibility="collapsed", placeholder="Remove a score",
        )  # fmt: skip
        if name and st.button("Remove", icon=":material/delete:", key="scores-remove-go"):
            with errors.shown():
                workflow.remove_scores(project, name)
                st.toast(f"Removed {errors.plain(name)}.")
                st.rerun()
