"""Binned views against counts made by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobass_core.learnability import distributions as views
from tests.score_tables import row, table_of

NAN = float("nan")


def test_a_distribution_counts_what_lies_beyond_its_axis_apart():
    values = np.array([-1.0, 0.0, 0.1, 0.5, 1.0, 1.5, NAN, 0.2])
    code = np.array([0, 0, 0, 0, 0, 0, 0, 1])
    found = views.distribution(values, code, ("a", "b"), np.array([0.0, 0.5, 1.0]))
    assert found.counts.tolist() == [[2, 2], [1, 0]]
    assert (found.n_below.tolist(), found.n_above.tolist(), found.n.tolist()) == ([1, 0], [1, 0], [6, 1])
    assert found.median.tolist() == [0.3, 0.2]
    assert found.density().tolist() == [[2 / 6 / 0.5, 2 / 6 / 0.5], [2.0, 0.0]]
    decades = views.distribution(values, code, ("a", "b"), np.array([0.01, 0.1, 1.0]))
    assert decades.density(per_decade=True)[1].tolist() == [0.0, 1.0]
    assert found.cumulative().tolist() == [[1 / 6, 3 / 6, 5 / 6], [0.0, 1.0, 1.0]]


def test_a_grid_is_indexed_by_group_y_and_x():
    x, y = np.array([0.5, 1.5, 2.0, 1.5, NAN, 9.0]), np.array([0.5, 0.5, 1.0, 0.5, 0.5, 0.5])
    found = views.grid(x, y, np.array([0, 0, 0, 1, 1, 1]), ("a", "b"), np.array([0.0, 1, 2]), np.array([0.0, 0.75, 1]))
    assert found.counts.tolist() == [[[1, 1], [0, 1]], [[0, 1], [0, 0]]]
    assert found.n_beyond.tolist() == [0, 1]


@given(
    st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2), st.integers(0, 2)), max_size=60),
)
def test_every_row_is_in_one_cell_or_beyond(rows):
    x, y, code = (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.zeros(0),) * 3
    edges = np.linspace(-1, 1, 8)
    found = views.grid(x, y, code.astype(int), ("a", "b", "c"), edges, edges)
    expected = np.array([np.histogram2d(y[code == k], x[code == k], [edges, edges])[0] for k in range(3)])
    assert np.array_equal(found.counts, expected)
    assert found.counts.sum() + found.n_beyond.sum() == len(rows)


def test_quartiles_along_an_axis():
    x = np.array([1, 1, 1, 1, 1, 2.5, 2.5, NAN])
    y = np.array([5.0, 1.0, 2.0, 4.0, 3.0, 9.0, 9.0, 1.0])
    found = views.bin_medians(x, y, np.array([1.0, 2.0, 3.0]), at_least=3)
    assert found.n.tolist() == [5, 2]
    assert (found.lower[0], found.median[0], found.upper[0]) == (2.0, 3.0, 4.0)
    assert np.isnan([found.lower[1], found.median[1], found.upper[1]]).all()


def test_summaries_by_group():
    unscored = [f"{model}_{column}" for model in ("base", "reference") for column in ("loss_sum", "n_tokens", "status")]
    table = table_of(
        [
            row(0, "a", base=2.0, reference=1.0, n=10),
            row(1, "a", base=4.0, reference=5.0, n=30),
            row(2, "a") | dict.fromkeys(unscored),
            row(3, "b", base_loss_sum=None, base_status="non_finite"),
        ]
    )
    a, b = views.summaries(table, table.domain_code, table.domains)
    assert (a.n_rows, a.n_scored, a.n_tokens, a.base_loss, a.reference_loss) == (3, 2, 40, 3.0, 3.0)
    assert (a.learnability_lower, a.learnability_median, a.learnability_upper) == (-0.0625, 0.125, 0.3125)
    assert a.negative_share == 0.5
    assert (b.n_rows, b.n_scored, b.base_loss, b.learnability_median, b.negative_share) == (1, 0, None, None, None)


def test_length_groups():
    code, names = views.length_groups(np.array([0, 1, 4, 5, 1023, 1024, 9000]))
    assert code.tolist() == [-1, 0, 0, 1, 7, 8, 8]
    assert (names[0], names[1], names[-2], names[-1]) == ("1–4", "5–15", "512–1,023", "1,024 or more")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-0.31, 0.89, (-0.4, 0.9)), (3.0, 3.0, (2.8, 3.2)), (0.0, 0.0, (-0.05, 0.05)), (2, 4031, (0, 4500))],
)
def test_round_ranges(low, high, expected):
    assert views.rounded_outward(low, high) == pytest.approx(expected)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400))
def test_an_axis_leaves_at_most_its_tail_above(values):
    values = np.array(values)
    low, high = views.round_axis(values, tail=0.01)
    assert low < high
    # The nearest quantile of n values is off by one value at most.
    assert (values > high).sum() <= 0.01 * len(values) + 1


def test_outliers_below_do_not_squeeze_the_axis():
    values = np.append(np.linspace(0.0, 1.0, 101), [-50.0, -60.0])
    # Quartiles 0.24 and 0.75 or so: the fence stands two ranges below, near -0.8.
    low, high = views.round_axis(values)
    assert -0.9 <= low <= -0.7
    assert high == pytest.approx(1.0)


def test_length_edges_hold_a_whole_number_each():
    edges = views.length_edges(np.arange(1.0, 501.0), 60)
    assert (edges[0], edges[-1]) == (0.5, 500.5)
    assert (np.diff(edges) >= 1).all()
    assert ((edges % 1) == 0.5).all()


def test_axes_without_values():
    assert views.round_axis(np.array([NAN])) == (0.0, 1.0)
    assert views.log_axis(np.array([0.0, NAN])) == (0.1, 10.0)
    low, high = views.log_axis(np.array([1.0]))
    assert (low, high) == pytest.approx((1.0, 10**0.1))


def test_a_bin_of_just_enough_rows_has_its_quartiles():
    found = views.bin_medians(
        np.array([1.0, 1.1, 2.5]), np.array([2.0, 4.0, 9.0]), np.array([1.0, 2.0, 3.0]), at_least=2
    )
    assert found.n.tolist() == [2, 1]
    assert (found.lower[0], found.median[0], found.upper[0]) == (2.5, 3.0, 3.5)
    assert np.isnan(found.median[1])
