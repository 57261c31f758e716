"""Experiments whose truth is known: losses drawn around given means, as finished arms."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from lobass_core.validation.arm_results import (
    UNITS_A_NAT,
    ArmContent,
    ArmRecipe,
    ArmResult,
    MeasuredRows,
)
from lobass_core.validation.arms import RANDOM
from lobass_core.validation.judge import Finished

BUDGET = 0.167
SETS = ("conversation", "math")
# Between draws, nats a token, and of one row under one draw: about what a pilot on SmolLM2 showed.
DRAW_DEVIATION, ROW_DEVIATION = 0.01, 0.1


def rows_of(n_rows: int, rng: np.random.Generator, group_size: int = 1) -> MeasuredRows:
    """Rows of two sets with long-tailed lengths, so many near duplicates of each."""
    n_tokens = np.maximum(1, rng.lognormal(4, 0.8, size=2 * n_rows)).astype(int)
    rows = MeasuredRows.of((f"{row:016x}", SETS[row % 2], int(n)) for row, n in enumerate(n_tokens))
    return replace(rows, groups=tuple(2 * (row // 2 // group_size) + row % 2 for row in range(2 * n_rows)))


def finished_arm(
    arm: str, draw: int, sums: np.ndarray, rows: MeasuredRows, *, budget: float = BUDGET, seed: int = 1
) -> Finished:
    """An arm of these losses."""
    content = ArmContent("base", "render", ArmRecipe(), seed, f"{arm}-{draw}", rows.digest)
    losses = tuple(round(float(value) * UNITS_A_NAT) for value in sums)
    result = ArmResult(content, 100, 10_000, 8_000, 20, 1.0, 1.0, 2.0, "cpu", "float32", losses)
    return Finished(arm, budget, draw, seed, result, rows, draws=arm == RANDOM)


def experiment(
    seed: int,
    effects: Mapping[str, float],
    n_rows: int = 100,
    n_draws: int = 5,
    n_seeds: int = 1,
    group_size: int = 1,
    arm_deviation: float = 0.0,
) -> list[Finished]:
    """Random draws, and arms whose mean loss is apart from theirs by an effect, in nats a token.

    Near duplicates are hard or easy together: for one draw, and by `arm_deviation` for all draws of an arm. Each
    training seed moves a draw as much as another draw would.
    """
    rng = np.random.default_rng(seed)
    rows = rows_of(n_rows, rng, group_size)
    n_tokens = np.array(rows.n_tokens)
    group_of = np.unique(rows.groups, return_inverse=True)[1]
    hardness = rng.lognormal(0.6, 0.4, size=len(n_tokens))

    def of_groups(deviation: float) -> np.ndarray:
        return rng.normal(0, deviation, size=group_of.max() + 1)[group_of] if deviation else np.zeros(len(n_tokens))

    def arm(name: str, draw: int, effect: np.ndarray) -> list[Finished]:
        of_draw = rng.normal(0, DRAW_DEVIATION)
        of_rows = of_groups(ROW_DEVIATION)
        of_seed = [0.0, *rng.normal(0, DRAW_DEVIATION, size=n_seeds - 1)]
        sums = [(hardness + effect + of_draw + of_rows + one) * n_tokens for one in of_seed]
        return [finished_arm(name, draw, one, rows, seed=place + 1) for place, one in enumerate(sums)]

    of_random = of_groups(arm_deviation)
    drawn = [one for draw in range(n_draws) for one in arm(RANDOM, draw, of_random)]
    own = {name: effect + of_groups(arm_deviation) for name, effect in effects.items()}
    return [*drawn, *(one for name, effect in own.items() for one in arm(name, 0, effect))]


def answering(finished: list[Finished], shares: Mapping[str, float], set_name: str, seed: int = 0) -> list[Finished]:
    """The same arms with own answers to the rows of one set, right in these shares; of arms not named, in half."""
    rng = np.random.default_rng(seed)
    found = []
    for one in finished:
        asked = np.array(one.rows.sets) == set_name
        right = rng.random(len(asked)) < shares.get(one.arm, 0.5)
        answers = tuple(np.where(asked, right.astype(int), -1).tolist())
        found.append(replace(one, result=replace(one.result, answers=answers)))
    return found
