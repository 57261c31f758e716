"""Past exports, and whether their files are unchanged."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from lobass_core.project import Project
from lobass_core.store.exports import LoggedExport
from lobass_core.workflows.export import PastExport, past_export
from pages.components import parts, theme, view
from pages.components.exporting import draft, files
from pages.components.view import Node, el

TONES = {"matches disk": "kept", "changed on disk": "amber", "replaced": "hollow", "gone": "hollow"}
SHOWN = 8
ALL = "export.all-past"


def show(project: Project, exports: Sequence[LoggedExport]) -> None:
    """A line an export, latest first; a click opens it."""
    shown = [past_export(entry) for entry in (exports if st.session_state.get(ALL) else exports[:SHOWN])]
    more = ("show all", "all") if len(exports) > len(shown) else None
    columns = [
        parts.Column("Selection"),
        parts.Column("Format", 150),
        parts.Column("Rows", 80, numeric=True),
        parts.Column("To"),
        parts.Column("sha256", 110),
        parts.Column("State", 140),
        parts.Column("When", 110, numeric=True),
    ]
    clicked = view.show(
        [
            parts.heading("Past exports", theme.count(len(exports)), link=more),
            parts.table(
                columns,
                [_line(project, one) for one in shown],
                on=[f"past:{place}" for place in range(len(shown))],
                label="Past exports",
            )
            if exports
            else el(
                "p", "No exports yet. Each export is one folder with a manifest that can reproduce it.", cls="muted"
            ),
        ],
        key="export-past",
        label="Past exports",
    )
    if clicked == "all":
        st.session_state[ALL] = True
        st.rerun()
    if clicked and clicked.startswith("past:"):
        _dialog(project, shown[int(clicked.removeprefix("past:"))])


def _line(project: Project, one: PastExport) -> list[Node]:
    entry = one.logged
    title, _ = draft.FORMATS.get(entry.format, (entry.format, ""))  # type: ignore[call-overload]
    sha256 = entry.manifest_sha256
    return [
        el("span", *parts.visible(entry.selection_name), dir="auto"),
        title,
        theme.count(entry.n_rows),
        draft.shown(entry.folder, project),
        el("span", f"{sha256[:4]}…{sha256[-4:]}", cls="mono", title=f"sha256 of the manifest: {sha256}"),
        parts.dot(TONES[one.state], one.state),
        theme.ago(entry.made_at),
    ]


@st.dialog("Export", width="large")
def _dialog(project: Project, one: PastExport) -> None:
    entry = one.logged
    folder = Path(entry.folder)
    recorded = entry.manifest["files"]
    written = [(file["name"], file["rows"], file["bytes"], file["sha256"]) for file in recorded]
    view.show(
        [
            el("div", parts.dot(TONES[one.state], one.state), el("span", entry.folder, cls="mono end"), cls="row"),
            el("div", "Changed or missing: ", ", ".join(one.changed), cls="muted") if one.changed else None,
            files.file_table(written, "Files as written"),
            *files.how_to_use(project, entry.format, folder),
        ],
        key="export-past-one",
    )
    if one.state == "matches disk":
        files.download(folder, sum(file["bytes"] for file in recorded), key="export.past-download")
