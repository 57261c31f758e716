"""Names of the files that hold original records."""

import pytest

from lobass_core.exporting.plan import SourceFile
from lobass_core.exporting.source_layout import FieldTypes, file_names


def _source(file_name: str, container: str) -> SourceFile:
    return SourceFile("d", file_name, "0" * 64, 1, 0, "messages", {}, container, "utf-8")


@pytest.mark.parametrize(
    ("file_name", "container", "name"),
    [
        ("train.jsonl", "jsonl", "train.jsonl"),
        ("train.jsonl.gz", "jsonl", "train.jsonl"),
        ("train.json.zst", "json", "train.json"),
        ("Train.JSON", "json", "Train.JSON"),
        ("rows.ndjson", "jsonl", "rows.ndjson"),
        ("lines.json", "jsonl", "lines.jsonl"),
        ("download", "csv", "download.csv"),
        ("数据.tsv", "tsv", "数据.tsv"),
        ("a/b.jsonl", "jsonl", "a_b.jsonl"),
        ("..", "jsonl", "records.jsonl"),
        (".hidden.csv", "csv", "hidden.csv"),
    ],
)
def test_names(file_name, container, name):
    assert file_names([_source(file_name, container)]) == [name]


def test_equal_names_are_told_apart():
    sources = [_source("train.json", "json"), _source("Train.json", "json"), _source("train.json", "json")]
    assert file_names(sources) == ["train.json", "Train-2.json", "train-3.json"]


def test_fields_of_several_types_are_named():
    """The records go out as they came; who cannot open them is told beforehand."""
    records = ['{"id": 1, "m": [{"v": "a"}], "x": null}', '{"id": "1", "m": [{"v": 2.0}], "x": 0.5}', '{"id": 2}']
    types = FieldTypes()
    assert list(types.seen(records)) == records
    assert types.notes("d") == [
        "records of d contain values of several types in id, m[].v: `datasets` before 4.8 cannot open them"
    ]
    same = FieldTypes()
    list(same.seen(['{"id": 1}', '{"id": 2.5, "y": []}']))
    assert same.notes("d") == []
