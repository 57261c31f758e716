"""One pass over the picks before anything is written: which kinds there are, and which columns every row will have."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from lobass_core.exporting.columns import Columns, looks_like_a_date, renamed_notes
from lobass_core.exporting.plan import ExportRow
from lobass_core.exporting.trainer_rows import TURN_KEYS, has_one_target, has_parallel_results, split_pair, turn_extra
from lobass_core.records import REASONING_KEYS, Sample, SampleKind, Turn

KINDS: tuple[SampleKind, ...] = ("chat", "preference", "text")
# Columns that a loader or trainer gives a meaning of its own: an unknown field of that name would change the training.
RESERVED = frozenset(
    [
        "messages",
        "conversations",
        "prompt",
        "completion",
        "chosen",
        "rejected",
        "text",
        "tools",
        "system",
        "instruction",
        "input",
        "output",
        "history",
        "label",
        "labels",
        "images",
        "image",
        "videos",
        "audios",
        "input_ids",
        "attention_mask",
        "position_ids",
        "token_type_ids",
        "completion_mask",
        "assistant_masks",
        "chat_template_kwargs",
        "seq_lengths",
    ]
)
_CALL_KEYS = ("id", "type", "function")
_OPTIONAL_KEYS = ("name", "tool_calls", "tool_call_id", "weight", "input", *REASONING_KEYS)


@dataclass(slots=True)
class Survey:
    """What the rows have in common. `one_target`: every conversation teaches its last turn and nothing else.

    `uneven` are the kinds of which a JSON file would not show every type in its first row: `datasets` fixes the columns
    of such a file on its first 10 MB, so that a later row with a tool call would end the reading.
    """

    reserved: frozenset[str] = RESERVED
    n_rows: Counter[str] = field(default_factory=Counter)
    n_with_tools: Counter[str] = field(default_factory=Counter)
    one_target: bool = True
    # Every tool call is {id, type, function: {name, arguments}}, in this order or with the arguments first: a fixed
    # Arrow type holds that. The order counts, as templates print calls as they are.
    has_plain_keys: bool = True
    function_orders: set[tuple[str, ...]] = field(default_factory=set)
    n_parallel_results: int = 0  # conversations in which tools answer one after another
    has_system: bool = False
    has_history: bool = False  # some conversation has more than one exchange
    has_dates: bool = False  # some text could be read as a date
    uneven: set[str] = field(default_factory=set)
    turn_keys: set[str] = field(default_factory=set)
    row_columns: dict[str, Columns] = field(default_factory=dict)
    turn_columns: Columns = field(default_factory=lambda: Columns(TURN_KEYS))

    def see(self, row: ExportRow) -> None:
        """Look at one row."""
        sample = row.sample
        self.n_rows[sample.kind] += 1
        self.n_with_tools[sample.kind] += sample.tools is not None
        if sample.kind == "chat":
            self.one_target = self.one_target and has_one_target(sample)
        self.row_columns.setdefault(sample.kind, Columns(self.reserved)).see(row.extra)
        self.n_parallel_results += has_parallel_results(sample.turns)
        starts_with_system = sample.turns[0].role == "system"
        self.has_system |= starts_with_system
        self.has_history |= len(sample.turns) - starts_with_system > 2
        self.has_dates |= any(looks_like_a_date(turn.content) for turn in sample.turns)
        if _is_uneven(sample):
            self.uneven.add(sample.kind)
        for turn in (*sample.turns, *sample.rejected):
            self._see_turn(turn)

    def _see_turn(self, turn: Turn) -> None:
        for key in _OPTIONAL_KEYS:
            if getattr(turn, key) is not None:
                self.turn_keys.add(key)
        if turn.tool_calls is not None:
            calls = json.loads(turn.tool_calls)
            self.has_plain_keys = self.has_plain_keys and all(map(_is_plain, calls))
            if self.has_plain_keys:
                self.function_orders.update(tuple(call["function"]) for call in calls if len(call["function"]) == 2)
        self.turn_columns.see(turn_extra(turn))

    @property
    def kinds(self) -> list[SampleKind]:
        """The kinds that occur, conversations first."""
        return [kind for kind in KINDS if self.n_rows[kind]]

    @property
    def plain_calls(self) -> bool:
        """Whether one Arrow type holds all tool calls, keys in their order."""
        return self.has_plain_keys and len(self.function_orders) < 2

    @property
    def function_keys(self) -> tuple[str, ...]:
        """Name and arguments, in the order that all tool calls have."""
        return next(iter(self.function_orders), ("name", "arguments"))

    @property
    def has_tools(self) -> bool:
        """Whether any row offers tools."""
        return any(self.n_with_tools.values())

    def fits_json(self, kind: SampleKind) -> bool:
        """Whether a JSON file of this kind has the same keys with the same types in every row, the first one too."""
        return kind not in self.uneven and self.n_with_tools[kind] in (0, self.n_rows[kind])

    def columns_of(self, kind: SampleKind) -> Columns:
        """The unknown fields of the rows of that kind."""
        return self.row_columns[kind]

    def notes(self) -> list[str]:
        """Fields that are written under another name."""
        return renamed_notes([*self.row_columns.values(), self.turn_columns])


def survey(rows: Iterable[ExportRow], reserved: frozenset[str] = RESERVED) -> Survey:
    """Look at every row once."""
    surveyed = Survey(reserved)
    for row in rows:
        surveyed.see(row)
    return surveyed


def _is_uneven(sample: Sample) -> bool:
    turns = (*sample.turns, *sample.rejected)
    if sample.kind == "preference" and not split_pair(sample)[0]:
        return True
    if all(looks_like_a_date(turn.content) for turn in turns):
        return True
    return any(turn_extra(turn) or any(getattr(turn, key) is not None for key in _OPTIONAL_KEYS) for turn in turns)


def _is_plain(call: dict) -> bool:
    function = call.get("function")
    return (
        tuple(call) == tuple(key for key in _CALL_KEYS if key in call)
        and isinstance(function, dict)
        and set(function) <= {"name", "arguments"}
        and all(
            value is None or isinstance(value, str) for value in (call.get("id"), call.get("type"), *function.values())
        )
    )
