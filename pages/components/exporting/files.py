"""The files of an export: planned, written, how to use them."""

import io
import json
import shlex
import zipfile
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.specs import ExportSpec
from lobass_core.words.plural import plural
from lobass_core.workflows import export as workflow
from lobass_core.workflows.export import ExportReceipt
from pages.components import command_line, errors, parts, theme, view
from pages.components.exporting import draft
from pages.components.view import el

# A download is held in memory as a whole; larger exports are taken from the folder.
MAX_DOWNLOAD_BYTES = 50_000_000
FIRST_LINE_CHARS = 420


def show_planned(project: Project, spec: ExportSpec) -> None:
    """Before: the files with their sizes, the first record, the command."""
    try:
        with st.spinner("Looking for near duplicates") if spec.validation else nullcontext():
            preview = workflow.preview(project, spec)
    except LobassError as error:
        errors.show(error, key="export-sketch")
        return
    folder = draft.shown(spec.to, project)
    total = theme.byte_size(sum(one.about_bytes for one in preview.files))
    rows = [[el("span", one.name, cls="mono"), one.holds, _about(one.about_bytes)] for one in preview.files]
    if spec.with_dropped:
        rows.insert(-1, [el("span", "dropped.jsonl", cls="mono"), "excluded rows, with reasons", "–"])
    columns = [parts.Column("File", 190), parts.Column("Holds"), parts.Column("Size", 84, numeric=True)]
    first = preview.first_record
    shown = first if len(first) <= FIRST_LINE_CHARS else first[:FIRST_LINE_CHARS] + "…"
    view.show(
        [
            parts.heading("Files", f"about {total} in {folder}"),
            parts.table(columns, rows, label="Files"),
            parts.heading("First record"),
            el("pre", *parts.visible(shown), cls="code", dir="auto"),
            parts.heading("Command"),
            parts.code(command_line.export(project.root, spec)),
        ],
        key="export-files",
        label="Files",
    )


def _about(n_bytes: int) -> str:
    return theme.byte_size(n_bytes)


def receipt(project: Project, done: ExportReceipt) -> None:
    """After: every file with its checksum, what was left out and why, how to use it, the download."""
    folder = Path(done.folder)
    view.show(
        [
            parts.notice(
                f"{plural(done.n_written, 'row is', 'rows are')} on disk · verified",
                f"{theme.count(done.n_validation)} for validation. " * bool(done.n_validation)
                + f"{theme.byte_size(done.n_bytes)} in {draft.shown(done.folder, project)}, read back and verified.",
                tone="kept",
            ),
            file_table([(one.name, one.rows, one.n_bytes, one.sha256) for one in done.files], "Files on disk"),
            *[
                parts.check("bad", theme.count(n_rows), f"did not fit {done.format}", detail=reason)
                for reason, n_rows in done.not_written.items()
            ],
            *[parts.plain_check("note", note[:1].upper() + note[1:], "") for note in done.notes],
            *how_to_use(project, done.format, folder),
        ],
        key="export-receipt",
        label="Receipt",
    )
    download(folder, done.n_bytes, key="export.download")


def file_table(files: Iterable[tuple[str, int, int, str]], label: str) -> view.Node:
    """Name, rows, bytes and sha256 of each file; 0 rows for one that holds none."""
    columns = [
        parts.Column("File", 190),
        parts.Column("Rows", 70, numeric=True),
        parts.Column("Size", 80, numeric=True),
        parts.Column("sha256"),
    ]
    rows = [
        [el("span", name, cls="mono"), theme.count(n_rows) if n_rows else "–", theme.byte_size(n_bytes),
         el("span", sha256, cls="mono", title=sha256)]
        for name, n_rows, n_bytes, sha256 in files
    ]  # fmt: skip
    return parts.table(columns, rows, label=label)


def how_to_use(project: Project, format: str, folder: Path) -> list[view.Node]:
    """How to train on an export, and how to write it again."""
    replay = command_line.plain("export", project.root, ["--replay", str(folder / "manifest.json")], ["--to", "FOLDER"])
    return [
        parts.heading("Usage"),
        parts.code(usage(format, folder)),
        parts.heading("Reproduce this export"),
        parts.code(replay),
    ]


def usage(format: str, folder: Path) -> str:
    """The line that opens or trains on the export."""
    quoted = shlex.quote(str(folder))
    names = ",".join(_dataset_names(folder))
    if names:
        return f"llamafactory-cli train ... --dataset_dir {quoted} --dataset {names}"
    lines = {
        "trl": f"python {quoted}/train.py --model MODEL",
        "axolotl": f"cat {quoted}/axolotl*.yml   # lines for your configuration; run Axolotl from this folder",
        "source": f"ls {quoted}",
    }
    return lines.get(format, f'datasets.load_dataset({str(folder)!r}, split="train")')


def _dataset_names(folder: Path) -> list[str]:
    """What LLaMA-Factory calls the data sets of the folder; none where it holds none for LLaMA-Factory."""
    try:
        return list(json.loads((folder / "dataset_info.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return []


def download(folder: Path, n_bytes: int, *, key: str) -> None:
    """All files as one archive where that is small, else the path to take them from."""
    if n_bytes > MAX_DOWNLOAD_BYTES:
        st.caption(f"{theme.byte_size(n_bytes)}: too large to download in the browser. Copy it from this folder:")
        st.code(str(folder), language=None)
        return
    st.download_button(
        f"Download, {theme.byte_size(n_bytes)}", lambda: _archive(folder), file_name=f"{folder.name}.zip",
        mime="application/zip", icon=":material/download:", key=key, on_click="ignore",
    )  # fmt: skip


def _archive(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                archive.write(path, path.relative_to(folder.parent).as_posix())
    return buffer.getvalue()
