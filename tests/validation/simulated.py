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


def rows_of(n_rows: int, rng: np.random.Generator) -> MeasuredRows:
    """Rows of two sets with long-tailed lengths."""
    n_tokens = np.maximum(1, rng.lognormal(4, 0.8, size=2 * n_rows)).astype(int)
    return MeasuredRows.of((f"{row:016x}", SETS[row % 2], int(n)) for row, n in enumerate(n_tokens))


def finished_arm(
    arm: str, draw: int, sums: np.ndarray, rows: MeasuredRows, *, budget: float = BUDGET, seed: int = 1
) -> Finished:
    """An arm of these losses."""
    content = ArmContent("base", "render", ArmRecipe(), seed, f"{arm}-{draw}", rows.digest)
    losses = tuple(round(float(value) * UNITS_A_NAT) for value in sums)
    result = ArmResult(content, 100, 10_000, 8_000, 20, 1.0, 1.0, 2.0, "cpu", "float32", losses)
    return Finished(arm, budget, draw, seed, result, rows, draws=arm == RANDOM)


def experiment(seed: int, effects: Mapping[str, float], n_rows: int = 100, n_draws: int = 5) -> list[Finished]:
    """Random draws, and arms whose mean loss is apart from theirs by an effect, in nats a token."""
    rng = np.random.default_rng(seed)
    rows = rows_of(n_rows, rng)
    n_tokens = np.array(rows.n_tokens)
    hardness = rng.lognormal(0.6, 0.4, size=len(n_tokens))

    def sums(effect: float) -> np.ndarray:
        of_draw = rng.normal(0, DRAW_DEVIATION)
        of_rows = rng.normal(0, ROW_DEVIATION, size=len(n_tokens))
        return (hardness + effect + of_draw + of_rows) * n_tokens

    drawn = [finished_arm(RANDOM, draw, sums(0.0), rows) for draw in range(n_draws)]
    return [*drawn, *(finished_arm(arm, 0, sums(effect), rows) for arm, effect in effects.items())]


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
