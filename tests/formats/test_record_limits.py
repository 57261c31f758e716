"""A record, a container and a file that unpack to more than may be held: set aside or refused, by line and reason."""

import json
import os
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import zstandard

from lobass_core.errors import InputFileError, RequestError
from lobass_core.formats.read_files import BadRecord, open_records
from lobass_core.formats.record_limits import ReadLimits, read_limits
from lobass_core.specs import ImportSpec
from lobass_core.workflows.preview_import import preview

LIMITS = ReadLimits(record_bytes=1000)
LONG = json.dumps({"prompt": "x" * 1500, "response": "y"})
GOOD = json.dumps({"prompt": "a", "response": "b"})
TOO_LONG = "is longer than 1,000 bytes, the limit for one record (--max-record-mb)"


def read(path: Path, limits: ReadLimits = LIMITS) -> list[tuple[int, int, str]]:
    """Row, line and reason of each record; "" for a good one."""
    records = open_records(path, limits=limits)
    return [(r.row_index, r.line, r.reason if isinstance(r, BadRecord) else "") for r in records]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("lines.jsonl", "{0}\n{1}\n{0}\n", (1, 2, 3)),
        ("array.json", "[{0},\n{1},\n{0}]", (1, 2, 3)),
        ("sequence.json", "{0}\n\n{1}\n\n{0}", (1, 3, 5)),
        ("object.json", '{{"data": [\n{0},\n{1},\n{0}]}}', (2, 3, 4)),
        ("members.json", '{{"a": {0},\n"b": {1},\n"c": {0}}}', (1, 2, 3)),
    ],
)
def test_json_goes_on_after_a_record_that_is_too_long(
    tmp_path: Path, name: str, text: str, lines: tuple[int, int, int]
) -> None:
    found = read(write(tmp_path, name, text.format(GOOD, LONG)))

    assert found == [(0, lines[0], ""), (1, lines[1], TOO_LONG), (2, lines[2], "")]


@pytest.mark.parametrize("name", ["lines.jsonl", "array.json"])
def test_a_record_many_times_too_long_is_left_out_without_being_held(tmp_path: Path, name: str) -> None:
    huge = json.dumps({"prompt": 'x{"prompt": ' * 400_000, "response": "y"})
    text = f"{GOOD}\n{huge}\n{GOOD}\n" if name.endswith("l") else f"[{GOOD},\n{huge},\n{GOOD}]"

    records = list(open_records(write(tmp_path, name, text), limits=LIMITS))

    assert [(r.row_index, r.line, isinstance(r, BadRecord)) for r in records] == [
        (0, 1, False),
        (1, 2, True),
        (2, 3, False),
    ]
    assert len(records[1].source_text) <= 1_000_000


def test_a_length_counts_the_bytes_of_utf8(tmp_path: Path) -> None:
    row = json.dumps({"prompt": "試" * 320, "response": "y"}, ensure_ascii=False)

    assert [reason for _, _, reason in read(write(tmp_path, "a.jsonl", f"{GOOD}\n{row}\n"))] == ["", ""]
    longer = row.replace("試", "試試", 20)
    assert [reason for _, _, reason in read(write(tmp_path, "b.jsonl", f"{GOOD}\n{longer}\n"))] == ["", TOO_LONG]


@pytest.mark.parametrize("row", ['"' + "x" * 1500 + '",b', '"open' + "\nx,y" * 400])
def test_a_csv_row_that_is_too_long_stops_the_file_by_line(tmp_path: Path, row: str) -> None:
    path = write(tmp_path, "a.csv", f"prompt,response\na,b\n{row}\nc,d\n")

    with pytest.raises(InputFileError, match=r"the row that begins here is longer than 1,000 bytes.*a\.csv, line 3"):
        read(path)


def test_arrow_rows_that_are_too_long_are_set_aside(tmp_path: Path) -> None:
    table = pa.table({"prompt": ["a", "x" * 1500, "b", "x" * 9000], "response": ["c", "d", "e", "f"]})
    pq.write_table(table, tmp_path / "a.parquet")
    pa.feather.write_feather(table, tmp_path / "a.feather")

    for name in ("a.parquet", "a.feather"):
        assert [reason for _, _, reason in read(tmp_path / name)] == ["", TOO_LONG, "", TOO_LONG], name


@pytest.mark.parametrize("name", ["a.parquet", "a.feather", "a.arrows", "a.json"])
def test_what_must_be_held_at_once_has_a_limit(tmp_path: Path, name: str) -> None:
    texts = ["x" * 20_000] * 3
    table = pa.table({"prompt": texts, "response": texts})
    if name == "a.parquet":
        pq.write_table(table, tmp_path / name, compression="zstd", use_dictionary=False)
    elif name == "a.feather":
        pa.feather.write_feather(table, tmp_path / name, compression="zstd")
    elif name == "a.arrows":
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_stream(tmp_path / name, table.schema, options=options) as writer:
            writer.write_table(table)
    else:
        write(tmp_path, name, json.dumps({"data": table.to_pylist()}))

    with pytest.raises(InputFileError, match=r"larger than 15\.6 KB, and would have to be held in memory at once"):
        read(tmp_path / name)
    assert len(read(tmp_path / name, ReadLimits())) == 3


@pytest.mark.slow
def test_a_long_text_of_a_dictionary_is_not_multiplied_in_memory(tmp_path: Path) -> None:
    """1,000 rows that share a text of 1 MB: a few kilobytes of file, a gigabyte when they are read together."""
    prompts = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), pa.array(["x" * (1 << 20)]))
    table = pa.table({"prompt": prompts, "response": ["y"] * 1000})
    pq.write_table(table, tmp_path / "a.parquet", dictionary_pagesize_limit=1 << 30, compression="zstd")
    before = pa.total_allocated_bytes()

    with pytest.raises(InputFileError, match=r"decompress to 2\d\d\.\d MB or more, over 200 times as much"):
        for _ in open_records(tmp_path / "a.parquet"):
            assert pa.total_allocated_bytes() - before < 600 << 20


def test_a_table_of_nothing_but_nulls_has_a_number_of_rows_that_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"prompt": pa.nulls(4_000_000, pa.string())}), tmp_path / "a.parquet")

    with pytest.raises(InputFileError, match="claims to have 4,000,000 rows in"):
        open_records(tmp_path / "a.parquet")


def deflated(n_mb: int) -> bytes:
    """A gzip file with one long JSON string; blocks between full flushes can be repeated as they are."""
    start, block, end = (zlib.compressobj(9, zlib.DEFLATED, -15) for _ in range(3))
    head = start.compress(b'{"prompt": "') + start.flush(zlib.Z_FULL_FLUSH)
    body = block.compress(b"a" * (1 << 20)) + block.flush(zlib.Z_FULL_FLUSH)
    tail = end.compress(b'", "response": "b"}\n') + end.flush()
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + head + body * n_mb + tail + bytes(8)


def zstd_frames(n_mb: int) -> bytes:
    pack = zstandard.ZstdCompressor().compress
    return pack(b'{"prompt": "') + pack(b"a" * (16 << 20)) * (n_mb // 16) + pack(b'", "response": "b"}\n')


@pytest.mark.slow
@pytest.mark.parametrize(("name", "pack"), [("a.jsonl.gz", deflated), ("a.jsonl.zst", zstd_frames)])
def test_a_bomb_is_refused_before_it_fills_memory(tmp_path: Path, name: str, pack) -> None:
    """2 GB, previewed by a process that measures its own peak."""
    (tmp_path / name).write_bytes(pack(2048))
    code = """
import resource, sys
from lobass_core.errors import InputFileError
from lobass_core.specs import ImportSpec
from lobass_core.workflows.preview_import import preview
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    preview(None, ImportSpec(path=sys.argv[1], domain="x"))
except InputFileError as error:
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10, error)
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path / name], capture_output=True, text=True, check=True)
    peak_mb, _, message = done.stdout.partition(" ")

    assert "decompress to 256" in message
    assert "decompress it first" in message
    assert int(peak_mb) < 300


def test_zstd_with_a_large_window_says_so(tmp_path: Path) -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=28, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    (tmp_path / "a.jsonl.zst").write_bytes(packer.compress(GOOD.encode()) + packer.flush())

    with pytest.raises(InputFileError, match=r"compressed by zstd with a window larger than 128 MB.*zstd -d --long=31"):
        open_records(tmp_path / "a.jsonl.zst")


def test_damaged_packing_is_not_called_blank(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"\xff" * 30)

    with pytest.raises(InputFileError, match="the file cannot be decompressed: the compressed data is damaged"):
        open_records(tmp_path / "a.jsonl.gz")


def test_a_preview_looks_at_no_more_of_a_long_file_than_it_needs(tmp_path: Path) -> None:
    """A file of 40 GB, of which all but the first rows are a hole."""
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        file.write((GOOD + "\n").encode() * 3000)
        os.truncate(file.fileno(), 40 << 30)
    started = time.monotonic()

    found = preview(None, ImportSpec(path=str(path), domain="x"))

    assert [row.line for row in found.rows] == [1, 2, 3, 4, 5, 6, 7]
    assert found.encoding_reason == "valid UTF-8 in the first 64 MB"
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", "2048", "٣"])
def test_a_limit_in_the_environment_is_a_number_of_megabytes(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("LOBASS_MAX_RECORD_MB", text)

    with pytest.raises(RequestError, match="LOBASS_MAX_RECORD_MB is"):
        read_limits()
    assert read_limits(3).record_bytes == 3 << 20
    monkeypatch.setenv("LOBASS_MAX_RECORD_MB", "5")
    assert read_limits().record_bytes == 5 << 20


def test_an_object_with_a_row_on_each_line_is_read_as_one_object(tmp_path: Path) -> None:
    path = write(tmp_path, "a.json", f'{{"data": [\n{GOOD},\n{GOOD}\n]}}')

    assert read(path) == [(0, 2, ""), (1, 3, "")]


def test_a_header_of_many_columns_takes_linear_time(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(100_000)]
    names[7] = "prompt"
    path = write(tmp_path, "a.csv", ",".join(names) + "\n" + ",".join(names) + "\n")
    started = time.monotonic()

    (row,) = open_records(path)

    assert row.value["prompt"] == "prompt"
    assert time.monotonic() - started < 8  # 100,000 comparisons for each name took minutes
