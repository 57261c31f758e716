"""The four regions of the loss plane: rectangles in base loss and learnability, with limits of each domain's own.

learnability
     |          learnable
     |--------------------------------  learnable_from
     |  already known  | too hard or
     |                 | noisy
   0 |-----------------+--------------
     |          forgotten
     +-----------------|--------------  base loss
                   known_below
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lobass_core.errors import RequestError

REGIONS = ("learnable", "already known", "too hard or noisy", "forgotten")
LEARNABLE, KNOWN, HARD, FORGOTTEN = range(4)
# A row whose loss did not change has learned nothing, wherever the others of its domain lie.
LEAST_LEARNABLE = math.nextafter(0.0, 1.0)

Range = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the regions of one domain meet: a finite learnability, and a base loss above 0, in nats per token."""

    learnable_from: float
    known_below: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.learnable_from) and math.isfinite(self.known_below) and self.known_below > 0):
            raise RequestError(
                f"learnable from {self.learnable_from} and known below {self.known_below} nats are not valid limits",
                do="Use finite numbers, and a base loss above 0.",
            )

    def ranges(self, region: int) -> tuple[Range, Range]:
        """The region's closed rectangle: (learnability, base loss). Open borders lie just inside."""
        top = max(self.learnable_from, 0.0)
        rest = (0.0, math.nextafter(top, -math.inf))
        return {
            LEARNABLE: ((top, None), (None, None)),
            KNOWN: (rest, (None, math.nextafter(self.known_below, -math.inf))),
            HARD: (rest, (self.known_below, None)),
            FORGOTTEN: ((None, math.nextafter(0.0, -math.inf)), (None, None)),
        }[region]


def usual_limits(
    base_loss: np.ndarray, learnability: np.ndarray, code: np.ndarray, n_groups: int
) -> tuple[Limits, ...]:
    """Limits by group without a cut: the upper third of its learnability, and the median of its base loss.

    Both are relative on purpose: a fixed loss would call all data of a weak base too hard. (0, ln 2) without a row.
    """
    limits = []
    for k in range(n_groups):
        rows = (code == k) & ~np.isnan(learnability)
        n = int(rows.sum())
        if not n:
            limits.append(Limits(LEAST_LEARNABLE, math.log(2)))
            continue
        least = n - max(n // 3, 1)
        upper_third = float(np.partition(learnability[rows], least)[least])
        limits.append(Limits(max(upper_third, LEAST_LEARNABLE), float(np.median(base_loss[rows]))))
    return tuple(limits)


def regions(base_loss: np.ndarray, learnability: np.ndarray, code: np.ndarray, limits: Sequence[Limits]) -> np.ndarray:
    """int8[n] into REGIONS, -1 without a learnability; `code` points into `limits`.

    Learnability decides first: below 0 forgotten, at or above the limit learnable. Base loss splits only the rest.
    """
    if not limits:
        return np.full(len(learnability), -1, np.int8)
    learnable_from = np.array([limit.learnable_from for limit in limits])[code]
    known_below = np.array([limit.known_below for limit in limits])[code]
    with np.errstate(invalid="ignore"):
        region = np.where(base_loss < known_below, KNOWN, HARD).astype(np.int8)
        region[learnability >= learnable_from] = LEARNABLE
        region[learnability < 0] = FORGOTTEN
    region[np.isnan(learnability)] = -1
    return region


def region_counts(region: np.ndarray, code: np.ndarray, n_groups: int) -> np.ndarray:
    """int64[groups, 4]: rows in each region."""
    placed = region >= 0
    flat = code[placed].astype(np.int64) * len(REGIONS) + region[placed]
    return np.bincount(flat, minlength=n_groups * len(REGIONS)).reshape(n_groups, len(REGIONS))
