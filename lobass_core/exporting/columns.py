"""Which columns the fields that we do not know become: one type a column, so that any loader opens the file."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa

_INT64 = range(-(2**63), 2**63)
_ARROW = {"text": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "null": pa.string()}
# Arrow's JSON reader takes a text like 2024-05-01 for a point in time where no other text of its column is near.
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T].*)?")
# The JSON text of the fields that some rows lack: `datasets` fixes a JSON file's columns on its first 10 MB.
METADATA = "metadata"


def looks_like_a_date(text: str) -> bool:
    """Whether Arrow's JSON reader might read the text as a date."""
    return _DATE.fullmatch(text) is not None


@dataclass(slots=True)
class Columns:
    """Collects the unknown fields of many rows. A field whose name is reserved is written under another name.

    `n_rows` counts what was seen, `n_values` how often a field had a value, `dated` the fields with a text like a date.
    """

    reserved: frozenset[str]
    kinds: dict[str, str] = field(default_factory=dict)
    n_rows: int = 0
    n_values: Counter[str] = field(default_factory=Counter)
    dated: set[str] = field(default_factory=set)

    def see(self, extra: dict) -> None:
        """Look at one row's fields."""
        self.n_rows += 1
        for name, value in extra.items():
            self.kinds[name] = _widest(self.kinds.get(name, "null"), _kind(value))
            self.n_values[name] += _is_value(value)
            if isinstance(value, str) and looks_like_a_date(value):
                self.dated.add(name)

    def name_of(self, name: str) -> str:
        """The column of a field: its own name, or `source_` before it where that name is taken."""
        column = name
        while column in self.reserved or (column != name and column in self.kinds):
            column = f"source_{column}"
        return column

    @property
    def renamed(self) -> dict[str, str]:
        """Field -> column, where they differ."""
        return {name: column for name in self.kinds if (column := self.name_of(name)) != name}

    def of(self, extra: dict) -> dict:
        """The fields of one row as its columns hold them; fields that the row does not have are left out."""
        return {self.name_of(name): _as(self.kinds[name], value) for name, value in extra.items() if name in self.kinds}

    def arrow_fields(self) -> list[pa.Field]:
        """The columns with their Arrow types, in the order in which they were first seen."""
        return [pa.field(self.name_of(name), _ARROW[kind]) for name, kind in self.kinds.items()]

    def is_in_every_row(self, name: str) -> bool:
        """Whether the first row alone shows the type of the field."""
        return self.n_values[name] == self.n_rows and name not in self.dated

    @property
    def folded(self) -> list[str]:
        """Fields that a JSON file holds in `metadata` rather than in a column of their own."""
        return [name for name in self.kinds if not self.is_in_every_row(name)]

    def json_of(self, extra: dict) -> dict:
        """The fields of one row for a JSON file: the same columns with the same types in every row."""
        folded = self.folded
        if not folded:
            return self.of(extra)
        rest = {name: plain_json(extra[name]) for name in folded if name in extra}
        own = {name: value for name, value in extra.items() if name not in rest}
        columns = self.of(own)
        name = METADATA if METADATA not in columns and METADATA not in self.reserved else f"source_{METADATA}"
        return columns | {name: json.dumps(rest, ensure_ascii=False, allow_nan=False)}


def plain_json(value: object) -> object:
    """The value with NaN and infinity, which JSON has no words for, as text."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case dict():
            return {key: plain_json(item) for key, item in value.items()}
        case list():
            return [plain_json(item) for item in value]
        case _:
            return value


def _is_value(value: object) -> bool:
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


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
    return value if isinstance(value, str) else json.dumps(plain_json(value), ensure_ascii=False)


def renamed_notes(columns: Iterable[Columns]) -> list[str]:
    """A note for each field that is written under another name."""
    pairs = sorted({pair for one in columns for pair in one.renamed.items()})
    return [
        f"the field {name!r} is written as {column!r}, because that column name already has another meaning"
        for name, column in pairs
    ]
