"""ShareGPT: `conversations`, a list of {from, value}; system prompt and tools may stand beside it."""

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from lobass_core.formats.messages import parse_turns
from lobass_core.formats.record_format import ParsedSample, RecordFormat
from lobass_core.formats.row_errors import RowError
from lobass_core.formats.turns import compact, message_of
from lobass_core.records import Sample, Turn

SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}


def parse(row: dict[str, Any], mapping: Mapping[str, str]) -> ParsedSample:
    """A ShareGPT row as a chat; it may begin with the assistant and end with anyone."""
    return parse_turns(row, mapping.get("conversations", "conversations"), mapping)


def build(sample: Sample, extra: Mapping[str, Any]) -> dict[str, Any]:
    """A chat as a ShareGPT row; tool calls become `function_call` turns, tools JSON text."""
    if sample.kind != "chat":
        raise RowError(f"a {sample.kind} sample is not a conversation")
    row: dict[str, Any] = {"conversations": [_spoken(turn) for turn in sample.turns]}
    if sample.tools:
        row["tools"] = sample.tools
    return row | {key: value for key, value in extra.items() if key not in row}


def _spoken(turn: Turn) -> dict[str, Any]:
    message = message_of(turn)
    rest = {key: value for key, value in message.items() if key not in ("role", "content", "tool_calls")}
    if turn.tool_calls is None:
        return {"from": SPEAKERS.get(turn.role, turn.role), "value": turn.content, **rest}
    if turn.content:
        raise RowError("a turn has both text and tool calls; ShareGPT can hold only one of them")
    calls = [_flat_call(call) for call in json.loads(turn.tool_calls)]
    return {"from": "function_call", "value": compact(calls[0] if len(calls) == 1 else calls), **rest}


def _flat_call(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function", {})
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        with contextlib.suppress(ValueError):
            arguments = json.loads(arguments)
    others = {key: value for key, value in call.items() if key not in ("function", "type")}
    return {**function, "arguments": arguments, **others}


FORMAT = RecordFormat(
    "sharegpt",
    "ShareGPT",
    ("conversations", "system", "tools"),
    ("conversations",),
    parse,
    build,
    {"messages": "conversations", "conversation": "conversations"},
)
