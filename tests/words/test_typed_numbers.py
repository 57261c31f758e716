"""Numbers as people type them: the same table for the program and for the cut instrument in the browser."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from lobass_core.words.typed_numbers import NotANumber, read_number
from pages.components import cut_instrument

WHOLE = {"whole": True, "least": 0}
RATIO = {"in_percent": True, "above": 0, "most": 100}
READ: list[tuple[str, dict, float]] = [
    ("16,7", RATIO, 16.7),
    ("16.7", RATIO, 16.7),
    ("6 %", RATIO, 6),
    ("6 %", {}, 0.06),
    ("16,7%", {}, 0.167),
    ("0.5%", {"least": 0}, 0.005),
    ("1,234", RATIO, 1.234),
    ("0,5", {}, 0.5),
    (",5", {}, 0.5),
    (".5", {}, 0.5),
    ("5.", {}, 5),
    ("0,500", {}, 0.5),
    ("1.234", {}, 1.234),
    ("1.234,5", {}, 1234.5),
    ("1,234.5", {}, 1234.5),
    ("1,234,567", {}, 1234567),
    ("1.234.567", {}, 1234567),
    ("1 234,5", {}, 1234.5),
    ("1\u202f234\u202f567", WHOLE, 1234567),
    ("1'234.5", {}, 1234.5),
    ("60,000", WHOLE, 60000),
    ("60.000", WHOLE, 60000),
    ("60.0", WHOLE, 60),
    ("13.7M", WHOLE, 13_700_000),
    ("13,7 m", WHOLE, 13_700_000),
    ("1.234M", WHOLE, 1_234_000),
    ("12k", {}, 12_000),
    ("≥ 0.65", {}, 0.65),
    ("−0.2", {}, -0.2),
    ("-1,5", {}, -1.5),
    ("2e-5", {}, 2e-5),
]
REFUSED: list[tuple[str, dict, str]] = [
    ("", {}, "not a number"),
    ("abc", {}, "not a number"),
    ("5 apples", {}, "not a number"),
    (",", {}, "not a number"),
    ("1,2,3", {}, "not a number"),
    ("12,34.5", {}, "not a number"),
    ("4,56,789", {}, "not a number"),
    ("12 34", {}, "not a number"),
    ("1e400", {}, "not a number"),
    ("nan", {}, "not a number"),
    ("1,234", {}, "1,234 can mean 1.234 or 1234"),
    ("1,5", WHOLE, "not a whole number"),
    ("100 %", WHOLE, "must be a whole number, not a share"),
    ("-1", WHOLE, "must be 0 or more"),
    ("167", RATIO, "must be above 0 and at most 100"),
    ("0", RATIO, "must be above 0 and at most 100"),
    ("21", {"whole": True, "least": 1, "most": 20}, "must be 1 to 20"),
    ("3", {"most": 2}, "must be 2 or less"),
]


@pytest.mark.parametrize(("text", "limits", "number"), READ, ids=[f"{k}-{row[0]!a}" for k, row in enumerate(READ)])
def test_both_separators_are_read(text: str, limits: dict, number: float) -> None:
    assert read_number(text, **limits) == number


@pytest.mark.parametrize(("text", "limits", "words"), REFUSED, ids=[f"{k}-{row[0]!a}" for k, row in enumerate(REFUSED)])
def test_what_is_no_number_says_why(text: str, limits: dict, words: str) -> None:
    with pytest.raises(NotANumber) as error:
        read_number(text, **limits)
    assert str(error.value) == words


def test_the_instrument_reads_the_same() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine: the instrument's fields are typed into in the browser tests alone")
    script = Path(cut_instrument.__file__).with_name("format.js").read_text(encoding="utf-8") + (
        'const given = JSON.parse(require("fs").readFileSync(0, "utf8"))\n'
        "console.log(JSON.stringify(given.map(([text, limits]) => readNumber(text, limits))))"
    )
    names = {"in_percent": "inPercent"}
    asked = [
        (text, {names.get(name, name): limit for name, limit in limits.items()})
        for text, limits, _ in (*READ, *REFUSED)
    ]
    done = subprocess.run([node, "-e", script], input=json.dumps(asked), capture_output=True, text=True, check=True)
    wanted = [{"value": number} for _, _, number in READ] + [{"wrong": words} for _, _, words in REFUSED]
    assert json.loads(done.stdout) == wanted
