"""Tables in one JSON object: as columns, as pandas writes them, as the Hub's API answers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lobass_core.formats.classify import classify
from lobass_core.formats.turn_lists import is_turn
from lobass_core.words.plural import plural


@dataclass(frozen=True, slots=True)
class TableReader:
    """How such a table is told in words, and its rows; a row that cannot be read is a reason."""

    words: str
    rows: Callable[[dict[str, Any]], Iterator[dict[str, Any] | str]]


def _column_rows(table: dict[str, Any]) -> Iterator[dict[str, Any] | str]:
    """{"prompt": [a, b], "response": [c, d]}; what is no list belongs to the whole table, not to its rows."""
    lists = {key: value for key, value in table.items() if isinstance(value, list)}
    longest = max(map(len, lists.values()), default=0)
    short = [f"{key} has {len(value):,}" for key, value in lists.items() if len(value) < longest]
    for index in range(longest):
        if all(index < len(value) for value in lists.values()):
            yield {key: value[index] for key, value in lists.items()}
        else:
            yield f"the columns differ in length: the longest has {longest:,} values, {', '.join(short)}"


def _indexed_rows(table: dict[str, Any]) -> Iterator[dict[str, Any] | str]:
    """{"prompt": {"0": a, "1": b}, "response": {"0": c, "1": d}}"""
    for index in dict.fromkeys(index for column in table.values() for index in column):
        yield {key: column.get(index) for key, column in table.items()}


def _split_rows(table: dict[str, Any]) -> Iterator[dict[str, Any] | str]:
    """{"columns": ["prompt", "response"], "index": [0, 1], "data": [[a, c], [b, d]]}"""
    names = table["columns"]
    for cells in table["data"]:
        if len(cells) == len(names):
            yield dict(zip(names, cells, strict=True))
        else:
            yield f"has {plural(len(cells), 'cell')}, but the table has {plural(len(names), 'column')}"


def _hub_rows(table: dict[str, Any]) -> Iterator[dict[str, Any] | str]:
    """{"features": [...], "rows": [{"row_idx": 0, "row": {...}, "truncated_cells": []}, ...]}"""
    for item in table["rows"]:
        if cut := item.get("truncated_cells"):
            yield f"the Hub's response truncates the cells {', '.join(map(str, cut))}: download the file itself"
        else:
            yield item["row"]


TABLE_READERS = {
    "columns": TableReader("a table by columns", _column_rows),
    "index": TableReader("a table by columns and index, as pandas writes it", _indexed_rows),
    "split": TableReader("a table in pandas' split form", _split_rows),
    "hub": TableReader("a response of the Hub's rows API", _hub_rows),
}


def table_kind(members: dict[str, Any]) -> str:
    """Which of `TABLE_READERS` reads the object; "" for none."""
    rows, names, data = members.get("rows"), members.get("columns"), members.get("data")
    if isinstance(rows, list) and rows and all(isinstance(row, dict) and "row" in row for row in rows):
        return "hub"
    if _all(names, str) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        return "split"
    if _is_indexed(members):
        return "index"
    return "columns" if _is_columns(members) else ""


def _all(value: Any, kind: type) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, kind) for item in value)


def _is_indexed(members: dict[str, Any]) -> bool:
    """Two columns or more under one index: whole numbers, or at least keys that no column could be."""
    columns = list(members.values())
    if len(columns) < 2 or not all(isinstance(column, dict) and column for column in columns):
        return False
    indices = columns[0].keys()
    return all(column.keys() == indices for column in columns) and all(str(index).isdecimal() for index in indices)


def _is_columns(members: dict[str, Any]) -> bool:
    """Columns that a format knows and that are lists of cells; else two lists of cells or more, and nothing but lists.

    The turns of one conversation are no column: {"prompt": [{"role": ...}], "completion": [{"role": ...}]} is a row.
    """
    reading = classify(members)
    if reading is not None:
        values = members.get(reading[1][0][1])
        return isinstance(values, list) and bool(values) and not is_turn(values[0])
    lists = [value for value in members.values() if isinstance(value, list) and value]
    n_cells = sum(not isinstance(value[0], dict | list) for value in lists)
    if len(lists) < len(members) or not n_cells:
        return False
    same_length = len(set(map(len, lists))) == 1
    return not any(isinstance(value[0], dict) for value in lists) or (n_cells > 1 and same_length)
