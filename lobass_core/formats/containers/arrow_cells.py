"""The cells of an Arrow column as Python values, where Python has such values, and as text where it has none."""

import datetime
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAYS_TO_1970 = datetime.date(1970, 1, 1).toordinal() - 1
# Of Python's and pandas' own, so that one cell which has no Python form does not end the file.
_FAULTS = (ValueError, KeyError, OverflowError, TypeError, NotImplementedError, pa.ArrowException)


def column_cells(column: pa.Array) -> tuple[list[Any], dict[int, str]]:
    """The column's values with maps as dicts, and a reason for each place that has none.

    Dates that Python cannot hold (beyond the year 9999) and times in an unknown zone come as Arrow writes them.
    """
    try:
        return column.to_pylist(maps_as_pydicts="strict"), {}
    except _FAULTS:
        pass
    cells: list[Any] = []
    faults: dict[int, str] = {}
    as_text = None
    for place in range(len(column)):
        try:
            cells.append(column[place].as_py(maps_as_pydicts="strict"))
            continue
        except _FAULTS as error:
            fault = error
        if (moment := _far_moment(column[place])) is not None:
            cells.append(moment)
            continue
        if as_text is None:
            as_text = _with_dates_as_text(column)
        try:
            cells.append(as_text[place].as_py(maps_as_pydicts="strict"))
        except _FAULTS:
            cells.append(_shown(column[place]))
            faults[place] = _reason(fault)
    return cells, faults


def _reason(fault: Exception) -> str:
    if isinstance(fault, UnicodeDecodeError):
        return "contains text that is not valid UTF-8"
    if isinstance(fault, KeyError):
        return "contains a map with a duplicate key"
    return f"contains a value that cannot be read: {str(fault).splitlines()[0] if str(fault) else type(fault).__name__}"


def _shown(cell: pa.Scalar) -> str:
    """What a reject shows of a cell that has no value."""
    try:
        return cell.cast(pa.large_binary()).as_py().decode("utf-8", "backslashreplace")
    except (*_FAULTS, AttributeError):
        return f"({cell.type})"


def _far_moment(cell: pa.Scalar) -> str | None:
    """A date or a timestamp without a zone as text, whatever its year; None for other cells."""
    kind = cell.type
    if pa.types.is_date32(kind):
        return _date(cell.value)
    if not (pa.types.is_date64(kind) or (pa.types.is_timestamp(kind) and kind.tz is None)):
        return None
    n_seconds, fraction = divmod(cell.value, _UNITS["ms" if pa.types.is_date64(kind) else kind.unit])
    days, seconds = divmod(n_seconds, 86_400)
    if pa.types.is_date64(kind):
        return _date(days)
    digits = {"s": 0, "ms": 3, "us": 6, "ns": 9}[kind.unit]
    part = f".{fraction:0{digits}}" if fraction else ""
    return f"{_date(days)} {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{part}"


def _date(days: int) -> str:
    """The date that many days after 1970-01-01: the calendar repeats every 400 years, 146,097 days."""
    cycles, rest = divmod(days + _DAYS_TO_1970, 146_097)
    date = datetime.date.fromordinal(rest + 1)
    return f"{cycles * 400 + date.year:04}-{date.month:02}-{date.day:02}"


def _with_dates_as_text(column: pa.Array) -> pa.Array:
    """The column with each point in time as Arrow writes it; in UTC where the machine does not know its zone."""
    for kind in (column.type, _changed(column.type, _in_utc)):
        try:
            return pc.cast(pc.cast(column, kind), _changed(kind, _as_text))
        except _FAULTS:
            continue
    return column


def _as_text(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_temporal(kind) else kind


def _in_utc(kind: pa.DataType) -> pa.DataType:
    return pa.timestamp(kind.unit, "UTC") if pa.types.is_timestamp(kind) and kind.tz else kind


def _changed(kind: pa.DataType, change: Callable[[pa.DataType], pa.DataType]) -> pa.DataType:
    """The type with its innermost types changed."""
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _changed(field.type, change)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_changed(kind.key_type, change), _changed(kind.item_type, change))
    if pa.types.is_large_list(kind):
        return pa.large_list(_changed(kind.value_type, change))
    return pa.list_(_changed(kind.value_type, change)) if pa.types.is_list(kind) else change(kind)
