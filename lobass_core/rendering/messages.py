"""A sample's turns as the message dicts that chat templates read."""

import json
import re
from typing import Any

from lobass_core.records import Sample, Turn
from lobass_core.rendering.chat_jinja import MARKS

# What no tokenizer can encode (unpaired surrogates) and what the renderer keeps for itself (its marks).
_UNUSABLE = re.compile("[\ud800-\udfff" + "".join(MARKS) + "]")


# Alpaca's two fields are ours to fill, whatever a row keeps under these names; the last two are notes of the reader.
_NEVER_PASSED = frozenset(("role", "content", "instruction", "input", "content_parts", "diverges_at"))


def clean(text: str) -> str:
    """The text with every character that has no UTF-8 form replaced by U+FFFD, so its length stays the same."""
    return _UNUSABLE.sub("\ufffd", text)


def messages_of(
    sample: Sample, keys: frozenset[str] | None = frozenset(), *, parse_arguments: bool = True
) -> list[dict[str, Any]]:
    """The turns as dicts with role and content, and tool calls, ids, thoughts and Alpaca's two fields where there are
    any; of the unknown fields of a turn those in `keys` (None: all of them).

    Arguments of tool calls arrive as JSON text in OpenAI's files. Most templates print them with `tojson` and want them
    parsed, a few (DeepSeek's) join them to a string and want the text.
    """
    return [_message(turn, keys, parse_arguments) for turn in sample.turns]


def passed_keys(sample: Sample, keys: frozenset[str] | None) -> frozenset[str]:
    """Unknown fields of the sample's turns that `messages_of` passes on."""
    return frozenset().union(*(_unknown_fields(turn, keys) for turn in sample.turns))


def unread_thoughts(sample: Sample, keys: frozenset[str] | None) -> frozenset[str]:
    """Keys under which turns keep thoughts that a template which reads `keys` leaves out."""
    held = {
        key for turn in sample.turns if keys is not None for key in turn.thoughts if not turn.thoughts.keys() & keys
    }
    return frozenset(held)


def _unknown_fields(turn: Turn, keys: frozenset[str] | None) -> dict[str, Any]:
    """Fields of `extra` to pass on, without those that a table filled with null."""
    if turn.extra is None:
        return {}
    return {
        key: _cleaned(value)
        for key, value in json.loads(turn.extra).items()
        if (keys is None or key in keys) and key not in _NEVER_PASSED and value is not None
    }


def _cleaned(value: Any) -> Any:
    return json.loads(clean(json.dumps(value, ensure_ascii=False)))


def tools_of(sample: Sample) -> list[Any] | None:
    """The tools that the sample offers, parsed.

    Raises:
        ValueError: the JSON text of the tools cannot be read.
    """
    if not sample.tools:
        return None
    tools = json.loads(clean(sample.tools))
    return tools if isinstance(tools, list) else [tools]


def _message(turn: Turn, keys: frozenset[str] | None, parse_arguments: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"role": turn.role, "content": clean(turn.content), **_unknown_fields(turn, keys)}
    if turn.name is not None:
        message["name"] = clean(turn.name)
    if turn.tool_call_id is not None:
        message["tool_call_id"] = clean(turn.tool_call_id)
    for key, thoughts in turn.thoughts.items():
        message[key] = clean(thoughts)
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
