"""Places for the names of regions: inside their region, apart from each other, off the dense cells.

Everything is in shares of the panel: x from the left, y from the bottom.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Places for a label along each side of its region, corners first: a label in a corner is found at once.
STEPS = (0.0, 1.0, 0.5, 0.25, 0.75)
FINE_STEPS = tuple(i / 30 for i in range(31))


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A part of a panel, with its corners ascending."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.top - self.bottom

    def meets(self, other: "Rectangle") -> bool:
        """Whether the two share more than a border."""
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )

    def distance(self, other: "Rectangle") -> float:
        """From middle to middle."""
        across = self.left + self.right - other.left - other.right
        up = self.bottom + self.top - other.bottom - other.top
        return math.hypot(across, up) / 2


PANEL = Rectangle(0.0, 0.0, 1.0, 1.0)


def placed(
    counts: np.ndarray, regions: Sequence[Rectangle | None], sizes: Sequence[tuple[float, float]]
) -> list[Rectangle | None]:
    """A place of the given size (width, height) for the label of each region; None for no region.

    `counts` are the rows in equal cells, int64[ny, nx]. A label larger than its region begins in it and goes over its
    border, never over the panel's. The least room is given out first; rows under a label count before its place.
    """
    places: list[Rectangle | None] = [None] * len(regions)
    shown = [k for k, region in enumerate(regions) if region is not None]
    for k in sorted(shown, key=lambda k: _area(regions[k])):
        region = regions[k]
        assert region is not None
        taken = [place for place in places if place is not None]
        choices = _choices(region, *sizes[k])
        free = [place for place in choices if not any(place.meets(other) for other in taken)]
        if free:
            places[k] = min(free, key=lambda place: rows_under(counts, place))
        else:
            # Thin regions side by side: the nearest free place on the panel.
            anywhere = _choices(PANEL, *sizes[k], steps=FINE_STEPS)
            free = [place for place in anywhere if not any(place.meets(other) for other in taken)]
            places[k] = min(free or choices, key=region.distance)
    return places


def rows_under(counts: np.ndarray, place: Rectangle) -> float:
    """Rows in the cells that a label touches."""
    n_y, n_x = counts.shape
    x = slice(max(int(place.left * n_x + 1e-9), 0), int(np.ceil(place.right * n_x - 1e-9)))
    y = slice(max(int(place.bottom * n_y + 1e-9), 0), int(np.ceil(place.top * n_y - 1e-9)))
    return float(counts[y, x].sum())


def _area(region: Rectangle | None) -> float:
    return 0.0 if region is None else region.width * region.height


def _choices(region: Rectangle, width: float, height: float, *, steps: Sequence[float] = STEPS) -> list[Rectangle]:
    """Places along the sides and in the middle of a region, top right first, as far as they fit on the panel."""
    places = []
    for up, along in itertools.product(steps, steps):
        left = region.right - width - along * max(region.width - width, 0.0)
        bottom = region.top - height - up * max(region.height - height, 0.0)
        left, bottom = min(max(left, 0.0), 1 - width), min(max(bottom, 0.0), 1 - height)
        places.append(Rectangle(left, bottom, left + width, bottom + height))
    return places
