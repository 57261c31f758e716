"""The measures that a table of scores has, and their values."""

import math

import numpy as np

from lobass_core.errors import SelectionError
from lobass_core.learnability.measures import (
    ANSWERED,
    BUILT_IN,
    DOMAIN,
    DRAW,
    FACTS,
    PROMPT_TOKENS,
    RESPONSE_BYTES,
    RESPONSE_TOKENS,
    UNSCORED_FACTS,
    Measure,
)
from lobass_core.learnability.score_table import ScoreColumn, ScoreTable
from lobass_core.records import BASE, REFERENCE
from lobass_core.words.loss_columns import EPOCH_SPREAD, SPREAD, TARGET, is_member

# What a scoring may lack, and how to get it.
HOW_TO_SCORE = {
    TARGET: "Train a reference on the target with lobass train-reference --target, and score with --target NAME.",
    SPREAD: "Train several references with lobass train-reference --seeds 3, and score with them.",
    EPOCH_SPREAD: "Train a reference with lobass train-reference --epochs 3 --keep-epochs, and score with it.",
}
# Two passes over one model differ by no more, in nats a response token: see tests/invariants/test_losses.py.
EQUAL_NATS = 5e-6


def measures_of(table: ScoreTable) -> dict[str, Measure]:
    """The measures that this table has, by name: the built-in ones whose needs are met, then its score columns."""
    known = {*(FACTS if table.is_scored else UNSCORED_FACTS), *table.losses, *table.columns}
    built_in = {name: measure for name, measure in BUILT_IN.items() if known.issuperset(measure.needs)}
    return built_in | {name: _measure_of_column(one) for name, one in table.columns.items() if name not in built_in}


def _measure_of_column(column: ScoreColumn) -> Measure:
    name = column.name
    return Measure(
        name, name, column.unit, name, column.source, column.higher_is_better, (name,), lambda rows: rows[name]
    )


def measure_of(table: ScoreTable, name: str) -> Measure:
    """The measure of that name.

    Raises:
        SelectionError: this table has none.
    """
    measures = measures_of(table)
    if name in measures:
        return measures[name]
    if name in BUILT_IN:
        raise _lacking(table, BUILT_IN[name])
    raise SelectionError(f"there is no measure {name!r}", do=f"Choose from: {', '.join(measures)}.")


def _lacking(table: ScoreTable, measure: Measure) -> SelectionError:
    missing = [need for need in measure.needs if need in HOW_TO_SCORE]
    if not table.losses or not missing:
        needed = "losses" if measure.reads_losses else "token counts"
        instead = f", or use a score column: {', '.join(table.columns)}" if table.columns else ""
        return SelectionError(
            f"{measure.name} needs {needed}, and nothing is scored", do=f"Run lobass score first{instead}."
        )
    which = {
        TARGET: "a reference trained on a target set", SPREAD: "several references", EPOCH_SPREAD: "kept epochs"
    }[missing[0]]  # fmt: skip
    return SelectionError(f"{measure.name} needs {which}, and this scoring has none", do=HOW_TO_SCORE[missing[0]])


def usual_measure(table: ScoreTable) -> str:
    """The measure that counts unless another is asked for: learnability, without losses the first score column."""
    return "learnability" if table.is_scored or not table.columns else next(iter(table.columns))


def values_of(table: ScoreTable, name: str, seed: int = 0) -> np.ndarray:
    """float64[n] of any measure, in its own unit; NaN where a row has none. Must not be written to.

    Raises:
        SelectionError: this table has no such measure.
    """
    measure = measure_of(table, name)
    if not measure.of_all_rows:
        return measure.compute({need: _array(table, need, seed) for need in measure.needs})
    whole = table if table.whole is None else table.whole
    if name not in whole.fitted:
        whole.fitted[name] = measure.compute({need: _array(whole, need, seed) for need in measure.needs})
    return whole.fitted[name] if table.places is None else whole.fitted[name][table.places]


def values_under(table: ScoreTable, measure: Measure, reference: str) -> np.ndarray:
    """float64[n] of a measure of a whole table, with another loss column in the place of the reference."""
    assert table.whole is None, "the values of a part would depend on that part alone"
    named = {REFERENCE: reference}
    return measure.compute({need: _array(table, named.get(need, need), 0) for need in measure.needs})


def standard_errors(table: ScoreTable, name: str) -> np.ndarray | None:
    """float64[n]: the standard error of a measure over several references; None where it has but one, or needs none."""
    measure = measure_of(table, name)
    members = [column for column in table.losses if is_member(column)]
    if len(members) < 2 or REFERENCE not in measure.needs:
        return None
    whole = table.whole if measure.of_all_rows and table.whole is not None else table
    under = [
        measure.compute({need: _array(whole, member if need == REFERENCE else need, 0) for need in measure.needs})
        for member in members
    ]
    errors = np.std(under, axis=0, ddof=1) / math.sqrt(len(members))
    return errors if whole is table else errors[table.places]


def _array(table: ScoreTable, name: str, seed: int) -> np.ndarray:
    if name in table.losses:
        return table.losses[name]
    if name in table.columns:
        return table.columns[name].values
    if name == DRAW:
        return hashed_uniform(table.tie_key, seed)
    if name == ANSWERED:
        return table.n_tokens > 0 if table.is_scored else np.ones(len(table), bool)
    if name == DOMAIN:
        return np.array(table.domains, str)[table.domain_code]
    counts = {RESPONSE_TOKENS: table.n_tokens, PROMPT_TOKENS: table.n_prompt_tokens, RESPONSE_BYTES: table.n_bytes}
    return counts[name]


def check_difference(table: ScoreTable, measure: Measure) -> None:
    """Refuse a measure that tells the reference from the base, where they do not differ in any row.

    Raises:
        SelectionError: base and reference have the same losses throughout.
    """
    if not measure.is_difference:
        return
    apart = np.abs(table.losses[BASE] - table.losses[REFERENCE])
    apart = apart[np.isfinite(apart)]
    if not len(apart) or apart.max() > EQUAL_NATS:
        return
    others = [name for name, other in measures_of(table).items() if not other.is_difference]
    raise SelectionError(
        f"{measure.name} needs a reference that differs from the base, and their losses are equal in all "
        f"{len(apart):,} scored rows",
        do=f"Score with another reference, or rank by one of: {', '.join(others)}.",
    )


def hashed_uniform(tie_key: np.ndarray, seed: int) -> np.ndarray:
    """float64[n] in [0, 1) from (seed, tie_key) alone, so in no row order (splitmix64, Steele et al. 2014)."""
    start = _splitmix64(np.array([seed % 2**64], np.uint64))
    return (_splitmix64(tie_key.astype(np.uint64) ^ start) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _splitmix64(z: np.ndarray) -> np.ndarray:
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
