"""Unknown fields become columns of one type."""

import pyarrow as pa

from lobass_core.exporting.columns import Columns


def _columns(*rows: dict, reserved: frozenset[str] = frozenset()) -> Columns:
    columns = Columns(reserved)
    for row in rows:
        columns.see(row)
    return columns


def test_one_type_stays_and_whole_numbers_widen():
    columns = _columns({"n": 1, "x": 1, "ok": True}, {"n": 2, "x": 0.5, "ok": None})
    assert columns.kinds == {"n": "int", "x": "float", "ok": "bool"}
    assert columns.of({"n": 1, "x": 1, "ok": None}) == {"n": 1, "x": 1.0, "ok": None}
    assert isinstance(columns.of({"x": 1})["x"], float)


def test_mixed_types_become_text_and_text_stays_as_it_is():
    columns = _columns({"id": 7}, {"id": "a-7"}, {"id": [1, {"k": "ü"}]})
    assert [columns.of({"id": value})["id"] for value in (7, "a-7", [1, {"k": "ü"}])] == ["7", "a-7", '[1, {"k": "ü"}]']


def test_true_is_not_a_number():
    assert _columns({"v": True}, {"v": 1}).of({"v": True}) == {"v": "true"}


def test_numbers_beyond_int64_become_text():
    assert _columns({"v": 2**64}).of({"v": 2**64}) == {"v": "18446744073709551616"}


def test_reserved_names_are_written_under_another_name():
    columns = _columns({"labels": 1, "source": "x", "source_labels": "y"}, reserved=frozenset(["labels"]))
    assert columns.of({"labels": 1, "source": "x", "source_labels": "y"}) == {
        "source_source_labels": 1,
        "source": "x",
        "source_labels": "y",
    }
    assert columns.renamed == {"labels": "source_source_labels"}


def test_a_json_file_has_a_column_for_fields_of_every_row_and_one_text_for_the_others():
    rows = [{"id": 1, "tag": "a", "on": "2024-05-01"}, {"id": 2, "n": 0.5, "on": "2024-05-02"}]
    columns = _columns(*rows)
    assert [columns.json_of(row) for row in rows] == [
        {"id": 1, "metadata": '{"tag": "a", "on": "2024-05-01"}'},
        {"id": 2, "metadata": '{"on": "2024-05-02", "n": 0.5}'},
    ]
    assert columns.json_of({}) == {"metadata": "{}"}
    assert _columns({"id": 1}).json_of({"id": 1}) == {"id": 1}


def test_a_field_called_metadata_gives_way_to_nothing():
    rows = [{"metadata": "own", "x": 1}, {"metadata": "own"}]
    assert [_columns(*rows).json_of(row) for row in rows] == [
        {"metadata": "own", "source_metadata": '{"x": 1}'},
        {"metadata": "own", "source_metadata": "{}"},
    ]


def test_numbers_that_json_has_no_word_for_are_written_as_text():
    rows: list[dict] = [{"x": float("nan")}, {"x": 1.0}, {"x": [float("inf")]}]
    columns = _columns(*rows[:2])
    assert columns.json_of(rows[0]) == {"metadata": '{"x": "nan"}'}
    assert _columns(*rows).of(rows[2]) == {"x": '["inf"]'}


def test_arrow_types_hold_what_of_gives():
    columns = _columns({"a": 1, "b": 0.5, "c": True, "d": None, "e": [1]})
    schema = pa.schema(columns.arrow_fields())
    assert [str(kind) for kind in schema.types] == ["int64", "double", "bool", "string", "string"]
    row = columns.of({"a": 1, "b": 0.5, "c": True, "d": None, "e": [1]})
    assert pa.Table.from_pylist([row], schema=schema).to_pylist() == [row]
