"""Nulls that a table put into tools and tool calls, taken out again.

A column of a table has one type: where one row's tool has a parameter, every row's tool gets it, filled with null. JSON
Lines that `datasets` wrote out of such a table hold these nulls as if they had been meant.

    tools      {"side": null, "name": {"type": "string"}}   ->  {"name": {"type": "string"}}
    arguments  {"side": null, "name": "Rome"}               ->  {"name": "Rome"}, as the tool has no `side`

A null that can be meant stays: a default of null, an argument that the tool has.
"""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from lobass_core.records import Turn

# JSON Schema's keywords that may say null.
_MAY_BE_NULL = frozenset(("default", "const", "example"))


def without_null_keys(value: Any) -> Any:
    """A description of tools without keys that say nothing; lists keep their nulls."""
    if isinstance(value, dict):
        return {key: without_null_keys(item) for key, item in value.items() if item is not None or key in _MAY_BE_NULL}
    return [without_null_keys(item) for item in value] if isinstance(value, list) else value


def without_padding(turns: Sequence[Turn], tools: str | None) -> tuple[Turn, ...]:
    """The turns, their calls without null arguments that the called tool does not have."""
    parameters = _parameters(tools) if tools and any(turn.tool_calls for turn in turns) else {}
    return tuple(_dense(turn, parameters) if parameters and turn.tool_calls else turn for turn in turns)


def _parameters(tools: str) -> dict[str, set[str]]:
    """The parameters of each tool that says which ones it has."""
    try:
        offered = json.loads(tools)
    except ValueError:
        return {}
    parameters = {}
    for tool in offered if isinstance(offered, list) else [offered]:
        function = _dict(_dict(tool).get("function", tool))
        properties = _dict(function.get("parameters")).get("properties")
        if isinstance(properties, dict) and isinstance(function.get("name"), str):
            parameters[function["name"]] = set(properties)
    return parameters


def _dense(turn: Turn, parameters: dict[str, set[str]]) -> Turn:
    calls = json.loads(turn.tool_calls or "[]")
    changed = False
    for call in calls:
        function = call.get("function", {})
        known = parameters.get(function.get("name"))
        arguments = _object(function.get("arguments"))
        if known is None or arguments is None:
            continue
        kept = {key: value for key, value in arguments.items() if value is not None or key in known}
        if len(kept) < len(arguments):
            function["arguments"], changed = json.dumps(kept, ensure_ascii=False), True
    text = json.dumps(calls, ensure_ascii=False, separators=(",", ":"))
    return dataclasses.replace(turn, tool_calls=text) if changed else turn


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _object(text: Any) -> dict | None:
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
