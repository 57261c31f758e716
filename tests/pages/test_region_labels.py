"""Names of regions stand in their region, apart from each other, and off the densest cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.components import plane_regions
from pages.components.region_labels import PANEL as WHOLE
from pages.components.region_labels import Rectangle, placed, rows_under

SIZE = (0.3, 0.1)


@pytest.mark.parametrize(
    ("dense", "corner"),
    [((slice(8, 10), slice(6, 10)), (0.0, 0.9)), ((slice(8, 10), slice(0, 10)), (0.7, 0.0)), ((0, 0), (0.7, 0.9))],
    ids=["top right", "top", "bottom left"],
)
def test_a_label_keeps_off_the_dense_cells(dense, corner):
    counts = np.zeros((10, 10), int)
    counts[dense] = 100
    (place,) = placed(counts, [WHOLE], [SIZE])
    assert place is not None
    assert (place.left, place.bottom) == pytest.approx(corner)
    assert rows_under(counts, place) == 0


def test_rows_under_a_label_are_those_of_the_cells_it_touches():
    counts = np.arange(16).reshape(4, 4)
    assert rows_under(counts, Rectangle(0.25, 0.25, 0.75, 0.5)) == 5 + 6
    assert rows_under(counts, Rectangle(0.2, 0.25, 0.75, 0.5)) == 4 + 5 + 6
    assert rows_under(counts, WHOLE) == counts.sum()


def test_a_region_that_does_not_show_has_no_label():
    assert placed(np.ones((4, 4), int), [None, WHOLE], [SIZE, SIZE])[0] is None


shares = st.floats(0.05, 0.95)


@given(shares, shares, shares, st.integers(0, 2**32 - 1))
def test_four_labels_never_meet_and_stay_on_the_panel(low, up, across, seed):
    zero, top = sorted((low, up))
    regions = [
        Rectangle(0.0, top, 1.0, 1.0),
        Rectangle(0.0, zero, across, top),
        Rectangle(across, zero, 1.0, top),
        Rectangle(0.0, 0.0, 1.0, zero),
    ]
    counts = np.random.default_rng(seed).integers(0, 50, (48, 60))
    places = placed(counts, [one if one.height > 0 else None for one in regions], [(0.35, 0.07)] * 4)
    found = [place for place in places if place is not None]
    for k, place in enumerate(found):
        assert place.left >= 0 and place.bottom >= 0 and place.right <= 1 + 1e-9 and place.top <= 1 + 1e-9
        assert not any(place.meets(other) for other in found[k + 1 :])


def test_a_label_at_a_side_is_held_by_it():
    assert plane_regions.held_across(Rectangle(0.0, 0.5, 0.3, 0.6)) == {"xanchor": "left", "x": 0.0, "xshift": 3}
    assert plane_regions.held_across(Rectangle(0.7, 0.5, 1.0, 0.6)) == {"xanchor": "right", "x": 1.0, "xshift": -3}
    assert plane_regions.held_across(Rectangle(0.25, 0.5, 0.5, 0.6)) == {"xanchor": "center", "x": 0.375}
