"""The review queue: rows to read before a selection is trusted, near its cut or flagged.

asked = review.queue(cuts=(("math", 0.31),))      # everything in question, undecided rows only
review.queue_of(project, "paper-6")               # the same for the cut of a saved selection
"""

import numpy as np

from lobass_core.errors import RequestError
from lobass_core.learnability import flags as flag
from lobass_core.learnability.measure_values import measure_of, standard_errors
from lobass_core.learnability.measures import uses_seed
from lobass_core.project import Project
from lobass_core.validation.stability import could_go_either_way
from lobass_core.validation.statistics import student_95
from lobass_core.words.loss_columns import is_member
from lobass_core.workflows import select
from lobass_core.workflows.browse_filter import QUEUE, BrowseFilter
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.row_table import RowTable

# On either side of each cut: an evening's reading for eight domains, and enough to see whether the cut lies well.
NEAR_ROWS = 25
FLAGS = {name: bit for bit, name in flag.FLAG_NAMES.items() if name in QUEUE}

Cuts = tuple[tuple[str, float], ...]
# At a million rows a mask is 1 MB.
_near: Recent[np.ndarray] = Recent(4)


def queue(cuts: Cuts = (), cut_by: str = "learnability") -> BrowseFilter:
    """The undecided rows in question, nearest to the cut first; without cuts those with a flag, in the usual order."""
    if not cuts or uses_seed(cut_by):
        return BrowseFilter(review=tuple(FLAGS), decisions=("undecided",))
    return BrowseFilter(review=QUEUE, decisions=("undecided",), cuts=cuts, cut_by=cut_by, sort="cut")


def queue_of(project: Project, name: str) -> BrowseFilter:
    """The review queue of a saved selection: its cut is the least score that it kept by score, by domain.

    Raises:
        SelectionError: there is none of that name.
    """
    selection, spec = select.load(project, name)
    shares = [(share["domain"], share["threshold"]) for share in selection.result["domains"]]
    return queue(cuts_of(shares, spec.balance == "global"), spec.method)


def cuts_of(thresholds: list[tuple[str, float | None]], is_global: bool) -> Cuts:
    """Cuts from (domain, threshold); domains that keep nothing by score have none, and a global cut is one for all."""
    cuts = [(domain, float(cut)) for domain, cut in thresholds if cut is not None]
    return (("", cuts[0][1]),) if cuts and is_global else tuple(cuts)


def in_review(rows: RowTable, asked: BrowseFilter, scope: np.ndarray | None) -> np.ndarray:
    """bool[n]: rows with one of the reasons that the filter names."""
    bits = sum(FLAGS[name] for name in asked.review if name in FLAGS)
    return np.logical_or.reduce([rows.table.has(bits), *by_cut(rows, asked, scope).values()])


def by_cut(rows: RowTable, asked: BrowseFilter, scope: np.ndarray | None) -> dict[str, np.ndarray]:
    """bool[n] of each reason of the filter that goes by its cuts, within the scope (None: all rows).

    near_cut: the `NEAR_ROWS` rows just above and just below each cut. either_way: rows that chance could put on the
    other side of it.

    Raises:
        RequestError: a cut is given for a domain that is not there.
        SelectionError: the rows have no measure of the cut's name.
    """
    everything = scope is None or scope.all()
    key = (rows.root, rows.version, asked.cuts, asked.cut_by, everything or scope.tobytes())  # type: ignore[union-attr]
    return {
        name: _near.get((name, *key), lambda find=find: find(rows, asked, scope))  # type: ignore[misc]
        for name, find in (("near_cut", _near_cut), ("either_way", _either_way))
        if name in asked.review
    }


def reasons(rows: RowTable, asked: BrowseFilter, cut_reasons: dict[str, np.ndarray], position: int) -> list[str]:
    """Why a row is in the queue, as the filter names it; `cut_reasons` are those of `by_cut`."""
    bits = int(rows.table.flags[position])
    of_cut = [name for name, rows_with in cut_reasons.items() if rows_with[position]]
    return of_cut + [name for name, bit in FLAGS.items() if name in asked.review and bits & bit]


def _near_cut(rows: RowTable, asked: BrowseFilter, scope: np.ndarray | None) -> np.ndarray:
    table, score = rows.table, rows.values(asked.cut_by)
    cost = -score if measure_of(table, asked.cut_by).higher_is_better else score
    is_near = np.zeros(len(table), bool)
    inside = np.isfinite(score) if scope is None else np.isfinite(score) & scope
    for domain, cut in asked.cuts:
        place = np.flatnonzero(inside & _of_domain(rows, domain))
        kept = cost[place] <= (cut if cost is score else -cut)
        is_near[_nearest(rows, cost, place[kept], last=True)] = True
        is_near[_nearest(rows, cost, place[~kept], last=False)] = True
    return is_near


def _either_way(rows: RowTable, asked: BrowseFilter, scope: np.ndarray | None) -> np.ndarray:
    table, score = rows.table, rows.values(asked.cut_by)
    inside = np.isfinite(score) if scope is None else np.isfinite(score) & scope
    margin, found = margins(rows, asked.cut_by), np.zeros(len(table), bool)
    for domain, cut in asked.cuts:
        place = np.flatnonzero(inside & _of_domain(rows, domain))
        is_higher_better = measure_of(table, asked.cut_by).higher_is_better
        found[place] |= could_go_either_way(score[place], margin[place], cut, higher_is_better=is_higher_better)
    return found


def margins(rows: RowTable, measure: str) -> np.ndarray:
    """float64[n]: half of the 95 % interval that several references give each value; 0 where there is one."""
    errors = standard_errors(rows.table, measure)
    if errors is None:
        return np.zeros(len(rows))
    n_references = sum(map(is_member, rows.table.losses))
    return np.nan_to_num(errors) * student_95(n_references - 1)


def _nearest(rows: RowTable, cost: np.ndarray, place: np.ndarray, *, last: bool) -> np.ndarray:
    """The last or the first `NEAR_ROWS` of these rows in the order in which rows are kept."""
    if len(place) > NEAR_ROWS:
        # Only what can be among them is sorted.
        distance = -cost[place] if last else cost[place]
        place = place[distance <= np.partition(distance, NEAR_ROWS - 1)[NEAR_ROWS - 1]]
    table = rows.table
    ranked = place[np.lexsort((table.row_key[place], table.tie_key[place], cost[place]))]
    return ranked[-NEAR_ROWS:] if last else ranked[:NEAR_ROWS]


def distance(rows: RowTable, asked: BrowseFilter) -> np.ndarray:
    """float64[n]: how far each score lies from the cut of its domain; NaN where there is no score or no cut."""
    score = rows.values(asked.cut_by)
    cut = np.full(len(rows), np.nan)
    for domain, value in asked.cuts:
        cut[_of_domain(rows, domain)] = value
    return np.abs(score - cut)


def _of_domain(rows: RowTable, domain: str) -> np.ndarray:
    if not domain:
        return np.ones(len(rows), bool)
    if domain not in rows.table.domains:
        known = ", ".join(rows.table.domains)
        raise RequestError(f"there is no domain {domain} for the cut", do=f"There are: {known or 'none'}.")
    return rows.table.domain_code == rows.table.domains.index(domain)
