"""Each file of `cases/` gives exactly the rows and sentences that stand here; a file without an entry is an error."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lobass_core.errors import LobassError
from lobass_core.specs import ImportSpec
from lobass_core.workflows.source_file import ReadRow, SourceFile

CASES = Path(__file__).parent / "cases"

Said = tuple[tuple[str, str], ...]  # (role, content) of each turn
LEMON, PLANET, SPIDER = (
    ("What colour is a ripe lemon?", "Yellow."),
    ("Name a planet with rings.", "Saturn has bright rings."),
    ("How many legs has a spider?", "Eight legs."),
)
THREE = (LEMON, PLANET, SPIDER)


@dataclass(frozen=True)
class Gives:
    """Rows as (user, assistant), or as a tuple of (role, content); rejected rows by their index."""

    rows: tuple = THREE
    rejected: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """The file is refused: what, where after the path, and the beginning of what to do."""

    what: str
    where: str = ""
    do: str = ""


def text(content: str) -> Said:
    return (("assistant", content),)


def said(*turns: str) -> Said:
    """Turns of user and assistant in turn; a name before a colon says another role."""
    roles = ("user", "assistant")
    pairs = [
        turn.split(": ", 1)
        if turn.startswith(("system: ", "tool: ", "user: ", "assistant: "))
        else (roles[i % 2], turn)
        for i, turn in enumerate(turns)
    ]
    return tuple((role, content) for role, content in pairs)


NO_NAME = "Give every column a unique name in the first line, or use --skip-lines N if other lines are above it."
QUOTE = "a quoted cell contains a quote that is not doubled"
OPEN = "a quoted cell that opens here is never closed"
RETURN = "a cell without quotes contains a carriage return"
PYTHON = "the file contains Python literals, not JSON: its strings are in single quotes"
LFS = "the file is a Git LFS pointer, not the data itself"
ONE_IMAGE = "has 1 image besides its text; only text is read"

CSV = {
    "backslash_escaped.csv": Gives((('Say "hi" to me', 'He said "hi", then left'), ("b", "c"))),
    "conversations_numpy_repr_cell.csv": Gives(),
    "cr_only.csv": Gives(),
    "csv_named_txt.txt": Gives(),
    "embedded_newlines.csv": Gives(
        (("Write two lines.\nPlease.", 'First "line"\nSecond, line\n\nafter blank'), ("a,b", "c"))
    ),
    "empty_cells_nan.csv": Gives(
        (text("a2"), ("q3", "NaN"), ("q4", "null"), ("q5", "NA")), {0: "the response is an empty cell"}
    ),
    "excel_semicolon_cp1252.csv": Gives(
        (
            ("Wie heißt die Hauptstadt von Österreich?", "Wien; früher auch Vindobona"),
            ("Was kostet ein Ei?", "Etwa 0,30 €"),
        )
    ),
    "excel_trailing_empty_columns.csv": Gives(),
    "formula.csv": Gives((("=1+1", '=HYPERLINK("http://x")'), ("+5", "-5"), ("007", "1e5"), ("TRUE", "00123"))),
    "header_bad_quote.csv": Refused(f"the header line cannot be read: {QUOTE}", ", line 1", NO_NAME),
    "header_only.csv": Refused("the table has a header but no rows"),
    # The blanks stand in the file: a table has no other way to say that a text begins with one.
    "header_spaces.csv": Gives(tuple((question, f" {answer}") for question, answer in THREE)),
    "header_unclosed_quote.csv": Refused(f"the header line cannot be read: {OPEN}", ", line 1", NO_NAME),
    "lone_cr_in_header.csv": Refused(f"the header line cannot be read: {RETURN}", ", line 1", NO_NAME),
    "lone_cr_in_row.csv": Gives((("q2", "a2"),), {0: RETURN}),
    "messages_json_cell.csv": Gives(),
    "messages_repr_cell.csv": Gives(),
    "nul_in_cell.csv": Gives((("q\0a", "b"), ("c", "d"))),
    "one_column.csv": Gives(tuple(text(answer) for _, answer in THREE)),
    "pandas_index.csv": Gives(),
    "pandas_two_index.csv": Gives(),
    "pipe.csv": Gives(),
    "semicolon.csv": Gives(),
    "semicolon_comma_in_header.csv": Gives(),
    "sep_line.csv": Gives(),
    "stray_quotes.csv": Gives((("plain", "ok"),), {0: QUOTE}),
    "title_line.csv": Refused("2 lines are above the header", ", line 3", "Use --skip-lines 2."),
    "trailing_comma_rows.csv": Gives(),
    "unclosed.csv": Refused(f"none of its records can be read: {OPEN}; lines read as its text: 2", ", line 2"),
    "utf16_tab.csv": Gives(),
}
JSON_SHAPES = {
    **dict.fromkeys(
        (
            "array_lines_trailing_comma.json", "blank_first.jsonl", "bom.jsonl", "column_oriented.json",
            "concatenated.json", "concatenated_arrays.json", "cr_only.jsonl", "data_wrapper.json",
            "double_encoded.jsonl", "hub_rows_api.json", "json_in_txt.txt", "jsonl_in_brackets.jsonl",
            "jsonl_of_lists.jsonl", "jsonl_trailing_commas.jsonl", "list_of_lists.json", "list_of_pairs.json",
            "members_by_id.json", "nan.jsonl", "nul_padded.jsonl", "pandas_columns.json", "pandas_split.json",
            "rs_separated.jsonl",
        ),
        Gives(),
    ),
    "comments.json": Refused(
        'the file begins with a comment, "// my data", which JSON does not allow', "", "Remove the comment"
    ),
    "git_lfs.jsonl": Refused(LFS, "", "Get the data with git lfs pull"),
    "git_lfs.parquet": Refused(LFS, "", "Get the data with git lfs pull"),
    "html_error.json": Refused("the file is a web page, not data"),
    "nested_wrapper.json": Gives((*THREE, LEMON)),
    "python_repr.json": Refused(PYTHON, "", "Write it with json.dump"),
    "python_repr.jsonl": Refused(PYTHON, "", "Write it with json.dump"),
    "single_object.json": Gives((LEMON,)),
    "splits.json": Gives((*THREE, LEMON, PLANET, SPIDER)),
}  # fmt: skip
ARROW = {
    **dict.fromkeys(
        ("f.feather", "stream.arrow", "more_types.parquet", "plain.jsonl", "plain.parquet", "tz_+0200.parquet",
         "tz_Europe_Paris.parquet", "tz_Mars_Olympus.parquet", "tz_UTC.parquet"),
        Gives(),
    ),
    "null_padded_tools.parquet": Gives((said("Area?", ""), said("City?", ""))),
}  # fmt: skip
PARQUET = {
    "parquet-map/messages_as_maps.parquet": Gives(),
    "parquet-map/meta_map.parquet": Gives(),
    "parquet-types/dup_columns.parquet": Refused("the table has two columns named 'response'"),
    "parquet-types/dup_meta.parquet": Refused("the table has two columns named 'meta'"),
    "parquet-types/far_date.parquet": Gives(),
    "parquet-types/far_timestamp.parquet": Gives(),
    "parquet-types/invalid_utf8.parquet": Gives(
        (LEMON, PLANET), {2: "the column 'prompt' contains text that is not valid UTF-8"}
    ),
    "parquet-types/string_view.parquet": Gives(),
    "parquet-types/types.parquet": Gives(),
    "sequence-of-dict/messages_struct_of_lists.parquet": Gives(),
    "sequence-of-dict/struct_of_lists.jsonl": Gives(),
    "sequence-of-dict/struct_of_lists.parquet": Gives(),
}
ROWS = {
    "ids/big_numbers.jsonl": Gives((("p1", "r1"), ("p2", "r2"), ("p3", "r3"))),
    "ids/colliding_ids.jsonl": Gives((*((f"p{n}", f"r{n}") for n in range(1, 7)), ("p1", "r1"))),
    "ids/number_texts.jsonl": Gives((("12", "3.10"), ("x", "1e3"), ("y", "true"), ("z", "12345678901234567890123"))),
    "images/alpaca_images.jsonl": Gives((("Describe a pier.", "Long."),), {0: ONE_IMAGE}),
    "images/hub_image.parquet": Gives((), {0: ONE_IMAGE, 1: ONE_IMAGE}),
    "images/llava.jsonl": Gives((("Name a boat.", "Ketch."),), {0: ONE_IMAGE}),
    "images/sharegpt_images.jsonl": Gives(
        (),
        {
            0: ONE_IMAGE,
            1: "has 1 video besides its text; only text is read",
            2: "has 1 audio file besides its text; only text is read",
        },
    ),
    "mixed-types/alpaca_mixed.jsonl": Gives(
        (("Name a bird.", "Heron."), ("Name a fish.", "Pike."), ("Name a tree.", "Elm."))
    ),
    "mixed-types/mixed_content.jsonl": Gives(
        (("Name a bird.", "Heron."), ("Name a bird that swims.", "Grebe."), ("Name a bird.", "Wren."))
    ),
    "mixed-types/mixed_meta.jsonl": Gives(
        (("Name a bird.", "Heron."), ("Name a fish.", "Pike."), ("Name a tree.", "Elm."), ("Name a stone.", "Flint."))
    ),
    "mixed-types/tools_mixed.jsonl": Gives(
        (said("Area?", "", "tool: 9", "9"), said("City?", "", "tool: B", "B"), ("Hi", "Hello"))
    ),
    "mixed-types/weights.jsonl": Gives(
        (said("a", "b", "c", "d"), ("Name a tree.", "Elm."), ("q", "x")), {3: "'conversations' has no turns"}
    ),
    "rejects/rej.jsonl": Gives(
        (("ok", "fine"),),
        {
            0: "turn 2 has the unknown role 'gpt4'",
            2: "turn 1 has the unknown role 'hu\ufffdman'",
            3: "turn 2 has the unknown role 'who,\"x\"'",
        },
    ),
    "roles/odd_roles.jsonl": Gives(
        (
            ("Name a fruit.", "Pear."),
            ("Name a fruit.", "Kiwi."),
            ("Name a fruit.", "Lime."),
            said("assistant: ", "assistant: Done."),
            said("x", "", "tool: 1", "One."),
            said("x", "", "tool: 1", "One."),
            ("mix", "mixed keys"),
        ),
        {
            0: "turn 2 has the unknown role 'gpt4'",
            1: "turn 2 has the unknown role 'gpt-4'",
            5: "turn 1 has the unknown role 'input'",
            6: "turn 2 has the unknown role 'ai'",
            7: "turn 2 has the unknown role 'chatbot'",
            8: "turn 1 has the unknown role '问'",
            9: "turn 2 has the unknown role 'claude'",
            13: "turn 1 has no role",
            14: "turn 1 has no role",
            15: "turn 1 is not an object with role and content",
            17: "turn 1 has the unknown role '0'",
        },
    ),
    "roles/openai_roles.jsonl": Gives(
        (
            said("system: Be short.", "user: Name a sea.", "assistant: Baltic."),
            ("Name a sea.", "Red."),
            said("system: A", "system: B", "user: Name a sea.", "assistant: Kara."),
            said("user: Name", "user: a sea.", "assistant: Laptev.", "assistant: Or White."),
            ("Name a sea.", ""),
            said("Name a sea.", "North.", "One more?"),
            said("assistant: Hello, ask me.", "user: Name a sea.", "assistant: Aral."),
            ("Name a sea, please.", "Tasman."),
            ("Name a sea", "Coral."),
            ("Name a sea", "Black."),
            ("Name", "Banda."),
            ("Name", "Timor."),
            ("Name a sea.", "Arafura."),
            ("Name a sea.", "Arafura."),
            ("Name a sea.", "<think>Hmm</think>\n\nSulu."),
            ("Name a sea.", ""),
            ("Name a sea.", "Scotia."),
        ),
        {
            5: "turn 2 (assistant) has no content",
            9: ONE_IMAGE,
            18: "turn 2 is not an object with role and content",
            19: ONE_IMAGE,
            20: ONE_IMAGE,
        },
    ),
}
EXPECTED: dict[str, Gives | Refused] = {
    **{f"csv/{name}": what for name, what in CSV.items()},
    **{f"json-shapes/{name}": what for name, what in JSON_SHAPES.items()},
    **{f"arrow/{name}": what for name, what in ARROW.items()},
    **PARQUET,
    **ROWS,
}


def read(name: str, **settings: Any) -> list[ReadRow]:
    return list(SourceFile.open(ImportSpec(path=str(CASES / name), domain="d", **settings)).rows())


def turns(row: ReadRow) -> Said:
    assert row.sample is not None
    return tuple((turn.role, turn.content) for turn in row.sample.turns)


def test_every_file_has_an_entry() -> None:
    files = {str(path.relative_to(CASES)) for path in CASES.rglob("*") if path.is_file() and path.parent != CASES}
    assert files == set(EXPECTED)


@pytest.mark.parametrize("name", [name for name, what in EXPECTED.items() if isinstance(what, Gives)])
def test_rows(name: str) -> None:
    what = EXPECTED[name]
    assert isinstance(what, Gives)
    rows = read(name)
    expected = [row if isinstance(row[0], tuple) else said(*row) for row in what.rows]
    assert [turns(row) for row in rows if row.sample] == expected
    assert {row.row_index: row.reason for row in rows if not row.sample} == what.rejected
    assert [row.row_index for row in rows] == list(range(len(rows)))


@pytest.mark.parametrize("name", [name for name, what in EXPECTED.items() if isinstance(what, Refused)])
def test_sentences(name: str) -> None:
    what = EXPECTED[name]
    assert isinstance(what, Refused)
    with pytest.raises(LobassError) as caught:
        read(name)
    assert caught.value.what == what.what
    assert caught.value.where == f"{CASES / name}{what.where}"
    assert caught.value.do.startswith(what.do)
    assert caught.value.do
