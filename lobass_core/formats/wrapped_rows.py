"""A record as a row of columns, however it is wrapped: as JSON text, as a bare list of turns, as a pair of texts."""

from typing import Any

from lobass_core.formats.raw_records import RawRecord, decode_line, json_text
from lobass_core.formats.row_errors import RowError
from lobass_core.formats.turn_lists import is_turn


def row_of(value: Any) -> dict[str, Any]:
    """The record as columns.

        {"prompt": ...}                     as it is
        "{\\"prompt\\": ...}"               the object that the text holds
        [{"role": ...}, {"role": ...}]      {"messages": the list}, or {"conversations": the list} for from and value
        ["question", "answer"]              {"prompt": the first, "response": the second}

    Raises:
        RowError: it is none of these.
    """
    if isinstance(value, dict):
        return value
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            value = decode_line(value)
        except (ValueError, RecursionError):
            raise RowError("the record is text that is not JSON") from None
        if isinstance(value, dict):
            return value
    if isinstance(value, list) and value:
        if all(map(is_turn, value)):
            return {"conversations" if "from" in value[0] else "messages": value}
        if len(value) == 2 and all(isinstance(item, str) for item in value):
            return {"prompt": value[0], "response": value[1]}
    kind = {"str": "text", "list": "a list", "NoneType": "null"}.get(type(value).__name__, "a bare value")
    raise RowError(f"the record is {kind}, not an object with fields")


def rows_of(values: list[Any]) -> list[dict[str, Any]]:
    """The rows of those records that are some."""
    rows = []
    for value in values:
        try:
            rows.append(row_of(value))
        except RowError:
            continue
    return rows


def with_field(record: RawRecord, names: tuple[str, str], text: str) -> RawRecord:
    """The record with a column that says where it stood, under the first name that is free, in value and source."""
    try:
        row = row_of(record.value)
    except RowError:
        return record
    if row.get(names[0]) == text:
        return record
    name = next((name for name in names if name not in row), "")
    if not name:
        return record
    value = {name: text, **row}
    if isinstance(record.value, dict):
        rest = record.source_text[record.source_text.index("{") + 1 :]
        source = "{" + json_text({name: text})[1:-1] + (", " if row else "") + rest
    else:
        source = json_text(value)
    return RawRecord(record.row_index, record.line, value, source, record.mended)
