"""Trains the arms of an experiment one after the other and keeps what each came to; a kept arm costs nothing."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.token_table import TokenTable
from lobass_core.training.arm import ArmPlace, arm_steps, train_arm
from lobass_core.training.arm_answers import right_answers
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
    """One training to do: the rows to train on, those to measure, and how. `like`: as many steps as these rows take.

    `answers` are the final answers of measured rows by id; `asked` are those of them that this arm answers itself.
    """

    trained: tuple[str, ...]
    measured: MeasuredRows
    recipe: ArmRecipe
    seed: int
    like: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Watch:
    """What a training tells whoever started it, and when it is to stop.

    `on_measured` hears of every batch of measured tokens, and may raise; `on_answered` of every batch of answered rows.
    `check` is called at every token that an arm writes, and may raise.
    """

    on_pulse: Callable[[Pulse], None]
    on_measured: Callable[[int], None]
    should_stop: Callable[[], bool]
    on_answered: Callable[[int], None] = lambda _: None
    check: Callable[[], None] = lambda: None


class ArmLab:
    """One base, one rendering, one table of tokens: where all arms of an experiment are trained."""

    def __init__(
        self, place: ArmPlace, table: TokenTable, base: str, render_fp: str, cache: ArmCache, tokenizer: Any = None
    ) -> None:
        """`base` is the fingerprint of the base's weights; the tokenizer is for arms that answer."""
        self.place, self.table, self.cache, self.tokenizer = place, table, cache, tokenizer
        self.base, self.render_fp = base, render_fp
        self._row_of = {sample_id[:ID_DIGITS]: row for row, sample_id in enumerate(table.sample_ids)}

    def content_of(self, order: ArmOrder) -> ArmContent:
        """What names the result of an order."""
        recipe = replace(order.recipe, steps_of=digest_of(order.like) if order.like else "")
        answered_on = digest_of(order.answers) if order.answers else ""
        trained_on, measured_on = digest_of(order.trained), order.measured.digest
        return ArmContent(self.base, self.render_fp, recipe, order.seed, trained_on, measured_on, answered_on)

    def rows(self, sample_ids: Sequence[str]) -> np.ndarray:
        """Places of samples in the table, int64[n]."""
        return np.array([self._row_of[sample_id[:ID_DIGITS]] for sample_id in sample_ids], dtype=np.int64)

    def steps_of(self, order: ArmOrder) -> list[np.ndarray]:
        """The rows of every optimiser step of an order."""
        like = self.rows(order.like) if order.like else None
        return arm_steps(self.table, self.rows(order.trained), order.recipe, order.seed, like)

    def do(self, order: ArmOrder, watch: Watch) -> ArmResult | None:
        """Train and measure, or read what was kept of it; None where the watch asked to stop.

        A kept result that is damaged is trained again.

        Raises:
            LobassError: the base cannot be trained so.
        """
        content = self.content_of(order)
        if not self.cache.has_rows(order.measured.digest):
            self.cache.write_rows(order.measured)
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
            lambda loaded: self._answers(loaded, order, watch),
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
            answers=self._in_order(losses.answers, order.measured) if order.answers else (),
        )
        self.cache.write(result)
        shutil.rmtree(checkpoints, ignore_errors=True)
        return result

    def _answers(self, loaded: LoadedModel, order: ArmOrder, watch: Watch) -> dict[int, bool]:
        asked = {
            sample_id[:ID_DIGITS]: answer for sample_id, answer in order.answers.items() if sample_id in order.asked
        }
        if not asked:
            return {}
        by_row = {self._row_of[sample_id]: answer for sample_id, answer in asked.items()}
        return right_answers(loaded, self.tokenizer, self.table, by_row, watch.on_answered, watch.check)

    def _in_order(self, answers: dict[int, bool], measured: MeasuredRows) -> tuple[int, ...]:
        return tuple(int(answers.get(self._row_of[sample_id], -1)) for sample_id in measured.sample_ids)


def measured_rows(table: TokenTable, sets: Sequence[tuple[str, str]]) -> MeasuredRows:
    """Rows of a table as what arms are measured on, given as (sample id, name of its set)."""
    n_tokens = dict(zip(table.sample_ids, table.n_response_tokens.tolist(), strict=True))
    return MeasuredRows.of((sample_id, name, n_tokens[sample_id]) for sample_id, name in sets)
