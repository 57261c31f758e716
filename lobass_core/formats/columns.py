"""Any table, by the columns that a person names: prompt and response, or text, or chosen and rejected."""

from collections.abc import Mapping
from typing import Any

from lobass_core.formats import alpaca, preference, prompt_completion, text
from lobass_core.formats.record_format import ParsedSample, RecordFormat
from lobass_core.formats.row_errors import RowError
from lobass_core.formats.turns import field_of, lines_of
from lobass_core.records import Sample


def parse(row: dict[str, Any], mapping: Mapping[str, str]) -> ParsedSample:
    """A row by its mapping: `chosen` makes a pair, `text` a text, `input` an Alpaca row, else prompt and response."""
    row = _with_lists_as_lines(row, mapping)
    if "chosen" in mapping:
        for field in ("prompt", "system"):
            if field in mapping:
                field_of(row, mapping[field])
        return preference.parse(row, mapping)
    if "text" in mapping:
        return text.parse(row, mapping)
    names = {"prompt": "prompt", "response": "response", **mapping}
    if "system" in mapping:
        field_of(row, mapping["system"])
    if "input" in mapping:
        fields = {"instruction": names["prompt"], "output": names["response"], "input": names["input"]}
        return alpaca.parse(row, {**fields, "system": names.get("system", "system")})
    fields = {"prompt": names["prompt"], "completion": names["response"]}
    return prompt_completion.parse(row, {**fields, "system": names.get("system", "system")})


def _with_lists_as_lines(row: dict[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """The row with each mapped column that is a list of texts as one text; lists of turns stay."""
    lines = {
        column: lines_of(row[column], repr(column))
        for column in mapping.values()
        if isinstance(value := row.get(column), list) and value and not isinstance(value[0], dict | list)
    }
    return {**row, **lines} if lines else row


def build(sample: Sample, extra: Mapping[str, Any]) -> dict[str, Any]:
    """One plain exchange as the columns prompt and response, with system where there is one."""
    turns = sample.turns
    system = turns[0].content if turns and turns[0].role == "system" else ""
    spoken = turns[1:] if system else turns
    if sample.kind == "text":
        return text.build(sample, extra)
    if sample.kind != "chat" or [turn.role for turn in spoken] != ["user", "assistant"]:
        raise RowError("the conversation has more than one question and answer, which columns cannot hold")
    if sample.tools or any(turn.tool_calls for turn in spoken):
        raise RowError("the columns prompt and response have no field for tools")
    if spoken[0].input is not None:
        raise RowError("the columns prompt and response have no field for an input")
    row = {"prompt": spoken[0].content, "response": spoken[1].content}
    if system:
        row["system"] = system
    return row | {key: value for key, value in extra.items() if key not in row}


FORMAT = RecordFormat(
    "columns",
    "Columns",
    ("prompt", "response", "input", "system", "text", "chosen", "rejected"),
    (),
    parse,
    build,
    {"instruction": "prompt", "completion": "response", "output": "response"},
)
