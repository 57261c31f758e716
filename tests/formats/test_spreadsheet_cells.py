"""What a spreadsheet would run is written as text, and every text comes back."""

import pytest

from lobass_core.formats.spreadsheet_cells import harmless_cell, plain_cell


@pytest.mark.parametrize(
    ("text", "written"),
    [
        *((f"{sign}1+1", f"'{sign}1+1") for sign in "=+-@\t\r"),
        ("'=a", "''=a"),
        ("''=a", "'''=a"),
        ("'a", "'a"),
        ("a=b", "a=b"),
        ("", ""),
    ],
    ids=repr,
)
def test_a_guarded_text_comes_back(text: str, written: str):
    assert harmless_cell(text) == written
    assert plain_cell(written) == text


def test_numbers_stay_numbers():
    assert harmless_cell(-1.5) == plain_cell(-1.5) == -1.5
