"""The score of a row as a weight of its loss, for training loops that read one."""

import math
from collections.abc import Iterator

import pyarrow as pa

from lobass_core.errors import ExportError
from lobass_core.exporting.plan import ExportPlan

WEIGHT_FIELD = pa.field("weight", pa.float64())
WEIGHT_TEXT = "the score over the mean score of the selection; a score below 0 counts as 0, a row without one has 1"
# More digits say nothing about the training, and sums may differ in the last one.
DIGITS = 6


def row_weights(plan: ExportPlan) -> list[float]:
    """The weight of each pick: 1 on average over the picks that have a score, so that the learning rate fits.

    Raises:
        ExportError: no score is above 0, or the lowest score is the best.
    """
    formula = plan.facts["formula"]
    if not formula.get("higher_is_better", True):
        raise ExportError(
            f"a low {formula['method']} is better than a high one, so it makes no weights",
            do="Export without --weight, or select by another method.",
        )
    scores = [None if score is None else max(score, 0.0) for score in plan.picks["score"].to_pylist()]
    known = [score for score in scores if score is not None]
    mean = math.fsum(known) / len(known) if known else 0.0
    if not mean:
        raise ExportError(
            "no row of the selection has a score above 0, so all weights would be 0",
            do="Export without --weight, or select by another method.",
        )
    return [1.0 if score is None else round(score / mean, DIGITS) for score in scores]


def weight_columns(plan: ExportPlan) -> Iterator[dict[str, float]]:
    """The weights as a further column of each row."""
    return iter([{WEIGHT_FIELD.name: weight} for weight in row_weights(plan)])
