"""What a self-test would score and cost, from lengths and speeds alone: no text is read."""

from dataclasses import dataclass

import numpy as np

from lobass_core.errors import LobassError
from lobass_core.learnability import flags
from lobass_core.learnability.measure_values import values_of
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.project import Project
from lobass_core.store.planted_rows import reference_columns
from lobass_core.words.clock import seconds_between
from lobass_core.workflows.runs import open_run
from lobass_core.workflows.scored import Scored

DEFAULT_SWAPS = 100
# With fewer the interval covers nearly everything, and more than half of the rows are no small share.
LEAST_SWAPS, MOST_SWAPS, MOST_SHARE = 4, 2_000, 0.5
_UNUSABLE = flags.DUPLICATE | flags.TRUNCATED | flags.NON_FINITE | flags.NO_RESPONSE | flags.NOT_SCORED


@dataclass(frozen=True, slots=True)
class PlantedForecast:
    """About how many rows and tokens a self-test would score; seconds None where nothing was timed."""

    n_rows: int
    n_tokens: int
    seconds: float | None

    @property
    def is_possible(self) -> bool:
        return self.n_rows >= LEAST_SWAPS


def forecast(project: Project, rows: Scored, n_swaps: int = DEFAULT_SWAPS) -> PlantedForecast:
    """What a self-test of so many swaps would score; a few rows may turn out not to be a question with one answer."""
    table, scoring = rows.table, rows.need_scoring()
    lengths, counts = table.n_tokens + table.n_prompt_tokens, rows_to_swap(table, n_swaps)
    usable = usable_rows(table)
    n_tokens = 0.0
    for code, n in enumerate(counts):
        here = usable & (table.domain_code == code)
        n_tokens += n * float(lengths[here].mean()) if n else 0.0
    # Every row is read by the base and by a model of each reference.
    n_read = round(n_tokens * (1 + len(reference_columns(scoring))))
    return PlantedForecast(sum(counts), n_read, seconds_of(project, scoring.run_id, n_read))


def usable_rows(table: ScoreTable) -> np.ndarray:
    """bool[n]: rows with a score that stand for their sample and were read whole."""
    return np.isfinite(values_of(table, "learnability")) & ~table.has(_UNUSABLE)


def rows_to_swap(table: ScoreTable, n_swaps: int) -> list[int]:
    """How many rows of each domain: the same number of each, and at most half of one."""
    a_domain = -(-n_swaps // max(len(table.domains), 1))
    there = np.bincount(table.domain_code[usable_rows(table)], minlength=len(table.domains))
    return [min(a_domain, int(MOST_SHARE * n)) for n in there.tolist()]


def seconds_of(project: Project, run_id: str, n_tokens: int) -> float | None:
    """As long as the scoring itself took for so many tokens; None where it did not say, or computed nothing."""
    try:
        done = open_run(project, run_id).read_progress()
    except LobassError:
        return None
    seconds = seconds_between(done.started_at, done.finished_at)
    return n_tokens * seconds / done.n_tokens_done if done.n_tokens_done and seconds is not None else None
