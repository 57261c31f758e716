"""Finished arms against random draws: one claim for each arm, budget, set of held-out rows and kind of mean."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import takewhile
from typing import Literal, Protocol, get_args

import numpy as np

from lobass_core.errors import RequestError
from lobass_core.validation.arm_results import ArmResult, MeasuredRows
from lobass_core.validation.arms import BASE, FULL, RANDOM
from lobass_core.validation.statistics import (
    N_RESAMPLES,
    Difference,
    Mean,
    Resamples,
    difference,
    holm,
    length_thirds,
    mean_loss,
    spread_of,
)

Verdict = Literal["better", "worse", "no difference found"]
LEVEL = 0.05
RESAMPLING_SEED = 20260101


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished training: the arm as a report names it, its budget as a share of the pool, which draw and seed.

    `draws` says that other draws of the arm would have held other rows.
    """

    arm: str
    budget: float
    draw: int
    seed: int
    result: ArmResult
    rows: MeasuredRows
    draws: bool = False


class Training(Protocol):
    """What names a training, planned or finished."""

    @property
    def arm(self) -> str: ...
    @property
    def budget(self) -> float: ...
    @property
    def draw(self) -> int: ...
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Claim:
    """What is said of one arm on one set, with what it rests on; losses in nats a token.

    `p_adjusted` is Holm's over all claims of the report. `thirds` holds the differences among the shortest, middle and
    longest third of the responses; nothing is claimed of them.
    """

    arm: str
    budget: float
    set_name: str
    mean: Mean
    loss: float
    random_loss: float
    difference: Difference
    thirds: tuple[Difference, ...]
    p_adjusted: float = 1.0

    @property
    def verdict(self) -> Verdict:
        if self.p_adjusted >= LEVEL:
            return "no difference found"
        return "better" if self.difference.value < 0 else "worse"


@dataclass(frozen=True, slots=True)
class AnswerClaim:
    """What is said of an arm's own answers to one set: shares of exact matches, and their difference.

    `p_adjusted` is Holm's over all claims of the report, those of losses included.
    """

    arm: str
    budget: float
    set_name: str
    n_rows: int
    share: float
    random_share: float
    difference: Difference
    p_adjusted: float = 1.0

    @property
    def verdict(self) -> Verdict:
        if self.p_adjusted >= LEVEL:
            return "no difference found"
        return "better" if self.difference.value > 0 else "worse"


@dataclass(frozen=True, slots=True)
class ArmSummary:
    """An arm at a budget: how many trainings, of how many rows and response tokens each (mean)."""

    arm: str
    budget: float
    n_trainings: int
    n_rows: float
    n_response_tokens: float
    n_steps: float


@dataclass(frozen=True, slots=True)
class SetSummary:
    """A set of held-out rows; near duplicates are one group, and each other row is a group of its own."""

    name: str
    n_rows: int
    n_tokens: int
    n_groups: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything a report shows: budgets from the smallest on, and of each the arms in the order given."""

    arms: tuple[ArmSummary, ...]
    sets: tuple[SetSummary, ...]
    claims: tuple[Claim, ...]
    n_random_draws: int
    seeds: tuple[int, ...]
    answers: tuple[AnswerClaim, ...] = ()

    def to_dict(self) -> dict:
        """As JSON has it, with the verdicts."""
        claims, answers = (
            [{**asdict(claim), "verdict": claim.verdict} for claim in of] for of in (self.claims, self.answers)
        )
        return {**asdict(self), "claims": claims, "answers": answers}


def judge(finished: Sequence[Finished], set_names: Sequence[str], n_resamples: int = N_RESAMPLES) -> Judgement:
    """Compare every arm with the random draws of its budget, on every set; `base` and `full` at every budget.

    An arm counts with the seeds that all its draws share with all random draws, so that training noise is alike. While
    an experiment goes on, budgets with fewer than two random draws and arms without such a seed are left out; nothing
    is claimed of a set whose rows are all near duplicates of each other.

    Raises:
        RequestError: no budget has two random draws.
    """
    budgets = sorted(budgets_to_compare(finished))
    if not budgets:
        raise RequestError(
            "fewer than two random draws of a budget are finished, so the spread of chance is unknown",
            do="Finish at least two random draws; five is better.",
        )
    claims: list[Claim] = []
    answers: list[AnswerClaim] = []
    for budget in budgets:
        arms = {
            name: [one for one in finished if one.arm == name and (one.budget == budget or name in (BASE, FULL))]
            for name in dict.fromkeys(one.arm for one in finished)
        }
        arms = {name: many for name, many in arms.items() if many and _seeds(many, arms[RANDOM])}
        for set_name in set_names:
            claims += _claims(arms, budget, set_name, n_resamples)
            answers += _answer_claims(arms, budget, set_name, n_resamples)
    adjusted = holm([*(claim.difference.p for claim in claims), *(claim.difference.p for claim in answers)]).tolist()
    random_arms = [one for one in finished if one.arm == RANDOM]
    return Judgement(
        arms=tuple(_summaries(finished)),
        sets=tuple(_set_summary(finished, name) for name in set_names),
        claims=tuple(replace(claim, p_adjusted=p) for claim, p in zip(claims, adjusted, strict=False)),
        n_random_draws=len({one.draw for one in random_arms}),
        seeds=tuple(sorted({one.seed for one in random_arms})),
        answers=tuple(replace(claim, p_adjusted=p) for claim, p in zip(answers, adjusted[len(claims) :], strict=True)),
    )


def budgets_to_compare(finished: Sequence[Training]) -> set[float]:
    """The budgets with at least two random draws that share a training seed."""
    drawn = {one.budget: [other for other in finished if (other.arm, other.budget) == (RANDOM, one.budget)]
             for one in finished if one.arm == RANDOM}  # fmt: skip
    return {budget for budget, many in drawn.items() if len(_draws(many)) > 1 and _shared_seeds(many)}


def _claims(arms: dict[str, list[Finished]], budget: float, set_name: str, n_resamples: int) -> list[Claim]:
    n_tokens, groups = of_set(arms[RANDOM][0], set_name)[1], _groups(arms[RANDOM][0], set_name)
    if not _can_vary(groups):
        return []
    units = {name: _units(many, arms[RANDOM], lambda one: of_set(one, set_name)[0]) for name, many in arms.items()}
    drawn = [units[name] for name, many in arms.items() if many[0].draws]
    rng = np.random.default_rng(RESAMPLING_SEED)
    thirds = takewhile(lambda part: _can_vary(groups[part]), length_thirds(n_tokens))
    parts = [np.arange(len(n_tokens)), *thirds]
    resamples = [Resamples(len(part), rng, n_resamples, groups[part]) for part in parts]
    claims = []
    for mean in get_args(Mean):
        spreads = [spread_of([sums[:, part] for sums in drawn], n_tokens[part], mean) for part in parts]
        random_loss = float(mean_loss(units[RANDOM], n_tokens, mean).mean())
        for name, own in units.items():
            if name == RANDOM:
                continue
            differences = [
                difference(own[:, part], units[RANDOM][:, part], n_tokens[part], mean, spread, again)
                for part, spread, again in zip(parts, spreads, resamples, strict=True)
            ]
            loss = float(mean_loss(own, n_tokens, mean).mean())
            claims.append(
                Claim(name, budget, set_name, mean, loss, random_loss, differences[0], tuple(differences[1:]))
            )
    return claims


def _answer_claims(
    arms: dict[str, list[Finished]], budget: float, set_name: str, n_resamples: int
) -> list[AnswerClaim]:
    """Exact matches of the rows that every arm has answered; none where an arm was not asked."""
    asked = np.all([_right(one, set_name) >= 0 for many in arms.values() for one in many], axis=0)
    groups = _groups(arms[RANDOM][0], set_name, answered=True)[asked]
    if not _can_vary(groups):
        return []
    units = {
        name: _units(many, arms[RANDOM], lambda one: _right(one, set_name)[asked].astype(np.float64))
        for name, many in arms.items()
    }
    # A right answer counts as one, whatever its length.
    each = np.ones(int(asked.sum()))
    spread = spread_of([units[name] for name, many in arms.items() if many[0].draws], each, "rows")
    resamples = Resamples(len(each), np.random.default_rng(RESAMPLING_SEED), n_resamples, groups)
    # All of a few answers may fall the same way without any spread: n of them say no more than n coins.
    least_p = 2.0 ** (1 - resamples.n_groups)
    return [
        AnswerClaim(
            name,
            budget,
            set_name,
            len(each),
            float(own.mean()),
            float(units[RANDOM].mean()),
            replace(found, p=max(found.p, least_p)),
        )
        for name, own in units.items()
        if name != RANDOM
        for found in [difference(own, units[RANDOM], each, "rows", spread, resamples)]
    ]


def _groups(one: Finished, set_name: str, *, answered: bool = False) -> np.ndarray:
    """int64[rows of the set]: their groups of near duplicates, in the order of their ids.

    `answered`: of all rows; else of those with a response, as `of_set` has them.
    """
    groups = np.array(one.rows.groups or range(len(one.rows.sets)), dtype=np.int64)
    chosen = np.array(one.rows.sets) == set_name
    return groups[chosen if answered else chosen & (np.array(one.rows.n_tokens) > 0)]


def _can_vary(groups: np.ndarray) -> bool:
    """Whether rows of these groups tell how much chance there is in them."""
    return len(np.unique(groups)) > 1


def _right(one: Finished, set_name: str) -> np.ndarray:
    """int8[rows of the set]: 1 right, 0 wrong, -1 not asked."""
    chosen = np.array(one.rows.sets) == set_name
    answers = one.result.answers or (-1,) * len(chosen)
    return np.array(answers, dtype=np.int8)[chosen]


def _units(many: list[Finished], random_arms: list[Finished], values: Callable[[Finished], np.ndarray]) -> np.ndarray:
    """float64[draws, rows]: the values of each draw, its seeds averaged.

    The untouched base has no seed. Of the others, seeds that the random draws lack are left out.
    """
    is_base, seeds = many[0].arm == BASE, _seeds(many, random_arms)
    return np.array(
        [
            np.mean(
                [values(one) for one in many if one.draw == draw and (is_base or one.seed in seeds)],
                axis=0,
            )
            for draw in _draws(many)
        ]
    )


def _seeds(many: list[Finished], random_arms: list[Finished]) -> set[int]:
    """The seeds of the random draws that the arm has too; all of them for the untouched base."""
    seeds = _shared_seeds(random_arms)
    return seeds if many[0].arm == BASE else seeds & _shared_seeds(many)


def _shared_seeds(many: Sequence[Training]) -> set[int]:
    """Training seeds that every draw has."""
    by_draw = [{one.seed for one in many if one.draw == draw} for draw in _draws(many)]
    return {seed for seed in by_draw[0] if all(seed in seeds for seeds in by_draw)}


def _draws(many: Sequence[Training]) -> list[int]:
    return sorted({one.draw for one in many})


def of_set(one: Finished, set_name: str) -> tuple[np.ndarray, np.ndarray]:
    """Loss sums and response tokens of a set's rows, in the order of their ids."""
    chosen = np.array(one.rows.sets) == set_name
    n_tokens = np.array(one.rows.n_tokens, dtype=np.float64)
    chosen &= n_tokens > 0
    return one.result.loss_sums()[chosen], n_tokens[chosen]


def _set_summary(finished: Sequence[Finished], name: str) -> SetSummary:
    n_tokens, groups = of_set(finished[0], name)[1], _groups(finished[0], name)
    return SetSummary(name, len(n_tokens), int(n_tokens.sum()), len(np.unique(groups)))


def _summaries(finished: Sequence[Finished]) -> list[ArmSummary]:
    summaries = []
    pairs = dict.fromkeys((one.arm, one.budget) for one in finished)
    for arm, budget in sorted(pairs, key=lambda pair: (pair[0] not in (BASE, FULL), pair[1])):
        results = [one.result for one in finished if (one.arm, one.budget) == (arm, budget)]
        n_rows, n_tokens, n_steps = (
            float(np.mean([getattr(one, name) for one in results]))
            for name in ("n_rows", "n_response_tokens", "n_steps")
        )
        summaries.append(ArmSummary(arm, budget, len(results), n_rows, n_tokens, n_steps))
    return summaries
