"""One pass over the picks before anything is written: which kinds there are, and which columns every row will have."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from lobass_core.exporting.columns import Columns
from lobass_core.exporting.plan import ExportRow
from lobass_core.exporting.trainer_rows import TURN_KEYS, has_one_target, has_parallel_results, turn_extra
from lobass_core.records import REASONING_KEYS, SampleKind, Turn

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
_CALL_KEYS = frozenset(("id", "type", "function"))


@dataclass(slots=True)
class Survey:
    """What the rows have in common. `one_target`: every conversation teaches its last turn and nothing else."""

    reserved: frozenset[str] = RESERVED
    n_rows: Counter[str] = field(default_factory=Counter)
    one_target: bool = True
    has_tools: bool = False
    plain_calls: bool = True  # every tool call is {id, type, function: {name, arguments}}: a fixed Arrow type holds it
    n_parallel_results: int = 0  # conversations in which tools answer one after another
    turn_keys: set[str] = field(default_factory=set)
    row_columns: dict[str, Columns] = field(default_factory=dict)
    turn_columns: Columns = field(default_factory=lambda: Columns(TURN_KEYS))

    def see(self, row: ExportRow) -> None:
        """Look at one row."""
        sample = row.sample
        self.n_rows[sample.kind] += 1
        self.has_tools |= sample.tools is not None
        if sample.kind == "chat":
            self.one_target = self.one_target and has_one_target(sample)
        self.row_columns.setdefault(sample.kind, Columns(self.reserved)).see(row.extra)
        self.n_parallel_results += has_parallel_results(sample.turns)
        for turn in (*sample.turns, *sample.rejected):
            self._see_turn(turn)

    def _see_turn(self, turn: Turn) -> None:
        for key in ("name", "tool_calls", "tool_call_id", "weight", "input", *REASONING_KEYS):
            if getattr(turn, key) is not None:
                self.turn_keys.add(key)
        if turn.tool_calls is not None:
            self.plain_calls = self.plain_calls and all(_is_plain(call) for call in json.loads(turn.tool_calls))
        self.turn_columns.see(turn_extra(turn))

    @property
    def kinds(self) -> list[SampleKind]:
        """The kinds that occur, conversations first."""
        return [kind for kind in KINDS if self.n_rows[kind]]

    def notes(self) -> list[str]:
        """Fields that no column could be made of."""
        refused = sorted(set().union(*(columns.refused for columns in self.row_columns.values())))
        return [
            f"the field {name!r} is not written: a column of that name means something else here" for name in refused
        ]


def survey(rows: Iterable[ExportRow], reserved: frozenset[str] = RESERVED) -> Survey:
    """Look at every row once."""
    found = Survey(reserved)
    for row in rows:
        found.see(row)
    return found


def _is_plain(call: dict) -> bool:
    function = call.get("function")
    return (
        set(call) <= _CALL_KEYS
        and isinstance(function, dict)
        and set(function) <= {"name", "arguments"}
        and all(
            value is None or isinstance(value, str) for value in (call.get("id"), call.get("type"), *function.values())
        )
    )
