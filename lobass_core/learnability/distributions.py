"""Binned views of scores and losses: histograms, the cells of the loss plane, score against length, summaries."""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from lobass_core.learnability.measure_values import values_of
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.records import BASE, REFERENCE


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """Rows by value in bins that all groups share; rows beyond the axis are counted, not piled into an end bin."""

    edges: np.ndarray  # float64[b + 1]
    names: tuple[str, ...]
    counts: np.ndarray  # int64[groups, b]
    n_below: np.ndarray  # int64[groups]
    n_above: np.ndarray  # int64[groups]
    median: np.ndarray  # float64[groups], NaN for an empty group

    @property
    def n(self) -> np.ndarray:
        """int64[groups]: rows with a value, within the axis or beyond."""
        return self.counts.sum(axis=1) + self.n_below + self.n_above

    def density(self, *, per_decade: bool = False) -> np.ndarray:
        """float64[groups, b]: share of the group's rows a unit (or a decade) of the axis; 0 for an empty group."""
        n = np.maximum(self.n, 1)[:, None]
        return self.counts / n / np.diff(np.log10(self.edges) if per_decade else self.edges)

    def cumulative(self) -> np.ndarray:
        """float64[groups, b + 1]: share of the group's rows below each edge."""
        below = np.concatenate([self.n_below[:, None], self.counts], axis=1).cumsum(axis=1)
        return below / np.maximum(self.n, 1)[:, None]


def distribution(values: np.ndarray, code: np.ndarray, names: tuple[str, ...], edges: np.ndarray) -> Distribution:
    """Histogram of `values` (NaN left out) in each group; bins are closed below, the last one above too."""
    parts = [values[(code == k) & ~np.isnan(values)] for k in range(len(names))]
    counts = [np.histogram(part, edges)[0] for part in parts]
    return Distribution(
        edges=edges,
        names=names,
        counts=np.array(counts, np.int64).reshape(len(names), len(edges) - 1),
        n_below=np.array([int((part < edges[0]).sum()) for part in parts], np.int64),
        n_above=np.array([int((part > edges[-1]).sum()) for part in parts], np.int64),
        median=np.array([np.median(part) if len(part) else np.nan for part in parts]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Rows by two values. `counts[k, j, i]`: group k, bin j of y, bin i of x; `n_beyond` lie outside of either axis."""

    x_edges: np.ndarray
    y_edges: np.ndarray
    names: tuple[str, ...]
    counts: np.ndarray  # int64[groups, ny, nx]
    n_beyond: np.ndarray  # int64[groups]


def grid(
    x: np.ndarray, y: np.ndarray, code: np.ndarray, names: tuple[str, ...], x_edges: np.ndarray, y_edges: np.ndarray
) -> Grid:
    """Count rows in rectangles; rows with NaN in either value are left out."""
    usable = ~(np.isnan(x) | np.isnan(y))
    n_x, n_y = len(x_edges) - 1, len(y_edges) - 1
    i, j = _bin_of(x, x_edges), _bin_of(y, y_edges)
    inside = usable & (i >= 0) & (j >= 0)
    flat = (code[inside].astype(np.int64) * n_y + j[inside]) * n_x + i[inside]
    counts = np.bincount(flat, minlength=len(names) * n_y * n_x).reshape(len(names), n_y, n_x)
    beyond = np.bincount(code[usable & ~inside], minlength=len(names))
    return Grid(x_edges, y_edges, names, counts, beyond)


def _bin_of(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Index of the bin, -1 outside; closed below, the last bin above too. NaN gives -1."""
    bins = np.searchsorted(edges, values, side="right") - 1
    bins[values == edges[-1]] = len(edges) - 2
    bins[~((values >= edges[0]) & (values <= edges[-1]))] = -1
    return bins


@dataclass(frozen=True, slots=True, eq=False)
class BinMedians:
    """Quartiles of y in bins of x; NaN where a bin holds fewer rows than asked for."""

    edges: np.ndarray  # float64[b + 1]
    n: np.ndarray  # int64[b]
    lower: np.ndarray  # float64[b], 25 %
    median: np.ndarray  # float64[b]
    upper: np.ndarray  # float64[b], 75 %


def bin_medians(x: np.ndarray, y: np.ndarray, edges: np.ndarray, *, at_least: int = 5) -> BinMedians:
    """Median and quartiles of y along x, for bins of `at_least` rows."""
    i = _bin_of(x, edges)
    usable = (i >= 0) & ~np.isnan(y)
    y, i = y[usable], i[usable].astype(np.int16)
    by_y = np.argsort(y)
    # A stable sort of int16 is a radix sort: this costs one sort, not two.
    order = by_y[np.argsort(i[by_y], kind="stable")]
    ranked, bins = y[order], i[order]
    starts = np.searchsorted(bins, np.arange(len(edges)))
    quartiles = np.full((3, len(edges) - 1), np.nan)
    for k, (start, end) in enumerate(itertools.pairwise(starts)):
        if end - start >= at_least:
            quartiles[:, k] = np.quantile(ranked[start:end], [0.25, 0.5, 0.75])
    return BinMedians(edges, np.diff(starts), *quartiles)


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """One line of a table by domain, dataset or length; losses in nats per response token, None without a scored row.

    `n_tokens` are the response tokens of the rows that are counted, `n_uncounted` rows are not.
    Bits per byte are all bits over all bytes of the responses of the scored rows whose bytes are known.
    """

    name: str
    n_rows: int
    n_scored: int
    n_tokens: int
    n_uncounted: int
    base_loss: float | None
    reference_loss: float | None
    base_bits_per_byte: float | None
    reference_bits_per_byte: float | None
    learnability_lower: float | None
    learnability_median: float | None
    learnability_upper: float | None
    negative_share: float | None


def summaries(table: ScoreTable, code: np.ndarray, names: tuple[str, ...]) -> list[GroupSummary]:
    """Means of the losses and quartiles of the learnability in each group; rows of code -1 are left out."""
    learnability = values_of(table, "learnability")
    scored, counted = ~np.isnan(learnability), table.is_counted
    lines = []
    for k, name in enumerate(names):
        rows = code == k
        chosen = rows & scored
        of_chosen = learnability[chosen]
        lower, median, upper = (
            np.quantile(of_chosen, [0.25, 0.5, 0.75]).tolist() if len(of_chosen) else (None, None, None)
        )
        lines.append(
            GroupSummary(
                name=name,
                n_rows=int(rows.sum()),
                n_scored=len(of_chosen),
                n_tokens=int(table.n_tokens[rows].sum()),
                n_uncounted=int((rows & ~counted).sum()),
                base_loss=float(table.losses[BASE][chosen].mean()) if len(of_chosen) else None,
                reference_loss=float(table.losses[REFERENCE][chosen].mean()) if len(of_chosen) else None,
                base_bits_per_byte=_bits_per_byte(table, table.losses[BASE], chosen),
                reference_bits_per_byte=_bits_per_byte(table, table.losses[REFERENCE], chosen),
                learnability_lower=lower,
                learnability_median=median,
                learnability_upper=upper,
                negative_share=float((of_chosen < 0).mean()) if len(of_chosen) else None,
            )
        )
    return lines


@dataclass(frozen=True, slots=True)
class ValueSummary:
    """One measure in one domain or dataset: rows, those with a value, mean and quartiles; None without a value."""

    name: str
    n_rows: int
    n_with_value: int
    mean: float | None
    lower: float | None
    median: float | None
    upper: float | None


def value_summaries(values: np.ndarray, code: np.ndarray, names: tuple[str, ...]) -> list[ValueSummary]:
    """One line a group; NaN is no value."""
    lines = []
    for k, name in enumerate(names):
        of_group = values[code == k]
        known = of_group[~np.isnan(of_group)]
        lower, median, upper = np.quantile(known, [0.25, 0.5, 0.75]).tolist() if len(known) else (None, None, None)
        mean = float(known.mean()) if len(known) else None
        lines.append(ValueSummary(name, len(of_group), len(known), mean, lower, median, upper))
    return lines


def _bits_per_byte(table: ScoreTable, loss: np.ndarray, rows: np.ndarray) -> float | None:
    known = rows & (table.n_bytes > 0)
    n_bytes = int(table.n_bytes[known].sum(dtype=np.int64))
    return float((loss[known] * table.n_tokens[known]).sum()) / (math.log(2) * n_bytes) if n_bytes else None


# Response tokens: powers of two, as lengths spread.
LENGTH_BINS = (1, 5, 16, 32, 64, 128, 256, 512, 1024)


def length_groups(n_tokens: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Code and name of each row's length bin; -1 without a response. The last bin has no upper end."""
    code = np.searchsorted(LENGTH_BINS, n_tokens, side="right") - 1
    inner = [f"{low:,}–{high - 1:,}" for low, high in itertools.pairwise(LENGTH_BINS)]
    return code, (*inner, f"{LENGTH_BINS[-1]:,} or more")


# Beyond two interquartile ranges below the box a few outliers would squeeze everything else into a corner.
LOWER_FENCE_IQR = 2.0


def round_axis(values: np.ndarray, *, tail: float = 0.005) -> tuple[float, float]:
    """A round range for an axis; (0, 1) without values.

    At most the share `tail` of the values lies above it. Below it lies more only where the lowest values are outliers:
    the selections that matter take from the top, so the top is never cut off for being rare.
    """
    values = values[~np.isnan(values)]
    if not len(values):
        return 0.0, 1.0
    low, quarter, three_quarters, high = np.quantile(values, [tail, 0.25, 0.75, 1 - tail], method="nearest").tolist()
    return rounded_outward(max(low, quarter - LOWER_FENCE_IQR * (three_quarters - quarter)), high)


def length_edges(n_tokens: np.ndarray, n_bins: int) -> np.ndarray:
    """Edges between whole numbers, growing by a factor: no bin of short lengths is empty for lack of a number in it."""
    low, high = log_axis(n_tokens)
    return np.unique(np.rint(np.geomspace(low, high, n_bins + 1))) - 0.5


def rounded_outward(low: float, high: float) -> tuple[float, float]:
    """The least range of round numbers around [low, high]; never empty."""
    step = rounded_step((high - low) / 20 or abs(high) / 20 or 0.05)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    return (low, high) if high > low else (low - step, high + step)


def rounded_step(step: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not below `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def log_axis(values: np.ndarray, *, tail: float = 0.002) -> tuple[float, float]:
    """A range for a logarithmic axis over the values above 0; (0.1, 10) without any."""
    values = values[values > 0]
    if not len(values):
        return 0.1, 10.0
    place = int(tail * (len(values) - 1))
    low, high = np.partition(values, [place, len(values) - 1 - place])[[place, len(values) - 1 - place]]
    # Tenths of a decade are fine enough, and a single value still gets a width.
    low, high = math.floor(math.log10(low) * 10) / 10, math.ceil(math.log10(high) * 10) / 10
    return 10.0**low, 10.0 ** (high if high > low else low + 0.1)
