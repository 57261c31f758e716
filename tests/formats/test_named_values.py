"""Keys that compare between files."""

import pytest

from lobass_core.formats.named_values import key_text


@pytest.mark.parametrize(
    ("value", "key"),
    [
        *((value, "17") for value in (17, 17.0, "17", " 17 ", "17.0")),
        *((value, "") for value in (0.5, True, None, [17], {"id": 17}, " ")),
        *((text, text) for text in ("1.50", "v1.0", "01.0", "1.00", "0x17", "-3")),
        ("-3.0", "-3"),
    ],
    ids=repr,
)
def test_whole_numbers_are_one_key_however_they_are_written(value: object, key: str):
    assert key_text(value) == key
