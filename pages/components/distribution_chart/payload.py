"""What the distribution chart's browser side gets: plain Python numbers, as numpy ones would become one long string."""

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np

from lobass_core.learnability.distributions import Distribution
from pages.components import theme

Form = Literal["density", "count", "cumulative"]
Range = tuple[float | None, float | None]

MOST_LINES = 2
# Under this many rows a histogram is mostly noise: beside a larger domain it does not set the scale.
FIRM_ROWS = 500


def payload(
    shape: Distribution,
    *,
    form: Form,
    slots: Mapping[str, int],
    title: str,
    name: str,
    label: str,
    picture: str,
    log_x: bool = False,
    brush: Range = (None, None),
    seq: int = 0,
) -> dict[str, object]:
    """The whole message. `title` stands under the axis, `name` is the picture's file name, `label` is spoken.

    `brush` is drawn; `seq` is the number of the browser's brush that this answers.
    """
    heights = _heights(shape, form, log_x)
    ridges = len(shape.names) > MOST_LINES
    tops = _tops(heights, shape.n, form, ridges=ridges)
    return {
        "form": form,
        "ridges": ridges,
        "log": log_x,
        "title": title,
        "name": name,
        "label": label,
        "picture": picture,
        "edges": [float(edge) for edge in shape.edges],
        "domains": [
            {
                "name": domain,
                "slot": int(slots.get(domain, k)) % theme.N_DOMAIN_COLOURS,
                "n": int(shape.n[k]),
                "median": float(shape.median[k]) if math.isfinite(shape.median[k]) else None,
                "top": tops[k],
                "heights": [float(height) for height in heights[k]],
                "counts": [int(n) for n in shape.counts[k]],
            }
            for k, domain in enumerate(shape.names)
        ],
        "brush": [None if end is None else float(end) for end in brush] if brush != (None, None) else None,
        "seq": seq,
    }


def _heights(shape: Distribution, form: Form, log_x: bool) -> np.ndarray:
    """A value for each bin; for a cumulative line one for each edge."""
    if form == "cumulative":
        return shape.cumulative()
    return shape.density(per_decade=log_x) if form == "density" else shape.counts


def _tops(heights: np.ndarray, n: np.ndarray, form: Form, *, ridges: bool) -> list[float]:
    """The value at the top of each domain's room."""
    if form == "cumulative":
        return [1.0] * len(n)
    each = heights.max(axis=1) if len(n) else np.zeros(0)
    if form == "density" and ridges:
        # A ridge shows where its domain lies: each uses the height that it has.
        return [float(top) or 1.0 for top in each]
    firm = each[n >= FIRM_ROWS] if form == "density" and (n >= FIRM_ROWS).any() else each
    return [float(firm.max(initial=0.0)) or 1.0] * len(n)
