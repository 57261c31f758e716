"""What the page reads of a file, cached until the file, the settings or the store change."""

import json
from dataclasses import replace

import streamlit as st

from lobass_core.project import Project
from lobass_core.specs import ImportSpec
from lobass_core.workflows import import_data as workflow

# Rows are read in windows, so that stepping through a file does not read it from its start at every step.
WINDOW_ROWS = 100


def _stamp(spec: ImportSpec) -> tuple[tuple[str, int, int], ...]:
    """What tells that a file has changed, for each of the files."""
    paths = [file.path for file in workflow.files_of(spec).files]
    return tuple((str(path), (status := path.stat()).st_mtime_ns, status.st_size) for path in paths)


def scan(project: Project | None, spec: ImportSpec, revision: str) -> workflow.FileScan:
    """The file in numbers; see `workflow.scan`. Without a project nothing counts as seen before."""
    return _scan(project, _key(spec), _stamp(spec), revision)


def window(spec: ImportSpec, row: int) -> workflow.Preview:
    """The file's facts, and the rows of the window that `row` lies in."""
    return _window(_key(spec), _stamp(spec), row // WINDOW_ROWS * WINDOW_ROWS, WINDOW_ROWS)


def rows(spec: ImportSpec, start: int, stop: int) -> list[workflow.PreviewRow]:
    """Rows `start` to `stop`, which may lie in two windows."""
    between: list[workflow.PreviewRow] = []
    for at in range(max(start, 0) // WINDOW_ROWS * WINDOW_ROWS, stop, WINDOW_ROWS):
        between += [row for row in window(spec, at).rows if start <= row.row_index < stop]
    return between


def _key(spec: ImportSpec) -> str:
    # A name changes nothing of what is read.
    return json.dumps(replace(spec, name="").to_dict(), sort_keys=True)


def _spec(key: str) -> ImportSpec:
    return ImportSpec.from_dict(json.loads(key))


@st.cache_data(max_entries=16, show_spinner="Reading the file")
def _scan(_project: Project | None, key: str, stamped: tuple, revision: str) -> workflow.FileScan:
    return workflow.scan(_project, _spec(key))


@st.cache_data(max_entries=32, show_spinner=False)
def _window(key: str, stamped: tuple, start: int, n_rows: int) -> workflow.Preview:
    return workflow.preview(None, _spec(key), limit=n_rows, at=start)
