"""Which rows each arm takes: exact rows for scores, exact counts and lengths for draws."""

import numpy as np
import pytest

from lobass_core.errors import RequestError
from lobass_core.learnability.length_adjusted import length_adjusted
from lobass_core.validation.arms import (
    ARMS,
    DRAWN,
    SCORES,
    length_matched,
    rows_of_arm,
    top_by_domain,
    within_band,
)
from lobass_core.validation.candidates import Candidates


def candidates(n: int = 200, seed: int = 0) -> Candidates:
    rng = np.random.default_rng(seed)
    domains = ["chat" if row % 4 else "math" for row in range(n)]
    base = rng.uniform(1, 3, size=n)
    return Candidates.of(
        [f"{row * 7919 % 10007:032x}" for row in range(n)],
        domains,
        rng.integers(1, 300, size=n),
        base,
        base * rng.uniform(0.5, 1.0, size=n),
    )


def two_domains() -> Candidates:
    """Learnability of the rows a to f: .5 .4 .3 / .2 .1 none, and base losses 4 2 1 / 2 1 0."""
    base = np.array([4.0, 2.0, 1.0, 2.0, 1.0, 0.0])
    share = np.array([0.5, 0.4, 0.3, 0.2, 0.1, 0.0])
    domains = ["chat"] * 3 + ["math"] * 3
    return Candidates.of(list("abcdef"), domains, np.array([10, 20, 30, 5, 6, 7]), base, base * (1 - share))


@pytest.mark.parametrize(
    ("arm", "expected"),
    [
        ("learnability", "abde"),
        ("bottom", "edcb"),
        ("longest", "cbfe"),
        ("shortest", "abde"),
        ("base-loss", "abde"),
        ("low-base-loss", "fecb"),
        ("loss-drop", "abde"),
        ("band", "bce"),
        ("base", ""),
        ("full", "abcdef"),
    ],
)
def test_the_rows_of_each_score(arm, expected):
    rows = two_domains()
    chosen = [rows.sample_ids[row] for row in rows_of_arm(arm, rows, 4)]
    assert sorted(chosen) == sorted(expected)


def test_every_score_keeps_each_domains_share_of_the_pool():
    rows = candidates()
    for arm in SCORES:
        chosen = rows_of_arm(arm, rows, 40)
        assert len(chosen) == 40 and len(set(chosen.tolist())) == 40, arm
        assert (rows.domains[chosen] == "math").sum() == 10, arm


def test_a_domain_without_scores_hands_its_share_on():
    rows = candidates()
    score = np.where(rows.domains == "math", np.nan, rows.base_loss)
    chosen = top_by_domain(rows, score, 40)
    assert len(chosen) == 40 and set(rows.domains[chosen]) == {"chat"}
    assert (np.diff(score[chosen]) <= 0).all()


def test_draws_differ_by_their_number_alone():
    rows = candidates()
    for arm in DRAWN:
        first, again, other = (rows_of_arm(arm, rows, 40, draw) for draw in (0, 0, 1))
        assert first.tolist() == again.tolist() and set(first.tolist()) != set(other.tolist())
        assert len(set(first.tolist())) == 40


def test_length_matched_draws_have_the_lengths_and_domains_of_what_they_match():
    rows = candidates(2000)
    matched = rows_of_arm("shortest", rows, 200)
    drawn = rows_of_arm("length-matched", rows, 200, anchor="shortest")
    assert len(drawn) == 200 and (rows.domains[drawn] == "math").sum() == 50
    assert rows.n_tokens[drawn].mean() == pytest.approx(rows.n_tokens[matched].mean(), abs=3)
    half = rows_of_arm("learnability", rows, 200)
    drawn = rows_of_arm("length-matched", rows, 200)
    assert rows.n_tokens[drawn].mean() == pytest.approx(rows.n_tokens[half].mean(), rel=0.05)


def test_a_length_adjusted_score_has_no_rank_correlation_with_length_left():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    n_tokens = rng.integers(1, 400, size=1000)
    domains = np.array(["chat", "math"])[np.arange(1000) % 2]
    own = rng.normal(0, 0.1, size=1000)
    # Short answers score high in conversation, long ones in mathematics.
    score = own + np.where(domains == "chat", -1, 1) * np.log(n_tokens)
    adjusted = length_adjusted(score, n_tokens, domains)
    for domain in ("chat", "math"):
        of = domains == domain
        assert abs(spearmanr(score[of], n_tokens[of]).statistic) > 0.9
        assert abs(spearmanr(adjusted[of], n_tokens[of]).statistic) < 0.1
        assert spearmanr(adjusted[of], own[of]).statistic > 0.85
    score[::5] = np.nan
    assert np.isnan(length_adjusted(score, n_tokens, domains)).tolist() == np.isnan(score).tolist()


def test_saved_selections_are_taken_as_they_are_without_rows_that_are_no_candidates():
    rows = two_domains().with_selections({"best": ["f", "gone", "a", "f"]})
    assert [rows.sample_ids[row] for row in rows_of_arm("selection:best", rows, 1)] == ["f", "a"]
    with pytest.raises(RequestError, match="no selection 'other'"):
        rows_of_arm("selection:other", rows, 1)


def test_an_unknown_arm_is_refused_with_the_choices():
    with pytest.raises(RequestError, match=r"there is no arm 'best'.*learnability"):
        rows_of_arm("best", two_domains(), 1)
    assert len(ARMS) == len(set(ARMS))


def test_a_band_holds_the_rows_up_to_seven_tenths_of_the_base_losses():
    losses = np.arange(1.0, 102.0)
    rows = Candidates.of([f"{n:03}" for n in range(101)], ["math"] * 101, np.full(101, 9), losses, losses / 2)
    assert np.flatnonzero(np.isfinite(within_band(rows))).tolist() == list(range(71))


def test_a_length_at_the_edge_of_two_tenths_is_in_the_shorter_one():
    rows = Candidates.of([f"{n:02}" for n in range(11)], ["math"] * 11, np.arange(11), np.ones(11), np.ones(11))
    drawn = {length_matched(rows, np.array([1]), np.random.default_rng(seed)).item() for seed in range(20)}
    assert drawn == {0, 1}
