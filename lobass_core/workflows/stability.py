"""Would the same rows be selected again? Computed from the losses that are there."""

import numpy as np

from lobass_core.learnability.measures import values_under
from lobass_core.records import REFERENCE
from lobass_core.validation.stability import (
    CutStability,
    ReferenceStability,
    cut_stability,
    reference_names,
    reference_stability,
)
from lobass_core.workflows.cut import Cut
from lobass_core.workflows.explore import Scored


def names(rows: Scored) -> tuple[str, ...]:
    """The references of a scoring by the names of their loss columns."""
    return tuple(reference_names(tuple(rows.table.losses)))


def of_cuts(cut: Cut | None) -> tuple[CutStability, ...]:
    """For each cut of a selection; none of a threshold, which stays where it is, and of a random order."""
    if cut is None or cut.spec.budget == "threshold" or cut.scores.measure.uses_seed:
        return ()
    return tuple(
        found
        for domain, rows, n_kept in _cuts(cut)
        if (found := cut_stability(domain, cut.scores.score[rows], n_kept)) is not None
    )


def of_references(cut: Cut | None) -> tuple[ReferenceStability, ...]:
    """For each cut, where the scoring has several references and the selection's measure needs one."""
    if cut is None or REFERENCE not in cut.scores.measure.needs:
        return ()
    scores = reference_scores(cut)
    higher = cut.scores.measure.higher_is_better
    return tuple(
        found
        for domain, rows, n_kept in _cuts(cut)
        if (
            found := reference_stability(
                domain, {name: score[rows] for name, score in scores.items()}, n_kept, higher_is_better=higher
            )
        )
        is not None
    )


def reference_scores(cut: Cut) -> dict[str, np.ndarray]:
    """float64[n] of the selection's measure under each reference of the scoring, its own one first."""
    table, measure = cut.scores.table, cut.scores.measure
    return {name: values_under(table, measure, name) for name in reference_names(tuple(table.losses))}


def _cuts(cut: Cut) -> list[tuple[str, np.ndarray, int]]:
    """(domain, its competing rows, best first, how many of them are kept); one for all under one common cut."""
    answer = cut.answer
    if cut.spec.balance == "global":
        return [("", cut.scores.pool.rows, sum(answer.n_by_score))]
    return [
        (share.domain, domain.rows, n)
        for share, domain, n in zip(answer.domains, cut.scores.domains, answer.n_by_score, strict=True)
    ]
