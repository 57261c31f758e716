"""Trains the arms of an experiment one after the other and keeps what each came to; a kept arm costs nothing."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lobass_core.scoring.token_table import TokenTable
from lobass_core.training.arm import ArmPlace, arm_steps, train_arm
from lobass_core.training.fit import Pulse
from lobass_core.validation.arm_results import (
    ID_DIGITS,
    UNITS_A_NAT,
    ArmCache,
    ArmContent,
    ArmRecipe,
    ArmResult,
    MeasuredRows,
    digest_of,
)


@dataclass(frozen=True, slots=True)
class ArmOrder:
    """One training to do: the rows to train on, those to measure, and how. `like`: as many steps as these rows take."""

    trained: tuple[str, ...]
    measured: MeasuredRows
    recipe: ArmRecipe
    seed: int
    like: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Watch:
    """What a training tells whoever started it, and when it is to stop.

    `on_measured` hears of every batch of measured tokens, and may raise.
    """

    on_pulse: Callable[[Pulse], None]
    on_measured: Callable[[int], None]
    should_stop: Callable[[], bool]


class ArmLab:
    """One base, one rendering, one table of tokens: where all arms of an experiment are trained."""

    def __init__(self, place: ArmPlace, table: TokenTable, base: str, render_fp: str, cache: ArmCache) -> None:
        """`base` is the fingerprint of the base's weights."""
        self.place, self.table, self.cache = place, table, cache
        self.base, self.render_fp = base, render_fp
        self._row_of = {sample_id[:ID_DIGITS]: row for row, sample_id in enumerate(table.sample_ids)}

    def content_of(self, order: ArmOrder) -> ArmContent:
        """What names the result of an order."""
        recipe = replace(order.recipe, steps_of=digest_of(order.like) if order.like else "")
        return ArmContent(
            self.base, self.render_fp, recipe, order.seed, digest_of(order.trained), order.measured.digest
        )

    def rows(self, sample_ids: Sequence[str]) -> np.ndarray:
        """Places of samples in the table, int64[n]."""
        return np.array([self._row_of[sample_id[:ID_DIGITS]] for sample_id in sample_ids], dtype=np.int64)

    def steps_of(self, order: ArmOrder) -> list[np.ndarray]:
        """The rows of every optimiser step of an order."""
        like = self.rows(order.like) if order.like else None
        return arm_steps(self.table, self.rows(order.trained), order.recipe, order.seed, like)

    def do(self, order: ArmOrder, watch: Watch) -> ArmResult | None:
        """Train and measure, or read what was kept of it; None where the watch asked to stop.

        Raises:
            LobassError: the base cannot be trained so, or a kept result is damaged.
        """
        content = self.content_of(order)
        if self.cache.has(content):
            return self.cache.read(content)
        checkpoints = self.place.checkpoints / content.key
        losses = train_arm(
            replace(self.place, checkpoints=checkpoints),
            self.table,
            self.steps_of(order),
            self.rows(order.measured.sample_ids),
            order.recipe,
            order.seed,
            watch.on_pulse,
            watch.on_measured,
            watch.should_stop,
        )
        if losses is None:
            return None
        trained = self.rows(order.trained)
        result = ArmResult(
            content=content,
            n_rows=len(trained),
            n_tokens_shown=losses.n_tokens_shown,
            n_response_tokens=int(self.table.n_response_tokens[trained].sum(dtype=np.int64)),
            n_steps=losses.n_steps,
            train_seconds=losses.train_seconds,
            measure_seconds=losses.measure_seconds,
            cpu_seconds=losses.cpu_seconds,
            device=str(self.place.device),
            dtype=losses.dtype,
            losses=tuple(round(float(total) * UNITS_A_NAT) for total in losses.sums),
        )
        self.cache.write_rows(order.measured)
        self.cache.write(result)
        shutil.rmtree(checkpoints, ignore_errors=True)
        return result


def measured_rows(table: TokenTable, sets: Sequence[tuple[str, str]]) -> MeasuredRows:
    """Rows of a table as what arms are measured on, given as (sample id, name of its set)."""
    n_tokens = dict(zip(table.sample_ids, table.n_response_tokens.tolist(), strict=True))
    return MeasuredRows.of((sample_id, name, n_tokens[sample_id]) for sample_id, name in sets)
