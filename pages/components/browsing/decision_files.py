"""Download decisions, tags and notes as a file, and import a file after its conflicts were shown."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.workflows import decision_files
from lobass_core.workflows.decision_files import ImportedDecisions
from lobass_core.workflows.decision_lines import BadLine
from lobass_core.workflows.decision_merge import RULES, Side
from pages.components import command_line, errors, parts, theme, view
from pages.components.parts import Column

UPLOAD, RULE = "browse.decisions.upload", "browse.decisions.rule"
TYPES = ["csv", "tsv", "jsonl", "json"]
RULE_WORDS = {"newest": "The newer one", "theirs": "The file's", "mine": "The project's"}
LISTED = 50

# Hears what an import did, or why it did nothing.
OnAdded = Callable[[ImportedDecisions | LobassError], None]


def downloads(project: Project) -> None:
    """Everything that stands, as CSV or JSON lines."""
    nothing = not decision_files.has_decisions(project)
    with st.container(horizontal=True, gap="small"):
        for ending, name in (("csv", "CSV"), ("jsonl", "JSON lines")):
            st.download_button(
                f"Download as {name}", partial(decision_files.decisions_file, project, ending),
                file_name=f"{project.name}-decisions.{ending}", icon=":material/download:", disabled=nothing,
                key=f"browse.decisions.{ending}", on_click="ignore",
                help="All current decisions, tags and notes, with author and time",
            )  # fmt: skip


def upload(project: Project, on_added: OnAdded) -> None:
    """Take a file and show what it would change; `on_added` hears what it changed once the person has said so."""
    sent = st.file_uploader("Import decisions from a file", type=TYPES, key=UPLOAD)
    if sent is None:
        return
    rule = st.segmented_control(
        "On a conflict, keep", RULES, format_func=RULE_WORDS.__getitem__, default="newest",
        required=True, key=RULE, help="If the times are equal or the file has none, the project's entry is kept.",
    )  # fmt: skip
    name, data = sent.name, sent.getvalue()
    try:
        preview = _read(project, name, data, rule, dry_run=True)
    except LobassError as error:
        errors.show(error, key="browse-decisions-error")
        return
    _show(preview)
    label = f"Add {theme.count(preview.n_added)}" if preview.n_added else "Nothing to add"
    # The import is the callback's, so that it is done whatever is drawn after the click.
    if st.button(
        label, type="primary", key="browse.decisions.go", disabled=not preview.n_added,
        on_click=_add, args=(project, name, data, rule, on_added),
    ):  # fmt: skip
        st.rerun()
    st.caption("The same from the command line")
    options = [[name], ["--project", str(project.root)], ["--on-conflict", rule]]
    st.code(command_line.shell("decisions import", options), language="bash", wrap_lines=True)


def _add(project: Project, name: str, data: bytes, rule: str, on_added: OnAdded) -> None:
    try:
        on_added(_read(project, name, data, rule, dry_run=False))
    except LobassError as error:
        on_added(error)


def _read(project: Project, name: str, data: bytes, rule: str, *, dry_run: bool) -> ImportedDecisions:
    """What the browser sent is read like any other file, under a name of ours."""
    with tempfile.TemporaryDirectory(prefix="lobass-decisions-") as folder:
        path = Path(folder) / f"decisions{Path(name).suffix}"
        path.write_bytes(data)
        return decision_files.import_decisions(project, path, rule, dry_run=dry_run, name=Path(name).name)


def _show(preview: ImportedDecisions) -> None:
    view.show(
        [
            parts.facts(
                [
                    ("Lines", theme.count(preview.n_lines)),
                    ("Found by sample id", theme.count(preview.n_by_id)),
                    ("Found by dataset and row", theme.count(preview.n_by_row)),
                    ("Not in this project", theme.count(len(preview.unmatched))),
                    ("Invalid", theme.count(len(preview.bad))),
                    ("New decisions, tags, notes", " · ".join(theme.count(one.n_new) for one in _kinds(preview))),
                    ("Already the same", theme.count(sum(one.n_same for one in _kinds(preview)))),
                    ("Conflicts", theme.count(len(preview.conflicts))),
                ]
            ),
            *_conflicts(preview),
            *_lines("Invalid lines", preview.bad),
            *_lines("Lines for samples that are not in this project", preview.unmatched),
        ],
        key="browse-decisions-preview",
    )


def _kinds(preview: ImportedDecisions) -> tuple:
    return preview.decisions, preview.tags, preview.notes


def _conflicts(preview: ImportedDecisions) -> list[view.Node]:
    if not preview.conflicts:
        return []
    rows = [
        [
            theme.count(one.line),
            preview.ids.get(one.sample_key, "")[:10],
            _side(one.mine),
            _side(one.theirs),
            "file" if one.taken == "theirs" else "project",
        ]
        for one in preview.conflicts[:LISTED]
    ]
    columns = [Column("Line", 48, numeric=True), Column("Sample", 92), Column("Project"), Column("File"),
               Column("Kept", 60)]  # fmt: skip
    return [parts.heading("Conflicts", _first(len(preview.conflicts))), parts.table(columns, rows, label="Conflicts")]


def _side(side: Side) -> view.Node:
    when = f", {theme.ago(side.made_at)}" if side.made_at else ""
    return parts.first_line(f"{side.words or 'removed'} ({side.author or 'unknown'}{when})", 80)


def _lines(title: str, lines: tuple[BadLine, ...]) -> list[view.Node]:
    if not lines:
        return []
    rows = [[theme.count(one.line), parts.first_line(one.reason, 120)] for one in lines[:LISTED]]
    columns = [Column("Line", 48, numeric=True), Column("Reason")]
    return [parts.heading(title, _first(len(lines))), parts.table(columns, rows, label=title)]


def _first(n: int) -> str:
    return f"the first {LISTED} of {theme.count(n)}" if n > LISTED else theme.count(n)
