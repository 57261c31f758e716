"""Plain text: one field, every token of which is scored."""

from collections.abc import Mapping
from typing import Any

from lobass_core.formats.record_format import ParsedSample, RecordFormat, rest_of
from lobass_core.formats.row_errors import RowError
from lobass_core.formats.turns import columns_of, field_of, text_of
from lobass_core.records import Sample, Turn


def parse(row: dict[str, Any], mapping: Mapping[str, str]) -> ParsedSample:
    """A text as one turn that is all response."""
    column = mapping.get("text", "text")
    text = text_of(field_of(row, column), repr(column))
    if not text.strip():
        raise RowError(f"{column!r} is empty")
    return ParsedSample(Sample.of((Turn("assistant", text),), kind="text"), rest_of(row, *columns_of(column, row)))


def build(sample: Sample, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The whole text under `text`."""
    if sample.kind != "text":
        raise RowError(f"a {sample.kind} sample is not one text")
    return {"text": sample.turns[0].content} | {key: value for key, value in extra.items() if key != "text"}


FORMAT = RecordFormat("text", "Plain text", ("text",), ("text",), parse, build, {"response": "text"})
