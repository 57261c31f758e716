"""Tools on offer and calls of them, in OpenAI's form whatever the dialect."""

import json
from typing import Any

from lobass_core.formats.lone_surrogates import may_hold_lone, without_lone
from lobass_core.formats.row_errors import RowError
from lobass_core.formats.tool_padding import without_null_keys


def compact(value: Any) -> str:
    """JSON text without spaces, as turns keep their structured parts."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parsed(text: Any) -> Any:
    """The value of JSON text, without unpaired surrogates; None for anything else."""
    try:
        value = json.loads(text) if isinstance(text, str) else None
        return without_lone(value)[0] if value is not None and may_hold_lone(text) else value
    except (ValueError, RecursionError):
        return None


def calls_text(calls: Any, what: str) -> str | None:
    """Tool calls as the JSON text that a turn keeps; None where there are none. They may come as JSON text.

    Raises:
        RowError: no list of objects; `what` names the turn.
    """
    if isinstance(calls, str):
        calls = parsed(calls)
    if not calls:
        return None
    if not (isinstance(calls, list) and all(isinstance(call, dict) for call in calls)):
        raise RowError(f"{what} has tool calls that are not a list of objects")
    return compact([_call(call) for call in calls])


def _call(call: dict) -> dict:
    """OpenAI's form, {id, type, function: {name, arguments: JSON text}}, of either dialect."""
    call = {key: value for key, value in call.items() if value is not None}
    function = call.get("function")
    if isinstance(function, dict):
        function = {key: value for key, value in function.items() if value is not None}
    else:
        function = {key: call[key] for key in ("name", "arguments") if key in call}
        call = {key: value for key, value in call.items() if key not in function}
    arguments = function.get("arguments")
    known = parsed(arguments) if isinstance(arguments, str) else arguments
    if isinstance(known, dict | list):
        # One spelling of the same arguments, so that every dialect gives the same sample.
        function = {**function, "arguments": json.dumps(known, ensure_ascii=False)}
    call = {"type": "function", **{key: value for key, value in call.items() if key != "function"}}
    return {**{key: call[key] for key in ("id", "type") if key in call}, **call, "function": function}


def tools_text(value: Any) -> str | None:
    """The offered tools as compact JSON text; None where there are none.

    They may come as a list, as one tool, or as JSON text of either; text that is no JSON stays as it is. A bare tool,
    {"name": ...}, becomes {"type": "function", "function": {"name": ...}}, which chat templates ask for. Keys that are
    null go: tables write them where another tool of the column has the key.
    """
    if isinstance(value, str):
        known = parsed(value)
        if known is None:
            return value.strip() or None
        value = known
    if not value:
        return None
    tools = [_tool(tool) for tool in (value if isinstance(value, list) else [value])]
    return compact(without_null_keys(tools))


def _tool(tool: Any) -> Any:
    if isinstance(tool, str) and isinstance(known := parsed(tool), dict):
        tool = known
    if not isinstance(tool, dict) or "name" not in tool or isinstance(tool.get("function"), dict):
        return tool
    if tool.get("type") == "function":
        # OpenAI's newer form, with the function's fields beside its type.
        return {"type": "function", "function": {key: item for key, item in tool.items() if key != "type"}}
    return tool if "type" in tool else {"type": "function", "function": tool}
