"""Alpaca: instruction, input, output, and for longer chats system and history.

{"instruction": "Simplify.", "input": "4/16", "output": "1/4"}
user       "Simplify.\\n\\n4/16"   (input "4/16" stays marked on the turn)
assistant  "1/4"
"""

from collections.abc import Mapping
from typing import Any

from lobass_core.formats.record_format import ParsedSample, RecordFormat, rest_of
from lobass_core.formats.row_errors import RowError
from lobass_core.formats.turns import columns_of, field_of, text_of, tools_text, with_system
from lobass_core.records import Sample, Turn

DEFAULTS = {"input": "input", "system": "system", "history": "history"}


def parse(row: dict[str, Any], mapping: Mapping[str, str]) -> ParsedSample:
    """An Alpaca row as a chat; an empty or null `input` is no input."""
    names = {**DEFAULTS, **mapping}
    instruction = text_of(field_of(row, names.get("instruction", "instruction")), _quoted(names, "instruction"))
    output = text_of(field_of(row, names.get("output", "output")), _quoted(names, "output"))
    taken = {"tools"}
    for field in ("instruction", "output"):
        taken.update(columns_of(names.get(field, field), row))
    given_input, columns = _optional(row, names["input"])
    taken.update(columns)
    system, columns = _optional(row, names["system"])
    taken.update(columns)
    turns = []
    if names["history"] in row:
        turns.extend(_history(row[names["history"]]))
        taken.add(names["history"])
    user = (
        Turn("user", f"{instruction}\n\n{given_input}", input=given_input) if given_input else Turn("user", instruction)
    )
    if not (instruction.strip() or given_input.strip() or output.strip()):
        raise RowError("instruction, input and output are all empty")
    every = with_system((*turns, user, Turn("assistant", output)), system)
    return ParsedSample(Sample.of(every, tools=tools_text(row.get("tools"))), rest_of(row, *taken))


def _quoted(names: Mapping[str, str], field: str) -> str:
    return repr(names.get(field, field))


def _optional(row: dict[str, Any], column: str) -> tuple[str, list[str]]:
    if column not in row and "+" not in column:
        return "", []
    value = field_of(row, column)
    return ("" if value is None else text_of(value, repr(column))), columns_of(column, row)


def _history(pairs: Any) -> list[Turn]:
    """Earlier exchanges, a list of [question, answer]."""
    turns = []
    for number, pair in enumerate(pairs or [], 1):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise RowError(f"exchange {number} of 'history' is not a pair of question and answer")
        turns.append(Turn("user", text_of(pair[0], f"question {number} of 'history'")))
        turns.append(Turn("assistant", text_of(pair[1], f"answer {number} of 'history'")))
    return turns


def build(sample: Sample, extra: Mapping[str, Any]) -> dict[str, Any]:
    """A chat as an Alpaca row: the last exchange is instruction and output, earlier ones are history."""
    turns = sample.turns
    if sample.kind != "chat":
        raise RowError(f"a {sample.kind} sample has no instruction and output")
    system = turns[0].content if turns and turns[0].role == "system" else ""
    turns = turns[1:] if turns and turns[0].role == "system" else turns
    roles = [turn.role for turn in turns]
    if sample.tools or "tool" in roles or any(turn.tool_calls for turn in turns):
        raise RowError("Alpaca has no field for tools")
    if not roles or roles != ["user", "assistant"] * (len(roles) // 2):
        raise RowError("user and assistant do not take turns, as Alpaca requires")
    if any(turn.weight == 0 for turn in turns):
        raise RowError("Alpaca cannot exclude a turn with weight 0 from training")
    if any(turn.thoughts for turn in turns):
        raise RowError("Alpaca has no field for reasoning")
    if any(turn.input is not None for turn in turns[:-2]):
        raise RowError("Alpaca's history has no field for an input")
    user, assistant = turns[-2:]
    row: dict[str, Any] = {"instruction": user.instruction, "input": user.input or "", "output": assistant.content}
    if system:
        row["system"] = system
    if len(turns) > 2:
        row["history"] = [[turns[i].content, turns[i + 1].content] for i in range(0, len(turns) - 2, 2)]
    return row | {key: value for key, value in extra.items() if key not in row}


FORMAT = RecordFormat(
    "alpaca",
    "Alpaca",
    ("instruction", "output", "input", "system", "history"),
    ("instruction", "output"),
    parse,
    build,
    {"prompt": "instruction", "response": "output", "completion": "output"},
)
