"""No near duplicate of a held-out row stays in training, whatever the groups and domains are."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lobass_core.validation.held_out import has_duplicate_in, held_out_by_domain

ROWS = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["math", "chat", "code"])), min_size=1, max_size=60)


@given(ROWS, st.integers(0, 20), st.integers(0, 5))
def test_a_group_is_never_split_and_no_domain_gives_more_than_its_number(rows, per_domain, seed):
    groups = np.array([group for group, _ in rows])
    domains = [domain for _, domain in rows]
    ids = [f"{row:032x}" for row in range(len(rows))]
    held_out = held_out_by_domain(ids, groups, domains, per_domain, seed)
    assert not set(groups[held_out]) & set(groups[~held_out])
    assert not has_duplicate_in(groups, held_out).any()
    for domain in set(domains):
        n = sum(out for out, name in zip(held_out, domains, strict=True) if name == domain)
        assert n <= min(per_domain, domains.count(domain) // 2)


@given(st.permutations(range(20)))
def test_the_split_does_not_depend_on_the_order_of_rows(order):
    ids = [f"{row:032x}" for row in range(20)]
    groups = np.arange(20) // 2
    first = held_out_by_domain(ids, groups, ["math"] * 20, 6, 0)
    again = held_out_by_domain([ids[row] for row in order], groups[list(order)], ["math"] * 20, 6, 0)
    assert {ids[row] for row in np.flatnonzero(first)} == {ids[order[row]] for row in np.flatnonzero(again)}
    assert first.sum() == 6


def test_rows_with_a_duplicate_among_others():
    groups, training = np.array([0, 1, 1, 2, 3]), np.array([True, True, False, False, False])
    assert has_duplicate_in(groups, training).tolist() == [False, False, True, False, False]
