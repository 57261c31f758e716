"""A sample's turns as the message dicts that chat templates read."""

import json
import re
from collections.abc import Sequence
from typing import Any

from lobass_core.records import Sample, Turn
from lobass_core.rendering.chat_jinja import MARKS

# What no tokenizer can encode (unpaired surrogates) and what the renderer keeps for itself (its marks).
_UNUSABLE = re.compile("[\ud800-\udfff" + "".join(MARKS) + "]")


def clean(text: str) -> str:
    """The text with every character that has no UTF-8 form replaced by U+FFFD, so its length stays the same."""
    return _UNUSABLE.sub("\ufffd", text)


def messages_of(sample: Sample, *, parse_arguments: bool = True) -> list[dict[str, Any]]:
    """The turns as dicts with role and content, and tool calls, ids and Alpaca's two fields where there are any.

    Arguments of tool calls arrive as JSON text in OpenAI's files. Most templates print them with `tojson` and want them
    parsed, a few (DeepSeek's) join them to a string and want the text.
    """
    return [_message(turn, parse_arguments) for turn in sample.turns]


def tools_of(sample: Sample) -> list[Any] | None:
    """The tools that the sample offers, parsed.

    Raises:
        ValueError: the JSON text of the tools cannot be read.
    """
    if not sample.tools:
        return None
    tools = json.loads(clean(sample.tools))
    return tools if isinstance(tools, list) else [tools]


def _message(turn: Turn, parse_arguments: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"role": turn.role, "content": clean(turn.content)}
    if turn.name is not None:
        message["name"] = clean(turn.name)
    if turn.tool_call_id is not None:
        message["tool_call_id"] = turn.tool_call_id
    if turn.tool_calls:
        calls = json.loads(clean(turn.tool_calls))
        message["tool_calls"] = [_with_parsed_arguments(call) for call in calls] if parse_arguments else calls
    if turn.input is not None:
        message["instruction"], message["input"] = clean(turn.instruction), clean(turn.input)
    return message


def _with_parsed_arguments(call: Any) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
        return call
    try:
        arguments = json.loads(function["arguments"])
    except ValueError:
        return call
    return {**call, "function": {**function, "arguments": arguments}} if isinstance(arguments, dict) else call


def is_scored(turns: Sequence[Turn], mask_rule: str) -> list[bool]:
    """Which turns are response: assistant turns whose weight is not 0, all of them or the last one only."""
    scored = [turn.role == "assistant" and turn.weight != 0 for turn in turns]
    if mask_rule == "last":
        last = max((index for index, turn in enumerate(turns) if turn.role == "assistant"), default=-1)
        scored = [value and index == last for index, value in enumerate(scored)]
    return scored
