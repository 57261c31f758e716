"""Files of every container, packing and encoding give their records, and what is broken is set aside with a reason."""

import gzip
import json
import pickle
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from lobass_core.errors import InputFileError, RequestError
from lobass_core.formats.raw_records import decode_line, json_text
from lobass_core.formats.read_files import RawRecord, file_sha256, open_records
from tests.formats.reading import ROWS, lines_of, reasons, values, write


@pytest.mark.parametrize(
    ("name", "text", "container", "layout"),
    [
        ("a.jsonl", lines_of(ROWS), "jsonl", "lines"),
        ("a.json", lines_of(ROWS), "jsonl", "lines"),
        ("a.txt", lines_of(ROWS), "jsonl", "lines"),
        ("a.json", json.dumps(ROWS), "json", "array"),
        ("a.jsonl", json.dumps(ROWS, indent=2), "json", "array"),
        ("a.json", json.dumps({"version": 1, "data": ROWS, "note": "end"}), "json", "object"),
        ("a.json", "".join(json.dumps(row, indent=2) + "\n" for row in ROWS), "json", "sequence"),
        ("a.csv", "prompt,completion\n2+2?,4\nGröße 猫,ok\n", "csv", "table"),
        ("a.csv", "prompt;completion\n2+2?;4\nGröße 猫;ok\n", "csv", "table"),
        ("a.tsv", "prompt\tcompletion\r\n2+2?\t4\r\nGröße 猫\tok\r\n", "tsv", "table"),
    ],
)
def test_containers(tmp_path: Path, name: str, text: str, container: str, layout: str) -> None:
    path = write(tmp_path, name, text)
    stream = open_records(path)
    assert (stream.container, stream.layout) == (container, layout)
    assert values(path) == ROWS
    # A stream can be read again, and counts from 0.
    assert [record.row_index for record in stream] == [record.row_index for record in stream] == [0, 1]


@pytest.mark.parametrize(
    ("codec", "name"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"),
     ("utf-16-be", "utf-16-be"), ("utf-32", "utf-32"), ("gb18030", "gb18030")],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_encodings(tmp_path: Path, codec: str, name: str, ending: str) -> None:
    rows = [{"prompt": "请解释牛顿第一定律", "completion": "物体保持静止或匀速直线运动"}, *ROWS]
    path = write(tmp_path, "a.jsonl", lines_of(rows, ending).encode(codec))
    assert open_records(path).encoding.name == name
    assert values(path) == rows


def test_windows_1252(tmp_path: Path) -> None:
    rows = [{"prompt": "Où est le café “Zoë”?", "completion": "À côté – 5 €"}]
    path = write(tmp_path, "a.jsonl", lines_of(rows).encode("cp1252"))
    assert open_records(path).encoding.name == "cp1252"
    assert values(path) == rows
    assert values(path, "latin-1")[0]["prompt"].startswith("Où est le café")


def test_one_broken_line_does_not_change_the_encoding(tmp_path: Path) -> None:
    good = '{"prompt": "é", "completion": "ü"}\n'.encode()
    path = write(tmp_path, "a.jsonl", good * 3 + b'{"prompt": "\xff\xfe", "completion": "x"}\n' + good)
    assert open_records(path).encoding.name == "utf-8"
    assert len(values(path)) == 4
    assert reasons(path) == [(3, 4, "contains bytes that are not valid in the file's encoding")]


def test_a_file_cut_inside_a_character_stays_utf8(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"prompt": "a", "completion": "b"}\n{"prompt": "猫'.encode()[:-1])
    assert open_records(path).encoding.name == "utf-8"
    assert len(values(path)) == 1
    assert len(reasons(path)) == 1


def test_only_newlines_end_a_line(tmp_path: Path) -> None:
    row = {"prompt": "a\u2028b\u2029c\u0085d\u000be\u000cf", "completion": "x\u001ey"}
    path = write(
        tmp_path, "a.jsonl", '\n  \n{"prompt": "a\u2028b\u2029c\u0085d\u000be\u000cf", "completion": "x\u001ey"}\r\n'
    )
    records = list(open_records(path))
    assert [(r.row_index, r.line, r.value) for r in records if isinstance(r, RawRecord)] == [(0, 3, row)]


def test_source_text_is_the_untouched_slice(tmp_path: Path) -> None:
    first, second = '{"prompt":  "\\u00e9" , "n": 1.50,"x":NaN}', '{ "prompt": "b" }'
    for name, text in (("a.json", f"[\n {first},\n {second}\n]"), ("a.jsonl", f"{first}\r\n{second}\r\n")):
        records = list(open_records(write(tmp_path, name, text)))
        assert [record.source_text for record in records] == [first, second]
        assert records[0].value == {"prompt": "é", "n": 1.5, "x": None}  # type: ignore[union-attr]
    assert [record.line for record in records] == [1, 2]


def test_packed_files(tmp_path: Path) -> None:
    text = lines_of(ROWS).encode()
    packed = {"a.jsonl.gz": gzip.compress(text), "a.jsonl.zst": zstandard.compress(text)}
    packed["b.jsonl.gz"] = gzip.compress(text[: len(text) // 2]) + gzip.compress(text[len(text) // 2 :])
    packed["b.jsonl.zst"] = zstandard.compress(text[:20]) + zstandard.compress(text[20:])
    for name, data in packed.items():
        path = write(tmp_path, name, data)
        assert open_records(path).compression == ("gzip" if name.endswith("gz") else "zstd")
        assert values(path) == ROWS


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_torn_packed_file_keeps_what_came_before(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    import random

    numbers = random.Random(0)
    rows = [{"prompt": str(numbers.random()), "completion": str(numbers.random())} for _ in range(20_000)]
    data = pack(lines_of(rows).encode())
    path = write(tmp_path, "a.jsonl.gz", data[: len(data) * 2 // 3])
    read = values(path)
    assert 5_000 < len(read) < 19_999
    assert read == rows[: len(read)]
    assert reasons(path)[-1][2] == "the compressed file ends early: rows after this one are missing"


def test_long_lines_and_deep_nesting(tmp_path: Path) -> None:
    long = {"prompt": "x" * 2_500_000, "completion": "y"}
    deep = '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"
    path = write(tmp_path, "a.jsonl", lines_of([long]) + deep + "\n" + lines_of(ROWS))
    assert values(path) == [long, *ROWS]
    assert reasons(path) == [(1, 2, "nested too deeply to be a conversation")]
    array = write(tmp_path, "b.json", json.dumps([long, *ROWS]))
    assert values(array) == [long, *ROWS]


def test_duplicate_keys_are_not_settled_in_silence(tmp_path: Path) -> None:
    text = '{"a": 1, "a": 2}\n{"a": 1, "a": 1}\n{"b": [{"c": 1, "c": 2}]}\n'
    path = write(tmp_path, "a.jsonl", text)
    assert values(path) == [{"a": 1}]
    assert [reason for _, _, reason in reasons(path)] == [
        "the key 'a' occurs twice with different values",
        "the key 'c' occurs twice with different values",
    ]


def test_truncated_last_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", lines_of(ROWS) + '{"prompt": "half a que')
    assert values(path) == ROWS
    assert reasons(path) == [(2, 3, "the file ends in the middle of this record")]


@pytest.mark.parametrize(
    "cut", ['{"prompt": "half', '{"prompt": ', '{"prompt": "a", "n": 12', '{"prompt": "a", "n": tr']
)
def test_truncated_array_keeps_the_rows_before(tmp_path: Path, cut: str) -> None:
    path = write(tmp_path, "a.json", json.dumps(ROWS, indent=2)[:-2] + ",\n  " + cut)
    assert values(path) == ROWS
    assert reasons(path) == [(2, 10, "the file ends in the middle of this record")]


def test_unclosed_array(tmp_path: Path) -> None:
    path = write(tmp_path, "a.json", json.dumps(ROWS)[:-1])
    assert values(path) == ROWS
    assert reasons(path) == [(2, 1, "the file ends before its array is closed: the rows after this one are missing")]


@pytest.mark.parametrize("indent", [None, 2])
def test_broken_element_in_an_array(tmp_path: Path, indent: int | None) -> None:
    rows = [
        {"id": str(n), "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}
        for n in "0123"
    ]
    text = json.dumps(rows, indent=indent)
    at = text.index('"gpt"', text.index('"id": "1"'))
    path = write(tmp_path, "a.json", text[:at] + "gpt" + text[at + 5 :])
    assert values(path) == [rows[0], rows[2], rows[3]]
    [(row_index, _, reason)] = reasons(path)
    assert row_index == 1
    assert reason.startswith("not valid JSON: expecting value (character ")


def test_a_line_that_ends_in_a_string_says_so_in_a_whole_sentence(tmp_path: Path):
    path = write(
        tmp_path, "a.jsonl", '{"prompt": "p", "response": "r"}\n{"prompt": "A bear\n{"prompt": "q", "response": "s"}\n'
    )
    assert [reason for _, _, reason in reasons(path)] == [
        "not valid JSON: unterminated string (character 12 of the record)"
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_unpaired_surrogates_are_replaced_and_the_source_is_kept(tmp_path: Path, name: str) -> None:
    rows = [
        (
            '{"prompt": "cut \\ud83d", "completion": "tab\there"}',
            {"prompt": "cut \ufffd", "completion": "tab\there"},
            True,
        ),
        ('{"prompt": "\\uD83D\\uDE00", "completion": "whole"}', {"prompt": "😀", "completion": "whole"}, False),
        ('{"prompt": "low \\ude00 half", "k\\udc00": 1}', {"prompt": "low \ufffd half", "k\ufffd": 1}, True),
        ('{"prompt": "C:\\\\ud83d", "completion": "a path"}', {"prompt": "C:\\ud83d", "completion": "a path"}, False),
    ]
    text = "\n".join(source for source, *_ in rows)
    path = write(tmp_path, name, text if name.endswith("l") else f"[{text.replace(chr(10), ',')}]")
    found = [(record.source_text, record.value, record.mended) for record in open_records(path)]  # type: ignore[union-attr]
    assert found == rows
    assert [decode_line(source) for source, *_ in rows] == [value for _, value, _ in rows]


def test_keys_that_become_equal_are_not_settled_in_silence(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"\\ud83d": 1, "\\ud83e": 2}\n{"a": 1}\n')
    assert reasons(path) == [(0, 1, "two keys are equal once their unpaired surrogates are replaced")]


def test_json_lines_that_are_no_records(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"a": 1}\nnot json\n{"a": 2} trailing\n{}\n')
    assert values(path) == [{"a": 1}, {}]
    assert [(row, line) for row, line, _ in reasons(path)] == [(1, 2), (2, 3)]


def test_numbers_keep_their_spelling(tmp_path: Path) -> None:
    digits = "9" * 6000
    path = write(tmp_path, "a.jsonl", f'{{"a": 3.10, "b": 1e3, "c": {digits}, "d": 1e999, "e": [-0.50, 7]}}\n')
    [row] = values(path)
    assert [str(row[key]) for key in "abcd"] == ["3.10", "1e3", digits, "1e999"]
    assert (row["a"], row["b"], row["e"]) == (3.1, 1000.0, [-0.5, 7])
    assert json_text(row) == f'{{"a": 3.10, "b": 1e3, "c": "{digits}", "d": "1e999", "e": [-0.50, 7]}}'
    assert json.loads(json.dumps(row))["a"] == 3.1
    again = pickle.loads(pickle.dumps(row["a"]))
    assert (again, str(again)) == (3.1, "3.10")


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    rows = [
        {"messages": [{"role": "user", "content": "a", "name": None}], "score": float("nan")},
        {"messages": [{"role": "user", "content": "b", "name": "x"}], "score": 1.5},
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert values(path) == [
        {"messages": [{"role": "user", "content": "a"}], "score": None},
        {"messages": [{"role": "user", "content": "b", "name": "x"}], "score": 1.5},
    ]
    stream = open_records(path)
    assert [(record.row_index, record.line) for record in stream] == [(0, 1), (1, 2)]
    assert stream.n_read == stream.n_bytes == path.stat().st_size
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputFileError, match="Parquet file cannot be read"):
        open_records(path)


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("a.jsonl", b"", "the file is empty"),
        ("a.jsonl", b" \n\r\n", "only white space"),
        ("a.txt", b"First Citizen:\nBefore we", 'begins with "First Citizen:"'),
        ("a.jsonl", b"<html>\n<body>", "a web page, not data"),
        ("a.jsonl", b"\xef\xbb\xbf\n<!doctype HTML>", "a web page, not data"),
        ("a.json", b"<?xml version='1.0'?>", "an XML document"),
        ("a.jsonl", b"\x80\x04\x95", "a Python pickle"),
        ("a.jsonl", b"PK\x03\x04zip", "a ZIP archive"),
        ("a.json", b"42", 'begins with "42"'),
        ("a.parquet.gz", gzip.compress(b"PAR1\x15\x04\x15", mtime=0), "a compressed Parquet or Arrow file"),
    ],
)
def test_what_is_no_file_of_rows(tmp_path: Path, name: str, data: bytes, what: str) -> None:
    path = write(tmp_path, name, data)
    with pytest.raises(InputFileError, match=what) as caught:
        open_records(path)
    assert caught.value.where == str(path)
    assert caught.value.do


def test_missing_file_folder_and_unknown_encoding(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="does not exist"):
        open_records(tmp_path / "no.json")
    with pytest.raises(InputFileError, match="is a folder"):
        open_records(tmp_path)
    path = write(tmp_path, "a.jsonl", lines_of(ROWS))
    with pytest.raises(RequestError, match="unknown encoding 'klingon'"):
        open_records(path, "klingon")


@pytest.mark.slow
def test_a_stream_reads_in_pieces(tmp_path: Path) -> None:
    """After the first of 200,000 rows, most of the file has not been read."""
    for name, text in (
        ("a.jsonl", '{"prompt": "aaaaaaaaaaaaaaaaaaaa", "completion": "b"}\n' * 200_000),
        ("a.json", "[" + ",".join(['{"prompt": "aaaaaaaaaaaaaaaaaaaa", "completion": "b"}'] * 200_000) + "]"),
    ):
        stream = open_records(write(tmp_path, name, text))
        records = iter(stream)
        next(records)
        assert 0 < stream.n_read < stream.n_bytes / 4
        assert sum(1 for _ in records) == 199_999
        assert stream.n_read == stream.n_bytes


def test_file_sha256(tmp_path: Path) -> None:
    assert (
        file_sha256(write(tmp_path, "a", b"abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
