"""Messages of any dialect as turns, and turns as messages."""

import json
import math
from typing import Any

from lobass_core.formats.row_errors import RowError
from lobass_core.formats.tool_calls import calls_text, compact, parsed, tools_text
from lobass_core.formats.turn_lists import CONTENT_KEYS, ROLE_KEYS, turn_list
from lobass_core.records import REASONING_KEYS, Turn

__all__ = [
    "MAX_SHOWN_ROLE",
    "ROLES",
    "check_has_response",
    "columns_of",
    "compact",
    "field_of",
    "lines_of",
    "message_of",
    "plain_role",
    "text_of",
    "tools_text",
    "turn_of",
    "turns_of",
    "with_system",
]

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "function_call": "assistant",
    "tool_call": "assistant",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "function_response": "tool",
    "tool_response": "tool",
    "tool_result": "tool",
    "ipython": "tool",
}
# Characters of an unknown speaker's name that a reject's reason shows.
MAX_SHOWN_ROLE = 40
# Speakers whose words are a tool call.
_CALLERS = ("function_call", "tool_call")
_TAKEN_KEYS = frozenset(("name", "tool_calls", "tool_call_id", "weight", "input", "function_call", *REASONING_KEYS))
# Axolotl's and ms-swift's words for an answer that is context and not to be learnt. A `loss` of 0.0 may be a
# measurement, so these are false and nothing else; `loss_mask` is 0 or false.
_FALSE_KEYS = ("train", "training", "loss")


def plain_role(spoken: Any) -> str:
    """A speaker's name without case, outer blanks and the difference of hyphen and underscore."""
    return str(spoken).strip().lower().replace("-", "_")


def text_of(value: Any, what: str) -> str:
    """A field's text; numbers, true and false are written as the file spells them.

    Raises:
        RowError: missing, null, or not text.
    """
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise RowError(f"{what} is null")
    if isinstance(value, int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    kind = {"list": "a list", "dict": "an object"}.get(type(value).__name__, "no text")
    raise RowError(f"{what} is {kind}, not text")


def field_of(row: dict, column: str) -> Any:
    """The row's value in that column; `A+B` joins the texts of two columns by a line end, a list item by item.

    Raises:
        RowError: the row has no such column.
    """
    if column in row:
        return row[column]
    if "+" in column:
        parts = [part.strip() for part in column.split("+")]
        return "\n".join(lines_of(field_of(row, part), repr(part)) for part in parts)
    raise RowError(f"{column!r} is missing")


def lines_of(value: Any, what: str) -> str:
    """A text as `text_of`; a list of such as one item a line, as the options of a question.

    Raises:
        RowError: as `text_of`.
    """
    if isinstance(value, list) and value:
        return "\n".join(text_of(item, f"item {number} of {what}") for number, item in enumerate(value, 1))
    return text_of(value, what)


def columns_of(column: str, row: dict) -> list[str]:
    """The row's own columns that `field_of` reads for this one."""
    return [column] if column in row else [part.strip() for part in column.split("+")]


def turns_of(messages: Any, what: str) -> tuple[Turn, ...]:
    """The turns of a list of messages in any dialect (role/content, from/value).

    Raises:
        RowError: no list, an unknown role, or content that is no text; names the turn, counted from 1.
    """
    messages = turn_list(messages, what)
    if not messages:
        raise RowError(f"{what} has no turns")
    return tuple(turn_of(message, f"turn {number}") for number, message in enumerate(messages, 1))


def turn_of(message: Any, what: str) -> Turn:
    """One message as a turn; keys that we do not know go to `extra`.

    Raises:
        RowError: as `turns_of`.
    """
    if not isinstance(message, dict):
        raise RowError(f"{what} is not an object with role and content")
    role_key = next((key for key in ROLE_KEYS if key in message), None)
    content_key = next((key for key in CONTENT_KEYS if message.get(key) is not None), None)
    if role_key is None:
        raise RowError(f"{what} has no role")
    spoken = message[role_key]
    role = None
    if isinstance(spoken, str) and (role := ROLES.get(spoken)) is None:
        spoken = plain_role(spoken)
        role = ROLES.get(spoken)
    if role is None:
        raise RowError(f"{what} has the unknown role {str(message[role_key])[:MAX_SHOWN_ROLE]!r}")
    extra = {
        key: value
        for key, value in message.items()
        if key not in _TAKEN_KEYS
        and key != role_key
        and key != content_key
        and (value is not None or key not in CONTENT_KEYS)
    }
    content, calls = _content_and_calls(message, content_key, spoken, what, extra)
    given_input = message.get("input")
    joined = isinstance(given_input, str) and content.endswith(f"\n\n{given_input}")
    if "input" in message and not joined:
        extra["input"] = given_input
    return Turn(
        role=role,
        content=content,
        name=_optional_text(message.get("name"), extra, "name"),
        tool_calls=calls,
        tool_call_id=_optional_text(message.get("tool_call_id"), extra, "tool_call_id"),
        weight=_weight(message, role, what),
        **{key: _optional_text(message.get(key), extra, key) for key in REASONING_KEYS},
        extra=compact(extra) if extra else None,
        input=given_input if joined else None,
    )


def _optional_text(value: Any, extra: dict, key: str) -> str | None:
    if value is not None and not isinstance(value, str):
        extra[key] = value
        return None
    return value


def _weight(message: dict, role: str, what: str) -> float | None:
    """OpenAI's weight; 0 where another key says that the answer is not learnt (the key itself stays with the turn)."""
    value = message.get("weight")
    if value is None:
        not_learnt = message.get("loss_mask") == 0 or any(message.get(key) is False for key in _FALSE_KEYS)
        return 0.0 if not_learnt and role == "assistant" else None
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    raise RowError(f"{what} has a weight that is not a number")


def _content_and_calls(
    message: dict, content_key: str | None, spoken: str, what: str, extra: dict
) -> tuple[str, str | None]:
    value = message.get(content_key) if content_key else None
    calls = message.get("tool_calls") or None
    if (old_call := message.get("function_call")) and not calls:
        calls = [old_call]
    if spoken in _CALLERS and not calls and isinstance(said := parsed(value), dict | list):
        calls, value = (said if isinstance(said, list) else [said]), ""
    text_calls = calls_text(calls, what)
    if value is None:
        if text_calls is None:
            raise RowError(f"{what} ({spoken}) has no content")
        return "", text_calls
    if isinstance(value, list | dict):
        return _joined_parts(value if isinstance(value, list) else [value], what, extra), text_calls
    return text_of(value, f"the content of {what}"), text_calls


def _joined_parts(parts: list, what: str, extra: dict) -> str:
    texts = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif isinstance(part, dict) and part.get("type") == "text" and part.get("text") is None:
            continue
        else:
            kind = part.get("type", "unknown") if isinstance(part, dict) else type(part).__name__
            raise RowError(f"{what} contains a part of type {str(kind)[:40]!r}; only text is read")
    extra["content_parts"] = parts
    return "".join(texts)


def message_of(turn: Turn) -> dict[str, Any]:
    """The turn as an OpenAI message with its own unknown keys; inverse of `turn_of` for that dialect."""
    extra = json.loads(turn.extra) if turn.extra else {}
    parts = extra.pop("content_parts", None)
    extra.pop("diverges_at", None)
    message: dict[str, Any] = {"role": turn.role, "content": turn.content if parts is None else parts}
    if turn.name is not None:
        message["name"] = turn.name
    if turn.tool_calls is not None:
        message["tool_calls"] = json.loads(turn.tool_calls)
    if turn.tool_call_id is not None:
        message["tool_call_id"] = turn.tool_call_id
    if turn.weight is not None:
        message["weight"] = turn.weight
    if turn.input is not None:
        message["input"] = turn.input
    return message | turn.thoughts | extra


def with_system(turns: tuple[Turn, ...], system: Any) -> tuple[Turn, ...]:
    """The turns after a system prompt that stands beside them in the row, unless they begin with one themselves."""
    if system is None or system == "" or (turns and turns[0].role == "system"):
        return turns
    return (Turn("system", text_of(system, "'system'")), *turns)


def check_has_response(turns: tuple[Turn, ...]) -> None:
    """Raise RowError unless an assistant speaks: without it there is nothing to score or to train on."""
    if not any(turn.is_answer for turn in turns):
        raise RowError("no assistant turn: there is nothing to learn from")
