"""Nulls that a table filled in are no part of a tool or of a call; nulls that were meant stay."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lobass_core.formats import FORMATS
from lobass_core.formats.tool_padding import without_null_keys
from lobass_core.records import Sample
from lobass_core.specs import ImportSpec
from lobass_core.workflows.import_data import read_sample


def row(name: str, parameter: str, kind: str, value: object) -> dict:
    call = {"type": "function", "function": {"name": name, "arguments": {parameter: value}}}
    return {
        "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": None, "tool_calls": [call]}],
        "tools": [{"name": name, "parameters": {"properties": {parameter: {"type": kind}}}}],
    }


ROWS = [row("area", "side", "number", 3), row("city", "name", "string", "Rome")]


def parse(values: dict) -> Sample:
    return FORMATS["messages"].parse(values, {}).sample


def test_a_table_and_its_json_lines_give_the_samples_of_the_rows(tmp_path: Path):
    table = pa.Table.from_pylist(ROWS)
    padded = table.to_pylist()
    assert padded[1]["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"side": None, "name": "Rome"}
    assert padded[1]["tools"][0]["parameters"]["properties"] == {"side": None, "name": {"type": "string"}}
    pq.write_table(table, tmp_path / "rows.parquet")
    lines = "".join(json.dumps(values) + "\n" for values in padded)
    (tmp_path / "rows.jsonl").write_text(lines, encoding="utf-8")
    wanted = [parse(values) for values in ROWS]
    assert json.loads(json.loads(wanted[1].turns[1].tool_calls)[0]["function"]["arguments"]) == {"name": "Rome"}
    for name in ("rows.parquet", "rows.jsonl"):
        spec = ImportSpec(path=str(tmp_path / name), domain="tools")
        assert [read_sample(spec, place) for place in range(2)] == wanted


def test_nulls_that_were_meant_stay():
    values = row("area", "side", "number", None)
    assert parse(values).turns[1].tool_calls is not None
    assert '\\"side\\": null' in parse(values).turns[1].tool_calls
    schema = {"type": "object", "properties": {"a": {"default": None, "enum": [None, 1], "description": None}}}
    assert without_null_keys(schema) == {"type": "object", "properties": {"a": {"default": None, "enum": [None, 1]}}}
    # Without its parameters a tool cannot tell which argument is padding.
    values["tools"] = [{"name": "area"}]
    assert '\\"side\\": null' in parse(values).turns[1].tool_calls


def test_keys_of_a_call_that_say_nothing_go():
    values = row("area", "side", "number", 3)
    call = values["messages"][1]["tool_calls"][0]
    plain = parse(values)
    call["id"], call["index"], call["function"]["description"] = None, None, None
    assert parse(values) == plain


def test_both_sides_of_a_pair_lose_their_padding():
    asked, called = row("city", "name", "string", "Rome")["messages"]
    padded = json.loads(json.dumps(called))
    padded["tool_calls"][0]["function"]["arguments"]["side"] = None
    tools = ROWS[1]["tools"]
    rejected = [{"role": "assistant", "content": "no"}]
    one, other = (
        FORMATS["preference"]
        .parse({"prompt": [asked], "chosen": [said], "rejected": rejected, "tools": tools}, {})
        .sample
        for said in (called, padded)
    )
    assert one == other
    one, other = (
        FORMATS["prompt-completion"].parse({"prompt": [asked], "completion": [said], "tools": tools}, {}).sample
        for said in (called, padded)
    )
    assert one == other
