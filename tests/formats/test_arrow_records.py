"""Arrow's types as a person would write them; a cell that has no JSON form costs its row and nothing else."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from lobass_core.errors import InputFileError
from lobass_core.formats.raw_records import BadRecord, RawRecord
from lobass_core.formats.read_files import open_records

CASES = Path(__file__).parent / "cases"


def values(path: Path) -> list[dict]:
    return [record.value for record in open_records(path) if isinstance(record, RawRecord)]


def others(name: str) -> list[dict]:
    """The rows without prompt and response."""
    rows = values(CASES / name)
    return [{key: value for key, value in row.items() if key not in ("prompt", "response")} for row in rows]


def test_every_type_has_a_text() -> None:
    assert others("parquet-types/types.parquet") == [
        {
            "when": "2023-11-14 22:13:20.123456789",
            "price": price,
            "score": score,
            "day": "2024-01-02",
            "dur": "0 days 00:00:00.000001500",
            "big": 9223372036854775813,
            "bin": "\\xff\0a",
            "time": "00:00:00",
            "half": half,
        }
        for price, score, half in (("1.10", 1.0, 1.5), ("2.25", None, 2.5), (None, None, 3.5))
    ]
    assert others("arrow/more_types.parquet")[0] == {
        "f": "1234",
        "d256": "1.00",
        "nulls": None,
        "mi": "0:00:00.000001",
        "dict": "x",
        "emptystruct": {},
    }


@pytest.mark.parametrize(
    ("name", "when"),
    [
        ("arrow/tz_+0200.parquet", "2023-11-15 00:13:20+02:00"),
        ("arrow/tz_Europe_Paris.parquet", "2023-11-14 23:13:20+01:00"),
        ("arrow/tz_UTC.parquet", "2023-11-14 22:13:20+00:00"),
        ("arrow/tz_Mars_Olympus.parquet", "2023-11-14 22:13:20.000000Z"),
        ("parquet-types/far_date.parquet", "26611-03-02"),
        ("parquet-types/far_timestamp.parquet", "12677465-05-27 15:06:40"),
    ],
)
def test_points_in_time(name: str, when: str) -> None:
    assert others(name)[0] == {"when": when}


def test_far_dates_at_any_depth(tmp_path: Path) -> None:
    days = pa.array([3_000_000, 1, None], pa.int32()).cast(pa.date32())
    table = pa.table(
        {
            "text": ["a", "b", "c"],
            "day": days,
            "ns": pa.array([0, 1_500_000_000, None], pa.int64()).cast(pa.timestamp("ns")),
            "nested": pa.StructArray.from_arrays([days], ["d"]),
            "list": pa.ListArray.from_arrays([0, 1, 2, 3], days),
        }
    )
    path = tmp_path / "a.parquet"
    pq.write_table(table, path)
    rows = values(path)
    assert [row["day"] for row in rows] == ["10183-09-21", "1970-01-02", None]
    assert [row["nested"] for row in rows] == [{"d": "10183-09-21"}, {"d": "1970-01-02"}, {}]
    assert [row["list"] for row in rows] == [["10183-09-21"], ["1970-01-02"], [None]]
    assert [row["ns"] for row in rows] == ["1970-01-01 00:00:00", "1970-01-01 00:00:01.500000", None]


def test_maps_become_objects() -> None:
    assert others("parquet-map/meta_map.parquet")[0] == {"meta": {"src": "web", "lang": "en"}}


def test_a_map_with_a_key_twice_costs_its_row(tmp_path: Path) -> None:
    kind = pa.map_(pa.string(), pa.int64())
    table = pa.table({"text": ["a", "b"], "m": pa.array([[("k", 1), ("k", 2)], [("k", 1)]], kind)})
    path = tmp_path / "a.parquet"
    pq.write_table(table, path)
    bad, good = open_records(path)
    assert isinstance(bad, BadRecord)
    assert (bad.row_index, bad.reason) == (0, "the column 'm' contains a map with a duplicate key")
    assert isinstance(good, RawRecord)
    assert good.value == {"text": "b", "m": {"k": 1}}


def test_text_that_is_not_utf8_shows_its_bytes_in_the_reject() -> None:
    [bad] = [
        record for record in open_records(CASES / "parquet-types/invalid_utf8.parquet") if isinstance(record, BadRecord)
    ]
    assert json.loads(bad.source_text)["prompt"] == "ok\\xff\\xfebad"
    assert json.loads(bad.source_text)["response"] == "Eight legs."


def test_padding_of_arrow_is_taken_out() -> None:
    first, second = values(CASES / "arrow/null_padded_tools.parquet")
    assert first["tools"] == [{"name": "area", "parameters": {"properties": {"side": {"type": "number"}}}}]
    assert second["messages"][1] == {
        "role": "assistant",
        "tool_calls": [{"function": {"name": "city", "arguments": {"name": "Rome"}}}],
    }


def test_stored_pictures_do_not_become_text() -> None:
    assert [row["image"] for row in others("images/hub_image.parquet")] == [{"bytes": "11 bytes", "path": "a.png"}] * 2


@pytest.mark.parametrize("kind", ["file", "stream", "feather", "lz4"])
def test_arrow_files_and_streams(tmp_path: Path, kind: str) -> None:
    table = pa.table({"prompt": [f"p{n}" for n in range(3000)], "response": [f"r{n}" for n in range(3000)]})
    path = tmp_path / "a.arrow"
    if kind in ("feather", "lz4"):
        pyarrow.feather.write_feather(table, str(path), compression="lz4" if kind == "lz4" else "uncompressed")
    else:
        new = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
        with new(str(path), table.schema) as writer:
            writer.write_table(table, max_chunksize=700)
    stream = open_records(path)
    assert (stream.container, stream.n_rows) == ("arrow", 3000)
    assert [record.value for record in stream] == table.to_pylist()  # type: ignore[union-attr]
    assert stream.n_read == stream.n_bytes
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputFileError, match="cannot be read"):
        list(open_records(path))


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    table = pa.table([["a"], ["b"]], names=["text", "text"])
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(InputFileError, match="the table has two columns named 'text'"):
        open_records(path)


def test_buffers_that_contradict_each_other_do_not_end_the_process(tmp_path: Path) -> None:
    good = pa.array(["one", "two", "three"])
    offsets = pa.py_buffer(pa.array([0, 9, 2, 11], pa.int32()).buffers()[1].to_pybytes())
    torn = pa.Array.from_buffers(pa.string(), 3, [None, offsets, good.buffers()[2]])
    path = tmp_path / "a.arrow"
    batch = pa.RecordBatch.from_arrays([torn], ["text"])
    with pa.ipc.new_file(str(path), batch.schema) as writer:
        writer.write_batch(batch)
    with pytest.raises(InputFileError, match="the Arrow file cannot be read"):
        list(open_records(path))


def test_text_that_is_not_utf8_in_an_arrow_file_costs_its_row(tmp_path: Path) -> None:
    buffers = pa.array([b"one", b"t\xff", b"three"]).buffers()
    column = pa.Array.from_buffers(pa.string(), 3, buffers)
    path = tmp_path / "a.arrow"
    batch = pa.RecordBatch.from_arrays([column], ["text"])
    with pa.ipc.new_file(str(path), batch.schema) as writer:
        writer.write_batch(batch)
    found = list(open_records(path))
    assert [isinstance(record, BadRecord) for record in found] == [False, True, False]


def test_a_schema_with_a_damaged_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    with pa.ipc.new_stream(str(path), pa.schema([("column", pa.string())])) as writer:
        writer.write_table(pa.table({"column": ["a"]}))
    path.write_bytes(path.read_bytes().replace(b"column", b"col\xc4mn"))
    with pytest.raises(InputFileError, match="the Arrow stream cannot be read"):
        open_records(path)
