"""What is known of each picked row before a trainer sees it: its shape as bits, and which formats refuse it."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from lobass_core.exporting.plan import ExportRow
from lobass_core.exporting.trainer_rows import (
    MessageStyle,
    axolotl_row,
    has_one_target,
    has_parallel_results,
    llama_factory_row,
    split_pair,
    trl_row,
    turn_extra,
)
from lobass_core.formats import FORMATS, RowError
from lobass_core.formats.classify import classify
from lobass_core.formats.detect import Detection, parse_row
from lobass_core.records import Sample, Turn, response_turns

PAIR = 1
TEXT = 2
NOT_ENDING_WITH_ANSWER = 4
STARTS_WITH_ANSWER = 8
# After a first system prompt: user or tool results, assistant, user or tool results, assistant ...
NOT_IN_TURNS = 16
EMPTY_ANSWERS = 32  # every answer that is to be learnt is empty
SOME_EMPTY_ANSWERS = 64
WEIGHT_ZERO = 128
SEVERAL_ANSWERS = 256
BROKEN_ARGUMENTS = 512  # arguments of a tool call that are no JSON
THOUGHTS = 1024  # reasoning in a field of its own, beside the content of a turn
PARALLEL_RESULTS = 2048  # tools answer one after another
LAST_WEIGHT_ZERO = 4096  # the last turn is an answer that is not to be learnt
EMPTY_CHOSEN = 8192  # the chosen answer of a pair
TURN_FIELDS = 16384  # fields of a turn that no format knows


def _published(name: str) -> Callable[[Sample], dict]:
    return lambda sample: FORMATS[name].build(sample, {})


def _chat(sample: Sample) -> dict:
    if sample.kind != "chat":
        raise RowError(f"a {sample.kind} sample is not a conversation")
    return trl_row(sample)


def _axolotl(sample: Sample) -> dict:
    return axolotl_row(sample, MessageStyle(with_instruction=True))


_BUILDERS: dict[str, Callable[[Sample], dict]] = {
    **{name: _published(name) for name in ("alpaca", "sharegpt", "prompt-completion")},
    "messages": _chat,
    "trl": trl_row,
    "axolotl": _axolotl,
    "llama-factory": llama_factory_row,
}


@dataclass(frozen=True, slots=True, eq=False)
class RowFacts:
    """What is known of the picks, by their places.

    `refused`: format -> {place: reason}. `other_ids`: format -> places of rows that are other samples when the export
    is imported again. `more_targets` is the place of the first chat that teaches more than its last turn, None if there
    is none. `text_pairs`: every row is a pair of texts as prompt and completion, not of turns.
    """

    bits: np.ndarray  # uint32[n]
    n_answers: np.ndarray  # int64[n], answers that are to be learnt
    rejected_bytes: np.ndarray  # int64[n], of the longer side of a pair's rejected answer
    refused: dict[str, dict[int, str]]
    other_ids: dict[str, list[int]]
    more_targets: int | None
    text_pairs: bool = False

    @property
    def one_target(self) -> bool:
        """Whether TRL's file has prompt and completion rather than messages."""
        return self.more_targets is None

    def places(self, bits: int) -> np.ndarray:
        """int64: places of the rows with any of the bits."""
        return np.flatnonzero(self.bits & np.uint32(bits))


def look_at(rows: Iterable[ExportRow]) -> RowFacts:
    """Look at every row once."""
    bits: list[int] = []
    n_answers: list[int] = []
    rejected_bytes: list[int] = []
    refused: dict[str, dict[int, str]] = {name: {} for name in _BUILDERS}
    other_ids: dict[str, list[int]] = {name: [] for name in _BUILDERS}
    more_targets: int | None = None
    text_pairs = True
    for place, row in enumerate(rows):
        sample = row.sample
        bits.append(bits_of(sample))
        n_answers.append(sum(response_turns(sample.turns, sample.kind)))
        rejected_bytes.append(sum(len(_text_of(turn).encode("utf-8", "replace")) for turn in sample.rejected))
        if more_targets is None and sample.kind == "chat" and not has_one_target(sample):
            more_targets = place
        is_plain = _is_plain(sample)
        for name, build in _BUILDERS.items():
            try:
                record = build(sample)
            except RowError as error:
                refused[name][place] = error.reason
                continue
            if name == "prompt-completion":
                text_pairs = text_pairs and isinstance(record["prompt"], str)
            if not is_plain and not _comes_back(record, sample):
                other_ids[name].append(place)
    return RowFacts(
        bits=np.array(bits, np.uint32),
        n_answers=np.array(n_answers, np.int64),
        rejected_bytes=np.array(rejected_bytes, np.int64),
        refused=refused,
        other_ids=other_ids,
        more_targets=more_targets,
        text_pairs=text_pairs,
    )


def _text_of(turn: Turn) -> str:
    return "".join((turn.content, turn.tool_calls or "", *turn.thoughts.values()))


def _is_plain(sample: Sample) -> bool:
    """Roles and contents alone: every format that takes the row gives it back."""
    return sample.kind != "preference" and not sample.tools and all(
        turn == Turn(turn.role, turn.content, extra=turn.extra) for turn in sample.turns
    )  # fmt: skip


def _comes_back(record: dict, sample: Sample) -> bool:
    """Whether the record, imported again, is the same sample."""
    reading = classify(record)
    if reading is None:
        return False
    try:
        parsed = parse_row(record, Detection(reading[0], dict(reading[1]), reason="", confidence=1.0))
    except RowError:
        return False
    return parsed.sample.sample_id == sample.sample_id


def bits_of(sample: Sample) -> int:
    """The row's shape."""
    if sample.kind == "text":
        return TEXT
    every = (*sample.turns, *sample.rejected)
    beside = THOUGHTS if any(turn.thoughts for turn in every) else 0
    beside |= TURN_FIELDS if any(turn.extra and turn_extra(turn) for turn in every) else 0
    if sample.kind == "preference":
        chosen = split_pair(sample)[1]
        is_empty = not any(turn.content or turn.tool_calls for turn in chosen if turn.is_answer)
        return PAIR | beside | (EMPTY_CHOSEN if is_empty else 0)
    turns = sample.turns[1:] if sample.turns[0].role == "system" else sample.turns
    answers = [turn for turn in turns if turn.is_learnt]
    empty = [not turn.content and turn.tool_calls is None for turn in answers]
    calls = [turn for turn in turns if turn.tool_calls is not None]
    conditions = {
        NOT_ENDING_WITH_ANSWER: not turns or not turns[-1].is_answer,
        STARTS_WITH_ANSWER: bool(turns) and turns[0].is_answer,
        NOT_IN_TURNS: not _in_turns(turns),
        EMPTY_ANSWERS: bool(empty) and all(empty),
        SOME_EMPTY_ANSWERS: any(empty) and not all(empty),
        WEIGHT_ZERO: any(turn.is_answer and not turn.is_learnt for turn in turns),
        SEVERAL_ANSWERS: len(answers) > 1,
        PARALLEL_RESULTS: has_parallel_results(turns),
        LAST_WEIGHT_ZERO: bool(turns) and turns[-1].is_answer and not turns[-1].is_learnt,
        BROKEN_ARGUMENTS: any(not _readable(turn) for turn in calls),
    }
    return beside + sum(bit for bit, holds in conditions.items() if holds)


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
