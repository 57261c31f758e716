"""The "Save" popover of a chart: its picture as PNG or SVG, its numbers as CSV."""

import csv
import io
from collections.abc import Iterable, Sequence

import streamlit as st

from lobass_core.formats.spreadsheet_cells import harmless_cell
from pages.components.charts import Picture

KEY = "picture-format"


def picture() -> Picture:
    """The kind of file that the camera above a chart saves."""
    return st.session_state.get(KEY, "png")


def popover(
    name: str,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    has_picture: bool = True,
    key: str = "learnability",
) -> None:
    """Draw the button; `key` names the page. `rows` are read when the person asks for them, without the store."""
    with st.popover("Save", icon=":material/save_alt:", help="Save the chart or its numbers"):
        if has_picture:
            st.segmented_control(
                "Picture", ("png", "svg"), key=KEY, default="png", format_func=str.upper, required=True,
                help="The format that the camera button above the chart saves.",
            )  # fmt: skip
            st.caption("To save the picture, use the camera above the chart.")
        st.download_button(
            "Numbers as CSV",
            lambda: csv_text(header, rows),
            file_name=f"{name}.csv",
            mime="text/csv",
            icon=":material/table:",
            key=f"{key}.csv-{name}",
            on_click="ignore",
        )


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Comma-separated, with every digit of the numbers; a name that a spreadsheet would run as a formula is quoted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def _cell(value: object) -> object:
    return "" if value is None else harmless_cell(value)
