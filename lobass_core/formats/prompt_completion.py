"""Prompt and completion, under any of the names that published sets use: two texts, or two lists of messages."""

from collections.abc import Mapping
from typing import Any

from lobass_core.formats.messages import tools_list
from lobass_core.formats.record_format import ParsedSample, RecordFormat, rest_of
from lobass_core.formats.row_errors import RowError
from lobass_core.formats.tool_padding import without_padding
from lobass_core.formats.turns import (
    check_has_response,
    columns_of,
    field_of,
    message_of,
    text_of,
    tools_text,
    turn_of,
    turns_of,
    with_system,
)
from lobass_core.records import Sample, Turn


def parse(row: dict[str, Any], mapping: Mapping[str, str]) -> ParsedSample:
    """A pair of texts (or of message lists) as a chat."""
    prompt_column, completion_column = mapping.get("prompt", "prompt"), mapping.get("completion", "completion")
    prompt, completion = field_of(row, prompt_column), field_of(row, completion_column)
    before = side_turns(prompt, "user", repr(prompt_column))
    after = side_turns(completion, "assistant", repr(completion_column))
    if not any(turn.content.strip() or turn.tool_calls for turn in (*before, *after)):
        raise RowError(f"{prompt_column!r} and {completion_column!r} are both empty")
    system_column = mapping.get("system", "system")
    turns = with_system((*before, *after), row.get(system_column))
    check_has_response(turns)
    taken = {*columns_of(prompt_column, row), *columns_of(completion_column, row), "tools"}
    if turns[0].role == "system" and turns[0].content == row.get(system_column):
        taken.add(system_column)
    tools = tools_text(row.get("tools"))
    return ParsedSample(Sample.of(without_padding(turns, tools), tools=tools), rest_of(row, *taken))


def side_turns(value: Any, role: str, what: str) -> tuple[Turn, ...]:
    """One side of a pair as turns: a text is one turn of that role (an empty prompt is none), messages stay turns."""
    if isinstance(value, dict):
        return (turn_of(value, what),)
    if isinstance(value, list):
        return turns_of(value, what)
    text = text_of(value, what)
    return (Turn(role, text),) if text or role == "assistant" else ()


def build(sample: Sample, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Two texts for one plain exchange; else two lists of messages, of which the last turn is the completion."""
    turns = sample.turns
    if [turn.role for turn in turns] == ["user", "assistant"] and not sample.tools and all(map(_is_plain, turns)):
        _check_target(sample)
        row = {"prompt": turns[0].content, "completion": turns[1].content}
        return row | {key: value for key, value in extra.items() if key not in row}
    return build_messages(sample, extra)


def build_messages(sample: Sample, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The conversational form whatever the sample, for files whose rows must all have one type."""
    _check_target(sample)
    *before, last = sample.turns
    row: dict[str, Any] = {"prompt": [message_of(turn) for turn in before], "completion": [message_of(last)]}
    if sample.tools:
        row["tools"] = tools_list(sample.tools)
    return row | {key: value for key, value in extra.items() if key not in row}


def _is_plain(turn: Turn) -> bool:
    return turn == Turn(turn.role, turn.content)


def _check_target(sample: Sample) -> None:
    if sample.kind != "chat":
        raise RowError(f"a {sample.kind} sample has no prompt and completion")
    if len(sample.turns) < 2 or not sample.turns[-1].is_answer:
        raise RowError("the conversation does not end with an assistant answer")


FORMAT = RecordFormat(
    "prompt-completion",
    "Prompt and completion",
    ("prompt", "completion", "system"),
    ("prompt", "completion"),
    parse,
    build,
    {"response": "completion", "output": "completion", "instruction": "prompt"},
)
