"""A sample in the shape that each trainer reads, with tool calls and tools as that trainer wants them.

    TRL            {"prompt": [...], "completion": [...]} or {"messages": [...]}
    Axolotl        {"messages": [...]}; `training` on the assistant's turns where not all of them are learnt
    LLaMA-Factory  {"system": "", "tools": "", "messages": [...]}, calls as turns of role function_call

Tools and the arguments of tool calls are JSON text: as objects, Arrow would fill the keys of one with the nulls of
another. Axolotl parses them, and train.py does so for TRL.
"""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lobass_core.exporting.columns import Columns
from lobass_core.formats.preference import n_prompt_turns
from lobass_core.formats.row_errors import RowError
from lobass_core.records import REASONING_KEYS, Sample, Turn, response_turns

# Keys of a turn that mean something to a loader; an unknown field of that name is left out.
TURN_KEYS = frozenset(
    ("role", "content", "from", "value", "name", "tool_calls", "tool_call_id", "weight", "input", "instruction")
) | {"training", *REASONING_KEYS}


# Notes of the reader on how the content came about: lists of text parts, joined; where a pair's dialogues part.
_READER_KEYS = ("content_parts", "diverges_at")


def turn_extra(turn: Turn) -> dict:
    """The turn's own unknown fields."""
    extra = json.loads(turn.extra) if turn.extra else {}
    return {key: value for key, value in extra.items() if key not in _READER_KEYS}


@dataclass(frozen=True, slots=True)
class MessageStyle:
    """How turns are written.

    `columns`: the unknown fields to keep. `with_instruction`: Alpaca's instruction beside its input. `with_training`:
    whether each turn of the assistant is learnt, of which `last_only` leaves the last alone. `calls_as_text`: tool
    calls as one JSON text, where no fixed type holds them.
    """

    columns: Columns | None = None
    with_instruction: bool = False
    with_training: bool = False
    last_only: bool = False
    calls_as_text: bool = False


PLAIN = MessageStyle()


def messages_of(turns: Sequence[Turn], style: MessageStyle = PLAIN) -> list[dict[str, Any]]:
    """Turns as messages with the keys that chat templates read."""
    return [_message(turn, style) for turn in turns]


def _message(turn: Turn, style: MessageStyle) -> dict[str, Any]:
    message: dict[str, Any] = {"role": turn.role, "content": turn.content}
    if turn.name is not None:
        message["name"] = turn.name
    if turn.tool_calls is not None:
        calls = [_with_text_arguments(call) for call in json.loads(turn.tool_calls)]
        message["tool_calls"] = json.dumps(calls, ensure_ascii=False) if style.calls_as_text else calls
    if turn.tool_call_id is not None:
        message["tool_call_id"] = turn.tool_call_id
    if turn.weight is not None:
        message["weight"] = turn.weight
    if turn.input is not None:
        message["input"] = turn.input
        if style.with_instruction:
            message["instruction"] = turn.instruction
    message |= turn.thoughts
    return message | style.columns.of(turn_extra(turn)) if style.columns else message


def _with_text_arguments(call: dict) -> dict:
    function = call.get("function")
    if not isinstance(function, dict):
        return call
    arguments = function.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return {**call, "function": {**function, "arguments": text}}


def has_one_target(sample: Sample) -> bool:
    """Whether the last turn, and it alone, is to be learnt: then prompt and completion say so to any trainer."""
    response = response_turns(sample.turns, sample.kind)
    return sample.kind == "chat" and len(response) > 1 and response[-1] and not any(response[:-1])


def trl_row(sample: Sample, style: MessageStyle = PLAIN, *, one_target: bool = False) -> dict[str, Any]:
    """What `trl.SFTTrainer` (chat, text) or `trl.DPOTrainer` (preference) reads."""
    row: dict[str, Any]
    if sample.kind == "text":
        return {"text": sample.turns[0].content}
    if sample.kind == "preference":
        prompt, chosen = split_pair(sample)
        row = {
            "prompt": messages_of(prompt, style),
            "chosen": messages_of(chosen, style),
            "rejected": messages_of(sample.rejected, style),
        }
    elif one_target:
        row = {"prompt": messages_of(sample.turns[:-1], style), "completion": messages_of(sample.turns[-1:], style)}
    else:
        row = {"messages": messages_of(sample.turns, style)}
    if sample.tools:
        row["tools"] = sample.tools
    return row


def split_pair(sample: Sample) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """What both sides of a pair share, and the chosen answer."""
    n_prompt = n_prompt_turns(sample)
    return sample.turns[:n_prompt], sample.turns[n_prompt:]


def axolotl_row(sample: Sample, style: MessageStyle = PLAIN) -> dict[str, Any]:
    """What Axolotl's `chat_template` (chat, preference) and `completion` (text) read."""
    row: dict[str, Any]
    if sample.kind == "text":
        return {"text": sample.turns[0].content}
    if sample.kind == "preference":
        prompt, chosen = split_pair(sample)
        if len(chosen) != 1 or len(sample.rejected) != 1:
            raise RowError("Axolotl compares single turns; this pair has more")
        if sample.tools or any(turn.tool_calls for turn in (*sample.turns, *sample.rejected)):
            raise RowError("Axolotl reads only the text of a pair; this pair has tools")
        return {
            "messages": messages_of(prompt, style),
            "chosen": messages_of(chosen, style)[0],
            "rejected": messages_of(sample.rejected, style)[0],
        }
    row = {"messages": messages_of(sample.turns, style)}
    if style.with_training:
        response = response_turns(sample.turns, sample.kind, "last" if style.last_only else "all")
        for message, turn, is_response in zip(row["messages"], sample.turns, response, strict=True):
            if turn.is_answer:
                message["training"] = is_response
    if sample.tools:
        row["tools"] = sample.tools
    return row


def llama_factory_row(sample: Sample) -> dict[str, Any]:
    """What LLaMA-Factory's `sharegpt` formatting reads under the tags of dataset_info.json; every key in every row."""
    if sample.kind == "text":
        return {"text": sample.turns[0].content}
    turns, system = sample.turns, ""
    if turns[0].role == "system":
        system, turns = turns[0].content, turns[1:]
    row: dict[str, Any] = {"system": system, "tools": sample.tools or ""}
    if sample.kind == "preference":
        prompt, chosen = split_pair(sample)
        prompt = prompt[1:] if prompt and prompt[0].role == "system" else prompt
        if len(chosen) != 1 or len(sample.rejected) != 1:
            raise RowError("LLaMA-Factory compares single turns; this pair has more")
        row["messages"] = _llama_factory_messages(prompt)
        row["chosen"] = _llama_factory_message(chosen[0])
        row["rejected"] = _llama_factory_message(sample.rejected[0])
    else:
        row["messages"] = _llama_factory_messages(turns)
    return row


def has_parallel_results(turns: Sequence[Turn]) -> bool:
    """Whether tools answer one after another, with no turn of the assistant between."""
    return any(one.role == next_one.role == "tool" for one, next_one in itertools.pairwise(turns))


# LLaMA-Factory's own reader of OpenAI files joins parallel results so; its ShareGPT reader, whose other habits are the
# better ones, skips the row.
_RESULT_BREAK = "\n</tool_response>\n<tool_response>\n"


def _llama_factory_messages(turns: Sequence[Turn]) -> list[dict[str, str]]:
    messages: list[dict[str, str]] = []
    for is_result, group in itertools.groupby(turns, key=lambda turn: turn.role == "tool"):
        if is_result:
            messages.append({"role": "tool", "content": _RESULT_BREAK.join(turn.content for turn in group)})
        else:
            messages.extend(map(_llama_factory_message, group))
    return messages


_CALL_START, _CALL_END = "<tool_call>", "</tool_call>"


def _llama_factory_message(turn: Turn) -> dict[str, str]:
    if turn.tool_calls is None:
        return {"role": turn.role, "content": turn.content}
    # Its function formatter reads [{"name", "arguments"}] with arguments as an object.
    calls = [_plain_call(call.get("function", call)) for call in json.loads(turn.tool_calls)]
    text = json.dumps(calls, ensure_ascii=False)
    if turn.content:
        # It looks for these words first, and puts what stands around them before the call.
        if _CALL_START in turn.content or _CALL_START in text or _CALL_END in text:
            raise RowError("LLaMA-Factory cannot tell the tool call from the text next to it")
        text = f"{turn.content}{_CALL_START}{text}{_CALL_END}"
    return {"role": "function_call", "content": text}


def _plain_call(function: dict) -> dict:
    arguments = function.get("arguments", {})
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            raise RowError("a tool call whose arguments are not JSON") from None
    return {"name": function.get("name", ""), "arguments": arguments}
