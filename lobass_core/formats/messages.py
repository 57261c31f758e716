"""OpenAI's messages: a list of {role, content} with tool calls, names and weights, and the offered tools beside it."""

import json
from collections.abc import Mapping
from typing import Any

from lobass_core.formats.record_format import ParsedSample, RecordFormat, rest_of
from lobass_core.formats.row_errors import RowError
from lobass_core.formats.tool_padding import without_padding
from lobass_core.formats.turns import (
    check_has_response,
    field_of,
    message_of,
    tools_text,
    turns_of,
    with_system,
)
from lobass_core.records import Sample


def parse_turns(row: dict[str, Any], column: str, mapping: Mapping[str, str]) -> ParsedSample:
    """A row whose conversation is the list of turns in that column."""
    system_column, tools_column = mapping.get("system", "system"), mapping.get("tools", "tools")
    turns = with_system(turns_of(field_of(row, column), repr(column)), row.get(system_column))
    check_has_response(turns)
    tools = tools_text(row.get(tools_column))
    sample = Sample.of(without_padding(turns, tools), tools=tools)
    taken = {column, tools_column}
    # A system prompt that gave way to the conversation's own stays with the row.
    if turns[0].role == "system" and turns[0].content == row.get(system_column):
        taken.add(system_column)
    return ParsedSample(sample, rest_of(row, *taken))


def parse(row: dict[str, Any], mapping: Mapping[str, str]) -> ParsedSample:
    """A messages row as a chat."""
    return parse_turns(row, mapping.get("messages", "messages"), mapping)


def build(sample: Sample, extra: Mapping[str, Any]) -> dict[str, Any]:
    """A chat as a messages row; `tools` is there when the sample offers some."""
    if sample.kind != "chat":
        raise RowError(f"a {sample.kind} sample is not a conversation")
    row: dict[str, Any] = {"messages": [message_of(turn) for turn in sample.turns]}
    if sample.tools:
        row["tools"] = tools_list(sample.tools)
    return row | {key: value for key, value in extra.items() if key not in row}


def tools_list(tools: str) -> Any:
    """The tools as data, as they were offered; text that is not JSON stays text."""
    try:
        return json.loads(tools)
    except ValueError:
        return tools


FORMAT = RecordFormat(
    "messages",
    "OpenAI messages",
    ("messages", "system", "tools"),
    ("messages",),
    parse,
    build,
    {"conversations": "messages", "conversation": "messages"},
)
