"""What is known of each picked row before a trainer sees it: its shape as bits, and which formats refuse it."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from lobass_core.exporting.plan import ExportRow
from lobass_core.exporting.trainer_rows import axolotl_row, has_one_target, is_trained, llama_factory_row
from lobass_core.formats import FORMATS, RowError
from lobass_core.records import Sample, Turn

PAIR = 1
TEXT = 2
NOT_ENDING_WITH_ANSWER = 4
STARTS_WITH_ANSWER = 8
# After a first system prompt: user or tool results, assistant, user or tool results, assistant ...
NOT_IN_TURNS = 16
EMPTY_ANSWERS = 32  # every answer that is to be learnt is empty
SOME_EMPTY_ANSWERS = 64
WEIGHT_ZERO = 128
BARE_CALL = 256  # a tool call without text
TEXT_BESIDE_CALL = 512
SEVERAL_ANSWERS = 1024
BROKEN_ARGUMENTS = 2048  # arguments of a tool call that are no JSON
THOUGHTS = 4096  # reasoning in a field of its own, beside the content of a turn


def _builder(name: str) -> Callable[[Sample], dict]:
    return lambda sample: FORMATS[name].build(sample, {})


_BUILDERS: dict[str, Callable[[Sample], dict]] = {
    **{name: _builder(name) for name in ("messages", "alpaca", "sharegpt", "prompt-completion")},
    "axolotl": axolotl_row,
    "llama-factory": llama_factory_row,
}


@dataclass(frozen=True, slots=True, eq=False)
class RowFacts:
    """`bits` a row of the picks; `refused`: format -> {place among the picks: reason}; `more_targets` is the place of
    the first chat that teaches more than its last turn, None if there is none."""

    bits: np.ndarray  # uint16[n]
    refused: dict[str, dict[int, str]]
    more_targets: int | None

    @property
    def one_target(self) -> bool:
        """Whether TRL's file has prompt and completion rather than messages."""
        return self.more_targets is None

    def places(self, bits: int) -> np.ndarray:
        """int64: places of the rows with any of the bits."""
        return np.flatnonzero(self.bits & np.uint16(bits))


def look_at(rows: Iterable[ExportRow]) -> RowFacts:
    """Look at every row once."""
    bits: list[int] = []
    refused: dict[str, dict[int, str]] = {name: {} for name in _BUILDERS}
    more_targets: int | None = None
    for place, row in enumerate(rows):
        bits.append(bits_of(row.sample))
        if more_targets is None and row.sample.kind == "chat" and not has_one_target(row.sample):
            more_targets = place
        for name, build in _BUILDERS.items():
            try:
                build(row.sample)
            except RowError as error:
                refused[name][place] = error.reason
    return RowFacts(np.array(bits, np.uint16), refused, more_targets)


def bits_of(sample: Sample) -> int:
    """The row's shape."""
    thoughts = THOUGHTS if any(turn.thoughts for turn in (*sample.turns, *sample.rejected)) else 0
    if sample.kind != "chat":
        return PAIR | thoughts if sample.kind == "preference" else TEXT
    turns = sample.turns[1:] if sample.turns[0].role == "system" else sample.turns
    answers = [turn for turn in turns if is_trained(turn)]
    empty = [not turn.content and turn.tool_calls is None for turn in answers]
    calls = [turn for turn in turns if turn.tool_calls is not None]
    conditions = {
        NOT_ENDING_WITH_ANSWER: not turns or turns[-1].role != "assistant",
        STARTS_WITH_ANSWER: bool(turns) and turns[0].role == "assistant",
        NOT_IN_TURNS: not _in_turns(turns),
        EMPTY_ANSWERS: bool(empty) and all(empty),
        SOME_EMPTY_ANSWERS: any(empty) and not all(empty),
        WEIGHT_ZERO: any(turn.role == "assistant" and turn.weight == 0 for turn in turns),
        BARE_CALL: any(not turn.content for turn in calls),
        TEXT_BESIDE_CALL: any(turn.content for turn in calls),
        SEVERAL_ANSWERS: len(answers) > 1,
        BROKEN_ARGUMENTS: any(not _readable(turn) for turn in calls),
    }
    return thoughts + sum(bit for bit, holds in conditions.items() if holds)


def _in_turns(turns: tuple[Turn, ...]) -> bool:
    roles = [
        turn.role for place, turn in enumerate(turns) if not (place and turn.role == turns[place - 1].role == "tool")
    ]
    expected = (("user", "tool"), ("assistant",))
    return len(roles) % 2 == 0 and all(role in expected[place % 2] for place, role in enumerate(roles))


def _readable(turn: Turn) -> bool:
    for call in json.loads(turn.tool_calls or "[]"):
        arguments = call.get("function", {}).get("arguments", {})
        if isinstance(arguments, str):
            try:
                json.loads(arguments)
            except ValueError:
                return False
    return True
