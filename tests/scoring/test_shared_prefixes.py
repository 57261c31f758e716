"""Groups of samples that begin alike: exact lengths, nested heads, and nothing taken from what predicts a response."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lobass_core.scoring.shared_prefixes import LEAST_SAMPLES, LEAST_TOKENS, find_prefixes
from lobass_core.scoring.token_table import TokenTable
from tests.token_tables import alike_table, random_table, table_of


def shared(table: TokenTable) -> list[int]:
    """Tokens that each sample shares with its group."""
    found = find_prefixes(table)
    return found.n_tokens[found.group].tolist()


def test_each_group_shares_its_whole_head():
    table = alike_table([(30, 40), (0, 10), (300, 33), (LEAST_TOKENS, 32)])
    assert shared(table) == [30] * 40 + [0] * 10 + [300] * 33 + [LEAST_TOKENS] * 32


def test_few_samples_and_short_heads_are_read_whole():
    assert set(shared(alike_table([(30, LEAST_SAMPLES - 1), (LEAST_TOKENS - 1, 50)]))) == {0}
    assert shared(random_table([40] * 50)) == [0] * 50
    assert shared(TokenTable.of([])) == []


def test_a_longer_head_within_a_head():
    head, longer = list(range(5, 25)), list(range(100, 150))
    one = [(head + longer + [200 + n, 7], [False] * 71 + [True]) for n in range(40)]
    other = [([*head, 300 + n, 8, 7], [False] * 22 + [True]) for n in range(35)]
    assert shared(table_of(one + other)) == [70] * 40 + [20] * 35


def test_the_state_that_predicts_the_first_response_token_is_left():
    # Forty answers to the same ten-token prompt: its last token predicts, and nine are shared.
    table = table_of([([*range(5, 15), 20 + n], [False] * 10 + [True]) for n in range(40)])
    assert shared(table) == [9] * 40


def test_samples_without_a_response_are_in_no_group():
    silent = [(list(range(5, 30)), [False] * 25)] * 40
    assert shared(table_of(silent)) == [0] * 40


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 70)), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_members_begin_alike_and_every_sample_comes_once(heads: list[tuple[int, int]], chance):
    table = alike_table(heads, vocab_size=40)
    found = find_prefixes(table)
    order = list(range(len(table)))
    chance.shuffle(order)
    parts = list(found.parts(np.array(order)))
    assert sorted(np.concatenate([members for _, members in parts]).tolist()) == list(range(len(table)))
    for group, members in parts:
        n_tokens = found.n_tokens[group]
        assert len({table.ids_of(index)[:n_tokens].tobytes() for index in members}) == 1
        assert all(not table.mask_of(index)[: n_tokens + 1].any() for index in members if n_tokens)
        # The order within a group is the order given.
        assert [index for index in order if found.group[index] == group] == members.tolist()
