"""Reading a sample: exact text in parts, code, Markdown and formulas on request, folds, truncation, both directions."""

import json
import time

import pytest

from pages.components import sample_list
from tests.pages.projects import HOSTILE
from tests.pages.reading_pane import KATEX, drawn, run, words_of

FENCED = "Before\n```python\nprint('<b>1</b>')\n```\n<think>hm, 2</think>\nAfter"
MARKDOWN = """\
# Title
One **two** *three* `four` ~~five~~

- a
  - b
- c

3. d

> said

| x | y |
|---|---|
| 1 | 2 |

---
"""
PROGRAM = "import re\n\ndef f(x):\n    return x\n\n    # still f\n\nprint(f(2))\n"


def kinds(text: str) -> list[tuple[str, str]]:
    parts = run("partsOf(text)", text=text)
    assert "".join(part["text"] for part in parts) == text
    return [(part["kind"], part["text"]) for part in parts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FENCED, ["plain", "fence", "think", "plain"]),
        ("~~~\na\n```\nb\n~~~\nend", ["fence", "plain"]),
        ("```\nnever closed", ["fence"]),
        ("Say ```a``` and go on", ["plain"]),
        (PROGRAM, ["code"]),
        ('{"a": [1, 2]}', ["code"]),
        ("SELECT a\nFROM t\nWHERE x = 1;", ["code"]),
        ("Use this:\n\n#include <a.h>\nint main() {\n}\n\nIt is short.", ["plain", "code", "plain"]),
        ("It has semicolons; it is prose; so be it.\nAnother line of it.", ["plain"]),
        ("1. First\n2. Second\n\n- a\n- b", ["plain"]),
        ("x = \\frac{1}{2}\ny = $z$", ["plain"]),
        ("x = 1\n" + "y = 2 " * 1000, ["plain"]),
        ("a\r\n\r\nb\r\n", ["plain"]),
        ("", []),
    ],
    ids=[
        "fence and thinking", "tildes", "open fence", "inline fence", "program", "json", "sql", "program in prose",
        "prose", "lists", "formulas", "very long line", "crlf", "nothing",
    ],
)  # fmt: skip
def test_parts_of_a_text_are_the_text(text: str, expected: list[str]):
    assert [kind for kind, _ in kinds(text)] == expected


def test_a_row_that_is_code_is_monospaced_and_keeps_every_character():
    (box,) = drawn(PROGRAM)
    assert box == ["div.raw.mono", PROGRAM]


def test_every_paragraph_finds_its_own_direction():
    assert drawn("Hello\nthere\n\nمرحبا\n") == [["div.raw", ["div.para", "Hello\nthere\n\n"], ["div.para", "مرحبا\n"]]]
    directions = run("partNodes({ kind: 'plain', text }, {})[0].childNodes.map((p) => p.dir)", text="a\n\nb")
    assert directions == ["auto", "auto"]


def test_line_ends_of_windows_make_no_noise_and_a_lone_return_does():
    assert drawn("a\r\nb\rc") == [["div.raw", ["div.para", "a\r\nb", ["span.control", "U+000D"], "c"]]]


def test_markdown_is_drawn_as_elements():
    (box,) = drawn(MARKDOWN, formatted=True)
    emphasis = [["strong", "two"], " ", ["em", "three"], " ", ["code.md-code", "four"], " ", ["s", "five"]]
    inner = ["ul", ["li", ["p.md-paragraph", "b"]]]
    head, row = ["tr", ["th", "x"], ["th", "y"]], ["tr", ["td", "1"], ["td", "2"]]
    assert box == [
        "div.formatted",
        ["div.md-heading.md-h1", "Title"],
        ["p.md-paragraph", "One ", *emphasis],
        ["ul", ["li", ["p.md-paragraph", "a"], inner], ["li", ["p.md-paragraph", "c"]]],
        ["ol", ["li", ["p.md-paragraph", "d"]]],
        ["blockquote", ["p.md-paragraph", "said"]],
        ["table.md-table", ["thead", head], ["tbody", row]],
        ["hr"],
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<script>alert(1)</script><img src=x onerror=y>", ["<script>alert(1)</script><img src=x onerror=y>"]),
        ("2 * 3 * 4 and snake_case_name", ["2 * 3 * 4 and snake_case_name"]),
        ("costs $5 and $10", ["costs $5 and $10"]),
        ("\\*not\\* `a*b*c`", ["*not* ", ["code.md-code", "a*b*c"]]),
        ("[x](javascript:alert(1))", [["span.md-link", "x"], " ", ["span.md-address", "javascript:alert(1"], ")"]),
        ("![x](http://e.com/p.png)", [["span.md-link", ["span.tagged", "image"], " x"], " ", ["span.md-address", "http://e.com/p.png"]]),
        ("**open and `open and [open](", ["**open and `open and [open]("]),
        ("a\u202eb", ["a", ["span.control", "U+202E"], "b"]),
    ],
    ids=["html", "no emphasis", "money", "escapes", "link", "image", "never closed", "bidi override"],
)  # fmt: skip
def test_inline_markdown_and_what_only_looks_like_it(text: str, expected: list):
    assert drawn(text, formatted=True) == [["div.formatted", ["p.md-paragraph", *expected]]]


def test_hostile_text_becomes_text_in_either_view():
    for formatted in (False, True):
        outline = drawn(HOSTILE, formatted=formatted)
        flat = json.dumps(outline)
        assert "<script>document.title = 'owned'</script>" in words_of(["", *outline])
        assert '["script' not in flat and '["a' not in flat and '["img' not in flat
        assert "U+202E" in words_of(["", *outline]) and "U+0000" in words_of(["", *outline])


@pytest.mark.parametrize(
    "piece",
    ["a*", "**a ", "[", "$a ", "`", "> ", "$$\n", "- a\n", "- ", "_a"],
    ids=["asterisks", "pairs", "brackets", "dollars", "ticks", "quotes", "blocks", "items", "items in items", "lines"],
)
def test_a_text_made_to_stop_the_browser_is_drawn_at_once(piece: str):
    before = time.monotonic()
    outline = drawn(piece * 20_000 + "a", formatted=True)
    assert time.monotonic() - before < 5
    assert len(words_of(["", *outline])) > 0


def test_formulas_are_drawn_by_the_katex_that_streamlit_serves():
    assert sample_list.katex_file().startswith("katex."), "this Streamlit serves no KaTeX, or under another name"
    script = """await (async () => {
      katex = (await import(path)).default
      return texts.map((text) => textNodes(text, { isFormatted: true }).map(outline))
    })()"""
    texts = ["So $x^2$ it is", "$$\\frac{1}{2}$$", "\\(\\href{http://e.com}{x}\\)", "$\\nosuch$", "$a\u202eb$"]
    inline, block, link, unknown, hidden = run(script, path=KATEX.as_uri(), texts=texts)
    assert inline[0][1][:2] == ["p.md-paragraph", "So "]
    formula = json.dumps(inline)
    assert '["span.formula", ["span.katex", ["math"' in formula and '["msup", ["mi", "x"], ["mn", "2"]]' in formula
    assert '["div.formula.block"' in json.dumps(block) and '["mfrac", ["mn", "1"], ["mn", "2"]]' in json.dumps(block)
    # No address in a text becomes a link, and what cannot be drawn is shown as it is.
    assert link == [["div.formatted", ["p.md-paragraph", ["span.formula.source", "\\(\\href{http://e.com}{x}\\)"]]]]
    assert unknown == [["div.formatted", ["p.md-paragraph", ["span.formula.source", "$\\nosuch$"]]]]
    assert hidden[0][1][1] == ["span.formula.source", "$a", ["span.control", "U+202E"], "b$"]


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("a" * 1500, 1500),
        ("a" * 1501, 1500),
        ("a\n" * 24, 48),
        ("a\n" * 24 + "b", 48),
        ("a\n" * 23 + "b", 47),
        ("a" * 1499 + "😀😀", 1501),
    ],
    ids=["1,500 characters", "1,501 characters", "24 lines", "25 lines", "24 lines, last one open", "surrogate pair"],
)
def test_long_texts_fold_after_1500_characters_or_24_lines(text: str, end: int):
    assert run("foldAt(text)", text=text) == end


def test_a_mark_stands_where_the_models_stopped_reading_and_nothing_is_left_out():
    text = "Read.\n\n```\nx = 1\ny = 2\n```\nNot read."
    at = text.index("y = 2")
    outline = drawn(text, read_to=at)
    assert [node[0] for node in outline] == ["div.raw", "details.code", "div.truncated-here", "div.unread"]
    assert words_of(outline[1][2]) == "```\nx = 1\n"
    assert [words_of(node) for node in outline[3][1:]] == ["code · 2 linesy = 2\n```\n", "Not read."]
    assert "did not read the text below" in words_of(outline[2])
    assert drawn(text, read_to=len(text)) == drawn(text)
