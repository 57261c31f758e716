"""The Arrow types of a file's rows: turns with the keys that occur, unknown fields in columns of one type."""

from collections.abc import Mapping
from typing import Literal

import pyarrow as pa

from lobass_core.exporting.survey import Survey
from lobass_core.exporting.trainer_rows import MessageStyle
from lobass_core.records import REASONING_KEYS, SampleKind

# What a column of a row holds: a list of turns, one turn, or a text.
Shape = Literal["turns", "turn", "text"]

CHAT_SHAPES: dict[SampleKind, dict[str, Shape]] = {
    "chat": {"messages": "turns"},
    "preference": {"prompt": "turns", "chosen": "turns", "rejected": "turns"},
    "text": {"text": "text"},
}
TARGET_SHAPE: dict[str, Shape] = {"prompt": "turns", "completion": "turns"}


def row_schema(survey: Survey, kind: SampleKind, shapes: Mapping[str, Shape], style: MessageStyle) -> pa.Schema:
    """The columns of one kind: those of `shapes`, tools as JSON text if any row has some, and its unknown fields."""
    message = _message_type(survey, style)
    types = {"turns": pa.list_(message), "turn": message, "text": pa.string()}
    fields = [pa.field(name, types[shape]) for name, shape in shapes.items()]
    if survey.n_with_tools[kind]:
        fields.append(pa.field("tools", pa.string()))
    return pa.schema([*fields, *survey.columns_of(kind).arrow_fields()])


def _message_type(survey: Survey, style: MessageStyle) -> pa.StructType:
    types = {
        "name": pa.string(),
        "tool_calls": pa.string() if style.calls_as_text else pa.list_(_call_type(survey)),
        "tool_call_id": pa.string(),
        "weight": pa.float64(),
        "input": pa.string(),
        **dict.fromkeys(REASONING_KEYS, pa.string()),
    }
    fields = [
        pa.field("role", pa.string()),
        pa.field("content", pa.string()),
        *(pa.field(key, kind) for key, kind in types.items() if key in survey.turn_keys),
    ]
    if style.with_instruction and "input" in survey.turn_keys:
        fields.append(pa.field("instruction", pa.string()))
    if style.with_training:
        fields.append(pa.field("training", pa.bool_()))
    return pa.struct([*fields, *survey.turn_columns.arrow_fields()])


def _call_type(survey: Survey) -> pa.StructType:
    function = pa.struct([(key, pa.string()) for key in survey.function_keys])
    return pa.struct([("id", pa.string()), ("type", pa.string()), ("function", function)])
