"""What the cut instrument's browser side gets: tables to compute with, one spec, its exact answer.

Everything is a plain Python number or a first-level Arrow table: a numpy number or NaN anywhere would turn the payload
into one string or stop the script.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from lobass_core.learnability.measures import Measure
from lobass_core.selection.cut_curves import CutCurves, cut_curves
from lobass_core.selection.result import CutAnswer
from lobass_core.selection.sorted_scores import SortedScores
from lobass_core.specs import SelectionSpec

# Bars of a few rows each say nothing; more than these are thinner than a screen shows.
LEAST_BINS, MOST_BINS = 40, 160
# About 64 kB of tables whatever the number of domains; 1,000 points a domain is finer than a screen.
MOST_KNOTS = 4000
LEAST_RATIO = 1e-6
SYMBOLS = {
    "base_loss": "L_base", "reference_loss": "L_ref", "n_response_tokens": "n", "n_response_bytes": "bytes",
    " - ": " − ", " * ": " · ",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class InstrumentTables:
    """The part of the payload that a moving cut does not change; build it once for each sorted table."""

    table_id: str
    shown: tuple[int, ...]  # indices of the domains that have rows
    fixed: dict[str, object]


def tables(scores: SortedScores, slots: Mapping[str, int], table_id: str) -> InstrumentTables:
    """Curves and totals of the domains that have rows in scope; `slots` are colour slots by domain."""
    supply = scores.supply
    shown = tuple(k for k, n in enumerate(supply.n_rows) if n)
    n_knots = max(min(1000, MOST_KNOTS // max(len(shown), 1)), 100)
    n_bins = round(2 * math.sqrt(max(supply.n_competing, default=0)))
    curves = cut_curves(scores, n_knots=n_knots, n_bins=min(max(n_bins, LEAST_BINS), MOST_BINS))
    domains = [
        {
            "name": supply.domains[k],
            "slot": int(slots.get(supply.domains[k], k)),
            "nRows": supply.n_rows[k],
            "nByHand": supply.n_by_hand[k],
            "nCompeting": supply.n_competing[k],
            "tokens": supply.tokens[k],
            "tokensByHand": supply.tokens_by_hand[k],
            "tokensCompeting": supply.tokens_competing[k],
            "nBelow": int(curves.domains[k].n_below_axis),
            "nAbove": int(curves.domains[k].n_above_axis),
        }
        for k in shown
    ]
    n_rows = sum(supply.n_rows)
    fixed: dict[str, object] = {
        "table_id": table_id,
        "measure": {
            "title": scores.measure.title,
            "notation": notation(scores.measure),
            "sign": scores.sign,
        },
        "n_rows": n_rows,
        "n_tokens": sum(supply.tokens),
        "n_uncounted": sum(supply.uncounted),
        "has_tokens": scores.n_uncounted == 0 and scores.table.is_scored,
        "least_ratio": max(LEAST_RATIO, round(0.5 / max(n_rows, 1), 6)),
        "axis": [float(curves.bin_edges[0]), float(curves.bin_edges[-1])],
        "bins": [[int(n) for n in curves.domains[k].bins] for k in shown],
        "domains": domains,
        "knots": _knots(curves, shown),
    }
    return InstrumentTables(table_id, shown, fixed)


def notation(measure: Measure) -> str:
    """How the measure is computed, short enough for the head of the ridges; the browser sets what follows L_ lower."""
    if measure.uses_seed:
        return "set by the seed"
    text = measure.formula if " " in measure.formula else ""
    for long, short in SYMBOLS.items():
        text = text.replace(long, short)
    return ", ".join(part for part in (text, measure.unit) if part)


def payload(
    built: InstrumentTables, spec: SelectionSpec, answer: CutAnswer, *, seq: int, rev: int, error: str = ""
) -> dict[str, object]:
    """The whole message. `seq` echoes the browser's last change, `rev` counts changes that came from elsewhere.

    Scores of the spec and the answer are in the measure's own unit; the tables have them times its `sign`, so that the
    best are on the right.
    """
    shares = [answer.domains[k] for k in built.shown]
    cuts = {share.threshold for share in shares}
    return {
        **built.fixed,
        "seq": seq,
        "rev": rev,
        "error": error,
        "spec": {
            "budget": spec.budget,
            "value": float(spec.value),
            "balance": spec.balance,
            "weights": {name: float(weight) for name, weight in spec.weights},
        },
        "exact": {
            "kept": answer.n_kept,
            "tokens": answer.tokens_kept,
            "cut": _finite(next(iter(cuts))) if spec.balance == "global" and len(cuts) == 1 else None,
            "domains": [
                {
                    "kept": share.got,
                    "tokens": share.tokens,
                    "cut": _finite(share.threshold),
                    "exhausted": bool(share.exhausted and spec.balance != "global"),
                }
                for share in shares
            ],
        },
    }


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _knots(curves: CutCurves, shown: tuple[int, ...]) -> pa.Table:
    """One row a knot, grouped by domain in the order shown; 32-bit where the numbers allow."""
    columns: dict[str, list] = {"domain": [], "knot": [], "n_above": [], "tokens_above": []}
    for place, k in enumerate(shown):
        curve = curves.domains[k]
        columns["domain"] += [place] * len(curve.knots)
        columns["knot"] += curve.knots.tolist()
        columns["n_above"] += curve.n_above.tolist()
        columns["tokens_above"] += curve.tokens_above.tolist()
    most = max(columns["tokens_above"], default=0)
    return pa.table(
        {
            "domain": pa.array(columns["domain"], pa.int16()),
            "knot": pa.array(columns["knot"], pa.float64()),
            "n_above": pa.array(columns["n_above"], pa.int32()),
            "tokens_above": pa.array(columns["tokens_above"], pa.int32() if most < 2**31 else pa.float64()),
        }
    )
