"""The text of an exported row as a trainer makes it by itself, without train.py, and what it learns of that text.

Read from the code of TRL 1.16 and Axolotl 0.19: both hand the messages to the tokenizer's chat template, and make
tokens of what it prints. Rows of plain text (None) never see a template, and get the tokenizer's own beginning and end.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from lobass_core.rendering.exported_rows import without_nulls
from lobass_core.rendering.template_keys import message_keys

Spans = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class TrainerReading:
    """How a trainer reads rows. `text(row, tokenizer)` is what it makes of one, None where it uses no chat template;
    `learns(row, text, spans, tokenizer, endings)` says how what it learns differs from the answers in `spans`, ""
    where it does not; `endings` are the tokens that its configuration names as closing an answer."""

    text: Callable[[dict, Any], str | None]
    learns: Callable[[dict, str, Spans, Any, Collection[str]], str]


def trl_text(row: dict, tokenizer: Any) -> str | None:
    """SFTTrainer, and DPOTrainer for the chosen side: arguments of tool calls stay what they are in the file."""
    if row.get("text") is not None or isinstance(row.get("prompt"), str):
        return None
    messages = row.get("messages") or [*row["prompt"], *(row.get("completion") or row["chosen"])]
    return _rendered(messages, _tools_of(row), tokenizer)


def trl_learns(row: dict, text: str, spans: Spans, tokenizer: Any, endings: Collection[str]) -> str:
    """A completion, and both sides of a pair, are learnt to the end of the text: a line break after the answer too."""
    after = text[spans[-1][1] :] if spans and (row.get("completion") or row.get("chosen")) else ""
    return f"it also trains on {after!r}, which follows the answer" if after else ""


def axolotl_text(row: dict, tokenizer: Any) -> str | None:
    """`chat_template`: the keys that the template reads, arguments parsed; of a pair roles and contents alone."""
    if row.get("text") is not None:
        return None
    row = without_nulls(row)
    if "chosen" in row:
        messages = [{key: turn[key] for key in ("role", "content")} for turn in [*row["messages"], row["chosen"]]]
        return _rendered(messages, None, tokenizer)
    keys = message_keys(tokenizer.chat_template)
    messages = []
    for turn in json.loads(row["messages"]) if isinstance(row["messages"], str) else row["messages"]:
        message = {key: value for key, value in turn.items() if key in ("role", "content") or key in (keys or turn)}
        if "tool_calls" in message:
            message["tool_calls"] = [_with_parsed_arguments(call) for call in message["tool_calls"]]
        messages.append(message)
    return _rendered(messages, _tools_of(row), tokenizer)


def axolotl_learns(row: dict, text: str, spans: Spans, tokenizer: Any, endings: Collection[str]) -> str:
    """Of what a template puts around an answer the tokenizer's end token alone is learnt, or the `eot_tokens`."""
    if row.get("chosen") or not spans:
        return ""
    special = [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]
    ending = max((token for token in special if text.endswith(token, 0, spans[-1][1])), key=len, default="")
    if not ending or ending == tokenizer.eos_token or ending in endings:
        return ""
    return f"it leaves out {ending!r}, which ends an answer, unless the configuration has eot_tokens: [{ending!r}]"


def _with_parsed_arguments(call: dict) -> dict:
    function = call.get("function", {})
    if not isinstance(function.get("arguments"), str):
        return call
    return {**call, "function": {**function, "arguments": json.loads(function["arguments"])}}


def _tools_of(row: dict) -> list | None:
    tools = json.loads(row["tools"]) if row.get("tools") else None
    return [tools] if isinstance(tools, dict) else tools


def _rendered(messages: list[dict], tools: list | None, tokenizer: Any) -> str:
    return str(tokenizer.apply_chat_template(messages, tools=tools, tokenize=False))


BY_TRL = TrainerReading(trl_text, trl_learns)
BY_AXOLOTL = TrainerReading(axolotl_text, axolotl_learns)
