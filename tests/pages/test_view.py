"""The read-only view: what Python hands to the browser, and what it refuses."""

import json

import numpy as np
import pytest

from pages.components import parts
from pages.components.view import el


def test_element_keeps_order_and_leaves_none_out() -> None:
    assert el("p", "a", None, el("b", "c"), cls="muted", on="go", domain=3, aria_label="x") == (
        "p",
        {"class": "muted", "on": "go", "domain": 3, "aria-label": "x"},
        ["a", ("b", {}, ["c"])],
    )


@pytest.mark.parametrize("tag", ["script", "iframe", "img", "style", "a", "form", "foreignObject"])
def test_tags_outside_the_list_are_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="not one that a view draws"):
        el(tag, "x")


@pytest.mark.parametrize("attribute", ["onclick", "href", "src", "srcdoc", "innerHTML"])
def test_attributes_outside_the_list_are_refused(attribute: str) -> None:
    with pytest.raises(ValueError, match="not one that a view sets"):
        el("div", **{attribute: "x"})


def test_styles_are_sizes_only() -> None:
    assert el("div", style={"width": "3px"})[1] == {"style": {"width": "3px"}}
    with pytest.raises(ValueError, match="background"):
        el("div", style={"background": "url(//host)"})


def test_numpy_numbers_become_plain() -> None:
    node = el("td", "x", colspan=np.int64(2), width=np.float64(1.5))
    assert json.dumps(node) == '["td", {"colspan": 2, "width": 1.5}, ["x"]]'
    assert [type(value) for value in node[1].values()] == [int, float]


def test_control_and_format_characters_are_boxed() -> None:
    boxed = [node[2][0] if isinstance(node, tuple) else node for node in parts.visible("a\x00b\u202ec\n\td\u200be")]
    assert boxed == ["a", "U+0000", "b", "U+202E", "c\n\td", "U+200B", "e"]
    # CR LF ends a line; a CR alone is shown.
    assert [node[2][0] if isinstance(node, tuple) else node for node in parts.visible("a\r\nb\r")] == [
        "a\r\nb",
        "U+000D",
    ]


def test_table_has_one_click_id_a_row() -> None:
    table = parts.table([parts.Column("n", 40, numeric=True)], [["1"], ["2"]], on=["r1", "r2"], current=1)
    body = table[2][2]
    assert [row[1] for row in body[2]] == [{"on": "r1"}, {"class": "current", "on": "r2"}]
    with pytest.raises(ValueError):
        parts.table([parts.Column("n")], [["1", "2"]])


def test_a_column_without_a_name_has_no_head_to_read_out() -> None:
    table = parts.table([parts.Column("Rows"), parts.Column("", 40)], [["1", "2"]])
    assert [cell[0] for cell in table[2][1][2][0][2]] == ["th", "td"]


def test_bar_stays_within_its_track() -> None:
    widths = [parts.bar(share)[2][0][1]["style"]["width"] for share in (-0.2, 0.0, 0.4567, 1.0, 7.0)]
    assert widths == ["0.00%", "0.00%", "45.67%", "100.00%", "100.00%"]


def test_spark_needs_two_numbers() -> None:
    assert parts.spark([1.0]) is None
    assert parts.spark([1.0, float("nan")]) is None
    drawn = parts.spark([0.0, 2.0])
    # From the floor to 80 % of the height: a quarter of head room.
    assert drawn is not None and drawn[2][1][1]["d"] == "M0.00,30.00L100.00,6.00"


def test_a_key_number_that_is_not_known_has_no_unit() -> None:
    numbers = [parts.KeyNumber("Tokens", "–", unit="/s"), parts.KeyNumber("Samples", "3.1", unit="/s")]
    assert json.dumps(parts.key_numbers(numbers)).count('"/s"') == 1
