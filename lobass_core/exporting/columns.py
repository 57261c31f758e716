"""Which columns the fields that we do not know become: one type a column, so that any loader opens the file."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa

_INT64 = range(-(2**63), 2**63)
_ARROW = {"text": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "null": pa.string()}


@dataclass(slots=True)
class Columns:
    """Collects the unknown fields of many rows; a name that is reserved never becomes a column, but is remembered."""

    reserved: frozenset[str]
    kinds: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def see(self, extra: dict) -> None:
        """Look at one row's fields."""
        for name, value in extra.items():
            if name in self.reserved:
                self.refused.add(name)
            else:
                self.kinds[name] = _widest(self.kinds.get(name, "null"), _kind(value))

    def of(self, extra: dict) -> dict:
        """The fields of one row as its columns hold them; fields that the row does not have are left out."""
        return {name: _as(self.kinds[name], value) for name, value in extra.items() if name in self.kinds}

    def arrow_fields(self, names: Iterable[str] | None = None) -> list[pa.Field]:
        """The columns with their Arrow types, in the order in which they were first seen."""
        return [pa.field(name, _ARROW[self.kinds[name]]) for name in (self.kinds if names is None else names)]


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int():
            return "int" if value in _INT64 else "text"
        case float():
            return "float"
        case _:
            return "text"


def _widest(one: str, other: str) -> str:
    if one == other or other == "null":
        return one
    if one == "null":
        return other
    return "float" if {one, other} == {"int", "float"} else "text"


def _as(kind: str, value: object) -> object:
    if value is None or (kind != "text" and kind != "null"):
        return float(value) if kind == "float" and isinstance(value, int) else value
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
