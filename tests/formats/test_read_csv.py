"""CSV and other tables of text: dialects, headers, quotes."""

import json
from pathlib import Path

import pytest

from lobass_core.errors import InputFileError
from lobass_core.formats.read_files import RawRecord, open_records
from tests.formats.reading import reasons, values, write


def test_csv_rows(tmp_path: Path) -> None:
    text = '\ufeffprompt,completion\n"two\nlines, ""quoted""",4\nonly one\n\na,b,c\nx\u2028y,z\n'
    path = write(tmp_path, "a.csv", text)
    good = [record for record in open_records(path) if isinstance(record, RawRecord)]
    assert [record.value for record in good] == [
        {"prompt": 'two\nlines, "quoted"', "completion": "4"},
        {"prompt": "x\u2028y", "completion": "z"},
    ]
    assert [(record.row_index, record.line) for record in good] == [(0, 2), (3, 7)]
    assert json.loads(good[0].source_text) == good[0].value
    assert reasons(path) == [
        (1, 4, "has 1 cell, but the header has 2"),
        (2, 6, "has 3 cells, but the header has 2"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.tsv", "prompt,completion\na,b\nc,d\n", [["a", "b"], ["c", "d"]]),
        ("a.csv", "text\nHello, you\nBye, me\n", [["Hello, you"], ["Bye, me"]]),
        ("a.csv", "text\nHello, you; all\nBye\n", [["Hello, you; all"], ["Bye"]]),
        ("a.csv", 'prompt;completion\n"a;b, c";d, e\nf;g\n', [["a;b, c", "d, e"], ["f", "g"]]),
        ("a.csv", "prompt,completion\na,b\n" + "\0" * 40 + "\n", [["a", "b"]]),
        ("a.csv", "\n\nprompt,completion\na,b\n", [["a", "b"]]),
        ("a.csv", 'sep=|\n"prompt"|completion\na|"b\\"c"\n', [["a", 'b"c']]),
        ("a.csv", ",prompt,,completion,\n0,a,x,b,\n1,c,y,d,\n", [["0", "a", "x", "b"], ["1", "c", "y", "d"]]),
        ("a.json", "prompt;completion\na;b\n", [["a", "b"]]),
    ],
)
def test_csv_dialects(tmp_path: Path, name: str, text: str, expected: list) -> None:
    assert [list(row.values()) for row in values(write(tmp_path, name, text))] == expected


def test_csv_columns_without_a_name(tmp_path: Path) -> None:
    text = ",prompt,,completion,\n0,a,x,b,\n" + "1,a,x,b,\n" * 300 + "2,a,x,b,late\n"
    path = write(tmp_path, "a.csv", text)
    assert list(values(path)[0]) == ["", "prompt", "Unnamed: 2", "completion"]
    assert reasons(path) == [(301, 303, "a cell is in a column without a name")]


def test_csv_backslashes_are_kept_where_quotes_are_doubled(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", 'prompt,completion\n"C:\\","say ""x"" \\n"\n"a\\b",c\n')
    assert values(path) == [
        {"prompt": "C:\\", "completion": 'say "x" \\n'},
        {"prompt": "a\\b", "completion": "c"},
    ]
    path = write(tmp_path, "b.csv", 'prompt,completion\n"a \\"b\\", c","d\\n \\\\"\n')
    assert values(path) == [{"prompt": 'a "b", c', "completion": "d\\n \\\\"}]


def test_csv_with_an_open_quote(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", 'prompt,completion\na,b\n"never closed,c\nd,e\n')
    assert values(path) == [{"prompt": "a", "completion": "b"}]
    assert reasons(path) == [(1, 3, "a quoted cell that opens here is never closed; lines read as its text: 1")]


def test_csv_header_must_name_its_columns_once(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="has two columns named 'a'"):
        values(write(tmp_path, "a.csv", "a,a\n1,2\n"))
