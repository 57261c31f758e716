"""Experiments whose truth is known: without an effect nothing is claimed, a planted one is found."""

from dataclasses import replace

import numpy as np
import pytest

from lobass_core.errors import RequestError
from lobass_core.validation.arm_results import MeasuredRows
from lobass_core.validation.judge import LEVEL, AnswerClaim, Claim, judge
from lobass_core.validation.statistics import Difference
from tests.validation.simulated import BUDGET, SETS, answering, experiment, finished_arm, rows_of

N_REPEATS = 100
FEW = 100


def _claims(seed: int, effects: dict[str, float]) -> list:
    return list(judge(experiment(seed, effects), SETS, FEW).claims)


@pytest.mark.slow
def test_without_an_effect_at_least_90_of_100_experiments_claim_nothing():
    arms = {f"arm {number}": 0.0 for number in range(4)}
    silent = sum(
        all(claim.verdict == "no difference found" for claim in _claims(seed, arms)) for seed in range(N_REPEATS)
    )
    assert silent >= 90


@pytest.mark.slow
@pytest.mark.parametrize("n_draws", [2, 3])
def test_few_draws_claim_no_more(n_draws):
    effects = {f"arm {number}": 0.0 for number in range(4)}
    silent = 0
    for seed in range(40):
        claims = judge(experiment(seed, effects, n_draws=n_draws), SETS, 10).claims
        silent += all(claim.verdict == "no difference found" for claim in claims)
    assert silent >= 38


@pytest.mark.slow
def test_near_duplicates_among_the_held_out_rows_claim_no_more():
    """Twenty groups of five; as a hundred rows of their own, every sixth such experiment claims something."""
    effects = {f"arm {number}": 0.0 for number in range(4)}
    silent, covered, n = 0, 0, 0
    for seed in range(60):
        claims = judge(experiment(seed, effects, group_size=5, arm_deviation=0.1), SETS, FEW).claims
        silent += all(claim.verdict == "no difference found" for claim in claims)
        covered += sum(claim.difference.low <= 0 <= claim.difference.high for claim in claims)
        n += len(claims)
    assert silent >= 55 and covered / n >= 0.93


@pytest.mark.slow
def test_two_training_seeds_claim_no_more_and_the_intervals_hold_the_truth():
    """A hundred rows, five draws, two seeds: the size of the study."""
    effects = {f"arm {number}": -0.02 for number in range(4)}
    covered, n, wrong = 0, 0, 0
    for seed in range(60):
        for claim in judge(experiment(seed, effects, n_seeds=2), SETS, FEW).claims:
            covered += claim.difference.low <= -0.02 <= claim.difference.high
            wrong += claim.verdict == "worse"
            n += 1
    assert 0.93 <= covered / n <= 0.99 and wrong == 0


@pytest.mark.slow
def test_a_planted_effect_is_found_in_its_direction_and_nowhere_else():
    effects = {"learnability": -0.12, "longest": 0.12, "shortest": 0.0}
    found = dict.fromkeys(effects, 0)
    wrong = 0
    for seed in range(N_REPEATS):
        for claim in _claims(seed, effects):
            if claim.mean != "rows" or claim.set_name != SETS[0]:
                continue
            expected = "better" if effects[claim.arm] < 0 else "worse"
            found[claim.arm] += claim.verdict == expected
            wrong += claim.verdict not in (expected, "no difference found")
    assert found["learnability"] >= 90 and found["longest"] >= 90
    assert found["shortest"] <= 5 and wrong == 0


@pytest.mark.slow
def test_the_interval_holds_the_true_difference_in_about_95_of_100():
    covered = sum(
        claim.difference.low <= -0.03 <= claim.difference.high
        for seed in range(N_REPEATS)
        for claim in _claims(seed, {"arm": -0.03})
        if claim.mean == "rows" and claim.set_name == SETS[0]
    )
    assert 90 <= covered <= 100


def test_short_rows_weigh_as_much_as_long_ones_over_rows_and_less_over_tokens():
    rows = rows_of(60, np.random.default_rng(0))
    n_tokens = np.array(rows.n_tokens, dtype=float)
    short = n_tokens < np.median(n_tokens)
    drawn = [finished_arm("random", draw, n_tokens * (2 + 1e-3 * draw), rows) for draw in range(3)]
    arm = finished_arm("shortest", 0, n_tokens * np.where(short, 1.0, 2.5), rows)
    over = {claim.mean: claim for claim in judge([*drawn, arm], SETS[:1], FEW).claims}
    own = np.array(rows.sets) == SETS[0]
    expected = (np.where(short, 1.0, 2.5) - 2.001)[own]
    assert over["rows"].difference.value == pytest.approx(expected.mean(), abs=1e-6)
    assert over["tokens"].difference.value == pytest.approx(
        (expected * n_tokens[own]).sum() / n_tokens[own].sum(), abs=1e-6
    )
    assert over["rows"].thirds[0].value < -0.9 and over["rows"].thirds[2].value == pytest.approx(0.499, abs=1e-3)


def test_seeds_are_averaged_and_those_that_random_lacks_are_left_out():
    rows = rows_of(40, np.random.default_rng(1))
    n_tokens = np.array(rows.n_tokens, dtype=float)

    def arm(name: str, draw: int, seed: int, loss: float):
        return finished_arm(name, draw, n_tokens * loss, rows, seed=seed)

    drawn = [arm("random", draw, seed, 2 + 0.01 * draw + seed) for draw in range(2) for seed in (1, 2)]
    chosen = [arm("learnability", 0, 1, 3.0), arm("learnability", 0, 2, 4.0), arm("learnability", 0, 3, 99.0)]
    (claim,) = [one for one in judge([*drawn, *chosen], SETS[:1], FEW).claims if one.mean == "rows"]
    assert claim.loss == pytest.approx(3.5, abs=1e-5) and claim.random_loss == pytest.approx(3.505, abs=1e-5)


def test_everything_is_in_the_order_of_the_budgets():
    one = experiment(0, {"learnability": 0.0, "longest": 0.0})
    whole = [replace(one[0], arm="full", budget=1.0, draws=False)]
    judged = judge([*(replace(arm, budget=0.5) for arm in one), *whole, *one], SETS, FEW)
    assert list(dict.fromkeys(claim.budget for claim in judged.claims)) == [BUDGET, 0.5]
    own = [(name, budget) for budget in (BUDGET, 0.5) for name in ("random", "learnability", "longest")]
    assert [(arm.arm, arm.budget) for arm in judged.arms] == [("full", 1.0), *own]


def test_one_draw_says_nothing_about_chance():
    for finished in (experiment(0, {"learnability": 0.0}, n_draws=1), []):
        with pytest.raises(RequestError, match="fewer than two random draws"):
            judge(finished, SETS, FEW)


def test_while_an_experiment_goes_on_the_budgets_that_can_be_compared_are():
    first = experiment(0, {"learnability": 0.0}, n_rows=20)
    second = [replace(one, budget=0.06) for one in experiment(1, {"learnability": 0.0}, n_rows=20)]
    claims = judge([*first, second[0], second[-1]], SETS, FEW).claims
    assert {claim.budget for claim in claims} == {0.167}
    # One draw has only another seed so far, and so has one arm.
    other = [replace(second[0], seed=2), *second[1:]]
    assert {claim.budget for claim in judge([*first, *other], SETS, FEW).claims} == {0.167}
    alone = replace(first[-1], arm="longest", seed=2)
    assert {claim.arm for claim in judge([*first, alone], SETS, FEW).claims} == {"learnability"}


def test_nothing_is_claimed_of_a_set_of_one_text():
    finished = experiment(0, {"learnability": 0.5}, n_rows=4, group_size=4)
    judged = judge(finished, SETS, FEW)
    assert judged.claims == () and [(one.n_rows, one.n_groups) for one in judged.sets] == [(4, 1)] * 2
    judged = judge(experiment(0, {"learnability": 0.5}, n_rows=6, group_size=3), SETS, FEW)
    assert [one.n_groups for one in judged.sets] == [2, 2] and len(judged.claims) == 4
    # The shortest third is two rows, of one text or of two.
    assert all(len(claim.thirds) <= 3 for claim in judged.claims)


def test_a_few_answers_that_fall_alike_are_no_claim():
    """Four coins fall alike in one of eight throws."""
    few = answering(experiment(0, {"learnability": 0.0}, n_rows=4), {"learnability": 1.0, "random": 0.0}, SETS[0])
    (claim,) = judge(few, SETS[:1], FEW).answers
    assert (claim.share, claim.random_share, claim.difference.p) == (1.0, 0.0, 0.125)
    many = answering(experiment(0, {"learnability": 0.0}, n_rows=40), {"learnability": 1.0, "random": 0.0}, SETS[0])
    assert [one.verdict for one in judge(many, SETS[:1], FEW).answers] == ["better"]


def test_answers_are_compared_where_every_arm_was_asked_and_nowhere_else():
    arms = {"base": 0.0, "learnability": 0.0, "longest": 0.0}
    finished = answering(experiment(3, arms, n_rows=200), {"base": 0.02, "learnability": 0.95}, SETS[1])
    judged = judge(finished, SETS, FEW)
    assert {claim.set_name for claim in judged.answers} == {SETS[1]}
    verdicts = {claim.arm: claim.verdict for claim in judged.answers}
    assert verdicts == {"base": "worse", "learnability": "better", "longest": "no difference found"}
    claim = next(one for one in judged.answers if one.arm == "learnability")
    own = next(one for one in finished if one.arm == "learnability").result.answers
    assert claim.n_rows == sum(answer >= 0 for answer in own)
    assert claim.share == pytest.approx(sum(answer == 1 for answer in own) / claim.n_rows)
    assert claim.difference.value == pytest.approx(claim.share - claim.random_share)
    # One correction over the claims of losses and of answers.
    assert len(judged.claims) + len(judged.answers) == 3 * 2 * 2 + 3
    assert claim.p_adjusted >= claim.difference.p * (len(judged.claims) + len(judged.answers) - 2)
    unasked = answering(finished[:-1], {}, SETS[1]) + finished[-1:]
    unasked[-1] = answering(unasked[-1:], {}, "none of them")[0]
    assert judge(unasked, SETS, FEW).answers == ()


@pytest.mark.slow
def test_answers_without_a_difference_claim_nothing():
    silent = 0
    for seed in range(40):
        finished = answering(experiment(seed, {"a": 0.0, "b": 0.0}), {}, SETS[0], seed)
        answers = judge(finished, SETS[:1], 10).answers
        silent += all(claim.verdict == "no difference found" for claim in answers)
    assert silent >= 38


@pytest.mark.parametrize(("value", "of_losses", "of_answers"), [(-0.1, "better", "worse"), (0.1, "worse", "better")])
def test_a_claim_is_made_under_the_level_and_not_at_it(value: float, of_losses: str, of_answers: str):
    found = Difference(value, value, value, 0.0)
    for p, expected in ((LEVEL, ("no difference found",) * 2), (0.99 * LEVEL, (of_losses, of_answers))):
        loss = Claim("arm", 0.1, "math", "rows", 1.0, 1.0, found, (), p_adjusted=p)
        answers = AnswerClaim("arm", 0.1, "math", 9, 0.5, 0.5, found, p_adjusted=p)
        assert (loss.verdict, answers.verdict) == expected


def test_rows_of_one_token_count_those_of_none_do_not_and_thirds_need_two_rows():
    rows = MeasuredRows.of((f"{n:016x}", "math", n) for n in range(7))
    finished = [finished_arm(arm, draw, np.arange(7.0), rows) for arm, draw in (("random", 0), ("random", 1), ("a", 0))]
    judged = judge(finished, ("math",), FEW)
    assert (judged.sets[0].n_rows, judged.sets[0].n_tokens) == (6, 21)
    assert [len(claim.thirds) for claim in judged.claims] == [3, 3]


def test_kept_losses_are_ten_thousandths_of_a_nat():
    """Files of arms that were kept before would mean something else."""
    rows = MeasuredRows.of([("0" * 16, "math", 3)])
    one = finished_arm("random", 0, np.zeros(1), rows).result
    assert replace(one, losses=(12_345,)).loss_sums().tolist() == [1.2345]
