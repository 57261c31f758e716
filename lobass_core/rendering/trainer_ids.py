"""Token ids of an exported row as a trainer makes them by itself, without train.py.

Read from the code of TRL 1.16 and Axolotl 0.19: both hand the messages to the tokenizer's chat template.
"""

import json
from collections.abc import Callable
from typing import Any

from lobass_core.rendering.exported_rows import without_nulls
from lobass_core.rendering.template_keys import message_keys

TrainerIds = Callable[[dict, Any], list[int]]


def trl_ids(row: dict, tokenizer: Any) -> list[int]:
    """SFTTrainer, and DPOTrainer for the chosen side: arguments of tool calls stay what they are in the file."""
    if row.get("text") is not None:
        return _plain_ids(row["text"], tokenizer)
    if isinstance(row.get("prompt"), str):
        return _plain_ids(row["prompt"] + row["completion"], tokenizer)
    messages = row.get("messages") or [*row["prompt"], *(row.get("completion") or row["chosen"])]
    return _chat_ids(messages, _tools_of(row), tokenizer)


def axolotl_ids(row: dict, tokenizer: Any) -> list[int]:
    """`chat_template`: the keys that the template reads, arguments parsed; of a pair roles and contents alone."""
    if row.get("text") is not None:
        return _plain_ids(row["text"], tokenizer)
    row = without_nulls(row)
    if "chosen" in row:
        messages = [{key: turn[key] for key in ("role", "content")} for turn in [*row["messages"], row["chosen"]]]
        return _chat_ids(messages, None, tokenizer)
    keys = message_keys(tokenizer.chat_template)
    messages = []
    for turn in row["messages"]:
        message = {key: value for key, value in turn.items() if key in ("role", "content") or key in (keys or turn)}
        if "tool_calls" in message:
            message["tool_calls"] = [_with_parsed_arguments(call) for call in message["tool_calls"]]
        messages.append(message)
    return _chat_ids(messages, _tools_of(row), tokenizer)


def _with_parsed_arguments(call: dict) -> dict:
    function = call.get("function", {})
    if not isinstance(function.get("arguments"), str):
        return call
    return {**call, "function": {**function, "arguments": json.loads(function["arguments"])}}


def _tools_of(row: dict) -> list | None:
    tools = json.loads(row["tools"]) if row.get("tools") else None
    return [tools] if isinstance(tools, dict) else tools


def _chat_ids(messages: list[dict], tools: list | None, tokenizer: Any) -> list[int]:
    text = tokenizer.apply_chat_template(messages, tools=tools, tokenize=False)
    return list(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


def _plain_ids(text: str, tokenizer: Any) -> list[int]:
    """Texts get the tokenizer's own beginning and the end token."""
    end = tokenizer.eos_token or ""
    return list(tokenizer(text if text.endswith(end) else text + end, verbose=False)["input_ids"])
