"""The import of scores that is being set up, as the spec that page and command line share."""

from collections.abc import Mapping

import streamlit as st

from lobass_core.specs import ScoreFileSpec
from lobass_core.workflows.import_scores import FileColumns

NAME, KEY, KEY_COLUMN, COLUMN = "scores.name", "scores.key", "scores.key_column", "scores.column"
DATASET, UNIT, HIGHER, IF_NAMED = "scores.dataset", "scores.unit", "scores.higher", "scores.if_named"
# What an import did: path, result.
RESULT = "scores.result"
# `settle` gives these their first values again.
OF_THE_FILE = (NAME, KEY, KEY_COLUMN, COLUMN, RESULT)

BY_SAMPLE, BY_ROW, BY_COLUMN = "Sample id", "Row", "A column"
ALL_DATASETS = "Named in the file"
BETTER, WORSE = "better", "worse"
REPLACE, ADD = "Replace", "Add values"
FIRST_VALUES = {DATASET: ALL_DATASETS, UNIT: "", HIGHER: BETTER, IF_NAMED: None}
# Columns that name records of published data sets.
_ID_COLUMNS = ("id", "_id", "uid", "uuid", "guid", "key")


def usual_key(columns: FileColumns) -> str:
    """How the lines of a file with these columns name their rows, as far as it can be told from the columns."""
    if "sample_id" in columns.columns:
        return BY_SAMPLE
    has_place = not {"row_index", "row"}.isdisjoint(columns.columns)
    return BY_COLUMN if not has_place and _id_column(columns) else BY_ROW


def usual_column(columns: FileColumns) -> str:
    """The column that holds the values, as far as it can be told; "" without any number."""
    key = _id_column(columns)
    return next((name for name in columns.numeric if name != key), "")


def _id_column(columns: FileColumns) -> str:
    return next((name for name in _ID_COLUMNS if name in columns.columns), "")


def settle(columns: FileColumns) -> None:
    """Give what the file itself tells to widgets that nobody has touched."""
    session = st.session_state
    session.setdefault(KEY, usual_key(columns))
    session.setdefault(HIGHER, BETTER)
    if not session.get(COLUMN):
        session[COLUMN] = usual_column(columns) or None
    if not session.get(KEY_COLUMN):
        session[KEY_COLUMN] = _id_column(columns) or None
    if NAME not in session:
        session[NAME] = str(session[COLUMN] or "").rpartition(".")[2]


def spec(path: str, files: Mapping[str, str]) -> ScoreFileSpec | None:
    """What is set up; None while a name, a key or a column is missing. `files` are the chosen split, config, revision.

    Raises:
        RequestError: a setting that no import can have.
    """
    session = st.session_state
    how, key_column = session.get(KEY), session.get(KEY_COLUMN) or ""
    key = {BY_SAMPLE: "sample-id", BY_ROW: "row"}.get(how or "", key_column)
    name, column = (session.get(NAME) or "").strip(), session.get(COLUMN) or ""
    if not (name and key and column):
        return None
    dataset = session.get(DATASET) or ""
    return ScoreFileSpec(
        path, name, key, "" if dataset == ALL_DATASETS else dataset, column, (session.get(UNIT) or "").strip(),
        higher_is_better=session.get(HIGHER) != WORSE,
        if_named={REPLACE: "replace", ADD: "add"}.get(session.get(IF_NAMED) or "", "refuse"),  # type: ignore[arg-type]
        **files,
    )  # fmt: skip
