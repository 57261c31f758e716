"""Choose a file: type a path on the server, walk through its folders, or upload."""

from pathlib import Path

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.workflows import import_data as workflow
from lobass_core.workflows.uploads import MAX_UPLOAD_BYTES, keep_upload
from pages.components import parts, server_paths, theme, view
from pages.components.importing import draft, hub
from pages.components.view import el

IN_USE = ""
UPLOAD_TYPES = ["json", "jsonl", "ndjson", "csv", "tsv", "txt", "parquet", "arrow", "feather", "gz", "zst"]


def pick(project: Project) -> None:
    """The left of the toolbar: how, and the path."""
    st.segmented_control(
        "File location", [draft.SERVER, draft.SENT], key=draft.HOW, default=draft.SERVER, required=True,
        label_visibility="collapsed", width="content", persist_state="session",
    )  # fmt: skip
    if (st.session_state.get(draft.HOW) or draft.SERVER) == draft.SERVER:
        st.text_input(
            "Path on the server", key=draft.PATH, icon=":material/folder_open:", label_visibility="collapsed",
            placeholder="Path of a file or folder on this server, or a Hub dataset: org/name",
            on_change=draft.forget_file, persist_state="session", width="stretch",
        )  # fmt: skip


def chosen(project: Project) -> Path | None:
    """The file, folder or pattern that is chosen, each file in an allowed folder; None while there is none.

    Raises:
        RequestError: a file is outside the allowed folders, or the upload cannot be kept.
        InputFileError: the Hub has no such dataset, or it cannot be fetched.
    """
    if st.session_state.get(draft.HOW) == draft.SENT:
        return _uploaded(project)
    typed = (st.session_state.get(draft.PATH) or "").strip()
    if not typed:
        _walk(project, server_paths.start_folder())
        return None
    if hub.named(typed):
        return hub.fetched(typed)
    path = server_paths.checked(typed, project)
    if path.is_dir() and st.session_state.get(draft.WHOLE) != str(path):
        _whole_folder(path)
        _walk(project, path)
        return None
    if path.is_dir() or not path.exists():
        # What a folder or a pattern holds may be a link: each file has to lie where files may be read.
        try:
            files = workflow.files_of(draft.spec(path)[0]).files
        except LobassError:
            return path  # The page says it beside the settings that led to it; no file is read before.
        for file in files:
            server_paths.checked(str(file.path), project)
    return path


def _whole_folder(folder: Path) -> None:
    """The button that takes all data files of the folder as one dataset."""
    if st.button(
        "Import this folder as one dataset",
        icon=":material/folder_zip:",
        key="import-whole",
        help="Reads all data files in this folder and its subfolders. The README or the file names set the splits.",
    ):
        draft.forget_file()
        st.session_state[draft.WHOLE] = str(folder)
        st.rerun()


def _uploaded(project: Project) -> Path | None:
    sent = st.file_uploader(
        "A small file from this computer", type=UPLOAD_TYPES, key=draft.UPLOAD, on_change=draft.forget_file,
        max_upload_size=MAX_UPLOAD_BYTES >> 20, label_visibility="collapsed",
    )  # fmt: skip
    if sent is None:
        view.show(
            el(
                "p",
                "JSON, JSONL, CSV, TSV, Parquet and Arrow, also as .gz or .zst. For larger files, use a server path.",
                cls="muted",
            ),
            key="import-upload-note",
        )
        return None
    return keep_upload(project, sent.name, sent.getvalue())


def _walk(project: Project, folder: Path) -> None:
    """The data files of a folder, to click; folders above it as far as they are allowed."""
    allowed = server_paths.allowed_folders(project)
    if not any(folder.is_relative_to(root) for root in allowed):
        folder = allowed[0]
    entries = server_paths.listing(folder, project)
    above = folder.parent if any(folder.parent.is_relative_to(root) for root in allowed) else None
    rows = [[el("span", "..", cls="mono"), "parent folder", ""]] if above else []
    rows += [
        [
            el("span", *parts.visible(entry.path.name), "/" if entry.is_folder else "", cls="mono"),
            "folder" if entry.is_folder else _kind(entry.path),
            "" if entry.is_folder else theme.byte_size(entry.n_bytes),
        ]
        for entry in entries
    ]
    targets = ([above] if above else []) + [entry.path for entry in entries]
    table = parts.table(
        [parts.Column("Name"), parts.Column("Kind", 220), parts.Column("Size", 110, numeric=True)],
        rows,
        on=[str(index) for index in range(len(rows))],
        label="Files",
    )
    st.session_state["import.targets"] = [str(target) for target in targets]
    view.show(
        [
            parts.heading("Choose a file", str(folder)),
            # The datasets of the project stand below, and stay in sight.
            el("div", table, cls="tall", tabindex="0")
            if entries
            else el("p", "No data files in this folder.", cls="muted"),
            el("p", "The dashboard can read files under ", *_joined([str(root) for root in allowed]), ".", cls="muted"),
        ],
        key="import-walk",
        on_event=_enter,
    )


def _kind(path: Path) -> str:
    names = {".json": "JSON", ".jsonl": "JSON lines", ".ndjson": "JSON lines", ".csv": "CSV", ".tsv": "TSV"}
    packed = {".gz": ", gzip", ".zst": ", zstd"}.get(path.suffix.lower(), "")
    inner = Path(path.stem).suffix.lower() if packed else path.suffix.lower()
    return names.get(inner, inner.lstrip(".").capitalize()) + packed


def _joined(names: list[str]) -> list[view.Node]:
    nodes: list[view.Node] = []
    for index, name in enumerate(names):
        nodes += [", " if index else "", el("span", name, cls="mono")]
    return nodes


def _enter() -> None:
    """A row of the list was clicked: its path goes into the field."""
    clicked = view.clicked("import-walk")
    targets = st.session_state.get("import.targets") or []
    if clicked is not None and clicked.isdecimal() and int(clicked) < len(targets):
        draft.forget_file()
        st.session_state[draft.PATH] = targets[int(clicked)]


def revision(project: Project) -> str:
    """Revision of the store, or IN_USE while another process has it: a preview needs no store."""
    try:
        with project.store(wait_seconds=0.2) as store:
            return store.revision()
    except LobassError:
        return IN_USE
