"""Samples as rows of one fixed Arrow type: `messages`, or `prompt`, `chosen` and `rejected`, or `text`."""

from typing import Any

import pyarrow as pa

from lobass_core.exporting.survey import Survey
from lobass_core.exporting.trainer_rows import MessageStyle, trl_row
from lobass_core.records import REASONING_KEYS, Sample, SampleKind

_CALL = pa.struct(
    [
        ("id", pa.string()),
        ("type", pa.string()),
        ("function", pa.struct([("name", pa.string()), ("arguments", pa.string())])),
    ]
)
CHAT_COLUMNS: dict[SampleKind, tuple[str, ...]] = {
    "chat": ("messages",),
    "preference": ("prompt", "chosen", "rejected"),
    "text": ("text",),
}


def sample_schema(found: Survey, kind: SampleKind, *, with_input: bool = False) -> pa.Schema:
    """The columns of one kind: its turns, the tools as JSON text if any sample has some, and its unknown fields.

    `with_input` keeps Alpaca's input as a key of its turn beside the content that holds it.
    """
    if kind == "text":
        fields = [pa.field("text", pa.string())]
    else:
        turns = pa.list_(_message_type(found, with_input))
        fields = [pa.field(name, turns) for name in CHAT_COLUMNS[kind]]
        if found.has_tools:
            fields.append(pa.field("tools", pa.string()))
    return pa.schema([*fields, *found.row_columns[kind].arrow_fields()])


def _message_type(found: Survey, with_input: bool) -> pa.StructType:
    types = {
        "name": pa.string(),
        "tool_calls": pa.list_(_CALL) if found.plain_calls else pa.string(),
        "tool_call_id": pa.string(),
        "weight": pa.float64(),
        "input": pa.string(),
        **dict.fromkeys(REASONING_KEYS, pa.string()),
    }
    keys = found.turn_keys if with_input else found.turn_keys - {"input"}
    return pa.struct(
        [
            pa.field("role", pa.string()),
            pa.field("content", pa.string()),
            *(pa.field(key, kind) for key, kind in types.items() if key in keys),
            *found.turn_columns.arrow_fields(),
        ]
    )


def arrow_record(sample: Sample, extra: dict, found: Survey, *, with_input: bool = False) -> dict[str, Any]:
    """One row for `sample_schema`."""
    style = MessageStyle(found.turn_columns, with_input=with_input, calls_as_text=not found.plain_calls)
    return trl_row(sample, style) | found.row_columns[sample.kind].of(extra)
