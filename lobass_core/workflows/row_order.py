"""The orders in which rows are listed, computed once per version of the rows."""

import numpy as np

from lobass_core.learnability.score_table import ScoreTable
from lobass_core.workflows.browse_filter import BrowseFilter, is_descending
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.review import distance
from lobass_core.workflows.row_table import RowTable, listed_values

# At a million rows an order is 4 MB.
_orders: Recent[np.ndarray] = Recent(8)


def sort_of(rows: RowTable, asked: BrowseFilter) -> tuple[str, bool]:
    """The sort that holds, and whether it runs downward; the best by the usual measure come first unless it is said."""
    if rows.measure and not asked.sort and asked.descending is None:
        return rows.measure.name, rows.measure.higher_is_better
    sort = asked.sort or (rows.measure.name if rows.measure else "imported")
    return sort, is_descending(sort, asked.descending)


def row_order(rows: RowTable, asked: BrowseFilter) -> np.ndarray:
    """int32[n]: every row, in the order of the sort; rows without the value last, ties by sample, then by row.

    Raises:
        SelectionError: the rows have no measure of the sort's name, or of that which the cut is on.
    """
    sort, descending = sort_of(rows, asked)
    key = (rows.root, rows.version, sort, descending, asked.cuts if sort == "cut" else (), asked.cut_by)
    return _orders.get(key, lambda: _sorted(rows, asked, sort, descending))


def _sorted(rows: RowTable, asked: BrowseFilter, sort: str, descending: bool) -> np.ndarray:
    table = rows.table
    if sort == "imported":
        return rows.as_imported[::-1].copy() if descending else rows.as_imported
    if rows.measure and sort == rows.measure.name and descending == rows.measure.higher_is_better:
        return rows.best_first
    values = distance(rows, asked) if sort == "cut" else listed_values(rows, sort)
    # A stable sort of rows that stand in tie order already; NaN goes last in both directions.
    ties = _orders.get((rows.root, rows.version, "ties"), lambda: _tie_order(table))
    return ties[stable_order(-values[ties] if descending else values[ties])]


def _tie_order(table: ScoreTable) -> np.ndarray:
    """int32[n]: rows by sample id, then by row, as everywhere else where scores are equal."""
    return np.lexsort((table.row_key, table.tie_key)).astype(np.int32)


def stable_order(values: np.ndarray) -> np.ndarray:
    """int64[n]: positions from the least value to the greatest, equal ones as they stood, NaN last.

    The same as `np.argsort(values, kind="stable")`, 22 ms in place of 106 at a million floats: the quick sort is five
    times as fast, and only what it found equal is put right afterwards.
    """
    if values.dtype.kind == "i" and len(values) and np.abs(values).max() < 2**15:
        # Numbers of tokens are nearly all equal to another; short integers have a stable sort by digits.
        return np.argsort(values.astype(np.int16), kind="stable")
    order = np.argsort(values)
    ordered = values[order]
    same = (ordered[1:] == ordered[:-1]) | (np.isnan(ordered[1:]) & np.isnan(ordered[:-1]))
    if not same.any():
        return order
    tied = np.zeros(len(order), bool)
    tied[1:] |= same
    tied[:-1] |= same
    places = np.flatnonzero(tied)
    run = np.concatenate([[0], np.cumsum(~same)])[places]
    order[places] = order[places][np.argsort(run * len(order) + order[places])]
    return order
