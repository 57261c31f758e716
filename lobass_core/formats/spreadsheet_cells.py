"""Cells of the CSV files that people open in a spreadsheet: text from data must not run there."""

import re
from typing import Any

# What makes a spreadsheet run a cell as a formula (OWASP, "CSV injection"); an apostrophe before it makes it text.
# A text that has apostrophes there already gets one more, so that taking one away gives every text back.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


def harmless_cell(value: Any) -> Any:
    """The cell with an apostrophe before a text that a spreadsheet would run; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def plain_cell(value: Any) -> Any:
    """The text of a cell that `harmless_cell` wrote."""
    return value[1:] if isinstance(value, str) and _GUARDED.match(value) else value
