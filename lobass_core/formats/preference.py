"""Preference pairs: a prompt with a chosen and a rejected answer, as texts, messages or whole dialogues (HH-RLHF)."""

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from lobass_core.formats.messages import tools_list
from lobass_core.formats.prompt_completion import side_turns
from lobass_core.formats.record_format import ParsedSample, RecordFormat, rest_of
from lobass_core.formats.row_errors import RowError
from lobass_core.formats.tool_padding import without_padding
from lobass_core.formats.turns import columns_of, compact, field_of, message_of, tools_text, with_system
from lobass_core.records import Sample, Turn

_SPEAKER = re.compile(r"\n\n(Human|Assistant):")


def parse(row: dict[str, Any], mapping: Mapping[str, str]) -> ParsedSample:
    """A pair as one sample: what both sides share is the prompt; `rejected` stands beside the chosen answer."""
    chosen_column, rejected_column = mapping.get("chosen", "chosen"), mapping.get("rejected", "rejected")
    chosen = _side(field_of(row, chosen_column), repr(chosen_column))
    rejected = _side(field_of(row, rejected_column), repr(rejected_column))
    taken = {*columns_of(chosen_column, row), *columns_of(rejected_column, row), "tools"}
    prompt_column = mapping.get("prompt", "prompt")
    before: tuple[Turn, ...] = ()
    if prompt_column in row and row[prompt_column] is not None:
        before = _prompt(row[prompt_column], repr(prompt_column))
        taken.add(prompt_column)
    system_column = mapping.get("system", "system")
    before = with_system(before, row.get(system_column))
    if row.get(system_column):
        taken.add(system_column)
    tools = tools_text(row.get("tools"))
    before, chosen, rejected = (without_padding(side, tools) for side in (before, chosen, rejected))
    chosen, rejected = _after(before, chosen), _after(before, rejected)
    n_shared = _n_shared(chosen, rejected)
    turns = (*before, *chosen)
    sample = Sample.of(
        turns,
        kind="preference",
        tools=tools,
        rejected=_marked(rejected[n_shared:], len(before) + n_shared, len(turns)),
    )
    if not (turns[-1].is_answer and sample.rejected[-1].is_answer):
        raise RowError("chosen and rejected do not both end with an assistant answer")
    return ParsedSample(sample, rest_of(row, *taken))


def _side(value: Any, what: str) -> tuple[Turn, ...]:
    if isinstance(value, str) and _SPEAKER.match(value):
        return _dialogue(value)
    return side_turns(value, "assistant", what)


def _prompt(value: Any, what: str) -> tuple[Turn, ...]:
    if isinstance(value, str) and _SPEAKER.match(value):
        # HH-RLHF's loaders give the prompt with the open "Assistant:" that the answer follows.
        turns = _dialogue(value)
        return turns[:-1] if turns[-1].is_answer and not turns[-1].content else turns
    return side_turns(value, "user", what)


def _dialogue(text: str) -> tuple[Turn, ...]:
    r"""The turns of "\n\nHuman: ...\n\nAssistant: ..."."""
    pieces = _SPEAKER.split(text)
    roles = ["user" if speaker == "Human" else "assistant" for speaker in pieces[1::2]]
    return tuple(Turn(role, content.strip()) for role, content in zip(roles, pieces[2::2], strict=True))


def _after(before: tuple[Turn, ...], side: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """The side without the prompt that it repeats."""
    bare = tuple(turn for turn in before if turn.role != "system")
    for prompt in (before, bare):
        if prompt and len(side) > len(prompt) and side[: len(prompt)] == prompt:
            return side[len(prompt) :]
    return side


def _n_shared(chosen: tuple[Turn, ...], rejected: tuple[Turn, ...]) -> int:
    """Turns that both begin with; each side keeps one of its own, even where the two are equal."""
    n_shared, limit = 0, min(len(chosen), len(rejected)) - 1
    while n_shared < limit and chosen[n_shared] == rejected[n_shared]:
        n_shared += 1
    return n_shared


def _marked(rejected: tuple[Turn, ...], n_prompt: int, n_turns: int) -> tuple[Turn, ...]:
    """The rejected side, with a note of where it leaves the conversation unless that is before the last turn."""
    if n_prompt == n_turns - 1:
        return rejected
    first = rejected[0]
    extra = {**(json.loads(first.extra) if first.extra else {}), "diverges_at": n_prompt}
    return (dataclasses.replace(first, extra=compact(extra)), *rejected[1:])


def n_prompt_turns(sample: Sample) -> int:
    """How many of a pair's turns both sides share; the chosen answer follows them."""
    extra = sample.rejected[0].extra if sample.rejected else None
    return int(json.loads(extra).get("diverges_at", len(sample.turns) - 1)) if extra else len(sample.turns) - 1


def build(sample: Sample, extra: Mapping[str, Any]) -> dict[str, Any]:
    """A pair as TRL reads it: prompt, chosen and rejected as lists of messages."""
    if sample.kind != "preference":
        raise RowError(f"a {sample.kind} sample has no rejected answer")
    n_prompt = n_prompt_turns(sample)
    row: dict[str, Any] = {
        "prompt": [message_of(turn) for turn in sample.turns[:n_prompt]],
        "chosen": [message_of(turn) for turn in sample.turns[n_prompt:]],
        "rejected": [message_of(turn) for turn in sample.rejected],
    }
    if sample.tools:
        row["tools"] = tools_list(sample.tools)
    return row | {key: value for key, value in extra.items() if key not in row}


FORMAT = RecordFormat(
    "preference",
    "Preference pairs",
    ("chosen", "rejected", "prompt", "system"),
    ("chosen", "rejected"),
    parse,
    build,
    {"response": "chosen", "completion": "chosen", "conversations": "prompt", "instruction": "prompt"},
)
