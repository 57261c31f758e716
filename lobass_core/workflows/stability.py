"""Would the same rows be selected again? Computed from the losses that are there."""

import numpy as np

from lobass_core.learnability.measure_values import values_under
from lobass_core.records import REFERENCE
from lobass_core.validation.stability import (
    CutStability,
    ReferenceStability,
    comparable_references,
    cut_stability,
    reference_stability,
)
from lobass_core.workflows.cut import Cut


def of_cuts(cut: Cut | None) -> tuple[CutStability, ...]:
    """For each cut of a selection; none of a threshold, which stays where it is, and of a random order."""
    if cut is None or cut.spec.budget == "threshold" or cut.scores.measure.uses_seed:
        return ()
    return tuple(
        stability
        for domain, rows, n_kept in _cuts(cut)
        if (stability := cut_stability(domain, cut.scores.score[rows], n_kept)) is not None
    )


def of_references(cut: Cut | None) -> tuple[ReferenceStability, ...]:
    """For seeds and for epochs, by cut, where the scoring has several and the selection's measure needs a reference."""
    if cut is None or REFERENCE not in cut.scores.measure.needs:
        return ()
    table, measure, cuts = cut.scores.table, cut.scores.measure, _cuts(cut)
    measured = []
    for kind, names in comparable_references(tuple(table.losses)).items():
        scores = {name: values_under(table, measure, name) for name in names}
        for domain, rows, n_kept in cuts:
            of_cut = {name: score[rows] for name, score in scores.items()}
            higher = measure.higher_is_better
            measured.append(reference_stability(kind, domain, of_cut, n_kept, higher_is_better=higher))
    return tuple(one for one in measured if one is not None)


def _cuts(cut: Cut) -> list[tuple[str, np.ndarray, int]]:
    """(domain, its competing rows, best first, how many of them are kept); one for all under one common cut."""
    answer = cut.answer
    if cut.spec.balance == "global":
        return [("", cut.scores.pool.rows, sum(answer.n_by_score))]
    return [
        (share.domain, domain.rows, n)
        for share, domain, n in zip(answer.domains, cut.scores.domains, answer.n_by_score, strict=True)
    ]
