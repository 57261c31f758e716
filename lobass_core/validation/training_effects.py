"""What a reference owes to being trained on the rows that it scores: their order, their copies, memory of them."""

from dataclasses import dataclass

import numpy as np

from lobass_core.learnability.ranks import spearman
from lobass_core.validation.statistics import student_95

# Below this size a rank correlation changes hardly any selection, however sure it is.
CLEAR_EFFECT = 0.1
# Of Spearman's rho after Fisher's transformation: 1.06 for its larger variance (Fieller, Hartley and Pearson 1957).
_SPEARMAN_FACTOR = 1.06
_Z_95 = 1.96
# The spread of fewer is not known.
LEAST_GROUPS = 5


@dataclass(frozen=True, slots=True)
class OrderEffect:
    """Spearman's rho of the training step at which a sample was first seen, with its reference loss and its score.

    `low` and `high` bound the rho of the loss (95 %). Without an effect it is 0.
    """

    domain: str
    n_rows: int
    loss_rho: float
    score_rho: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        return abs(self.loss_rho) >= CLEAR_EFFECT and (self.low > 0 or self.high < 0)


def order_effect(
    domain: str, first_step: np.ndarray, reference_loss: np.ndarray, score: np.ndarray
) -> OrderEffect | None:
    """The effect over the rows that were trained on; `first_step` is NaN for others. None for fewer than ten rows."""
    seen = np.isfinite(first_step) & np.isfinite(reference_loss) & np.isfinite(score)
    n = int(seen.sum())
    loss_rho = spearman(first_step[seen], reference_loss[seen])
    score_rho = spearman(first_step[seen], score[seen])
    if n < 10 or loss_rho is None or score_rho is None:
        return None
    margin = _Z_95 * np.sqrt(_SPEARMAN_FACTOR / (n - 3))
    middle = np.arctanh(np.clip(loss_rho, -0.999999, 0.999999))
    return OrderEffect(domain, n, loss_rho, score_rho, float(np.tanh(middle - margin)), float(np.tanh(middle + margin)))


@dataclass(frozen=True, slots=True)
class InSampleEffect:
    """What one domain's scores owe to a reference that was trained on the rows, beside one that was not.

    `agreement` is Spearman's rho of both scores; `optimism_nats` and `optimism` say by how much the reference loss is
    lower and the score higher in-sample, means over the rows; of `n_kept` best rows `share_stays` are the same.
    """

    domain: str
    n_rows: int
    agreement: float | None
    optimism_nats: float
    optimism: float
    n_kept: int
    share_stays: float


def in_sample_effect(
    domain: str, base: np.ndarray, in_sample: np.ndarray, cross_fitted: np.ndarray, share_kept: float
) -> InSampleEffect | None:
    """Compare two references of one base over the rows that both have scored; losses are means a row, in nats."""
    usable = np.isfinite(base) & np.isfinite(in_sample) & np.isfinite(cross_fitted) & (base > 0)
    n = int(usable.sum())
    if n < 2:
        return None
    own, other = 1 - in_sample[usable] / base[usable], 1 - cross_fitted[usable] / base[usable]
    n_kept = min(max(round(share_kept * n), 1), n)
    kept = [set(np.argsort(-score, kind="stable")[:n_kept].tolist()) for score in (own, other)]
    return InSampleEffect(
        domain=domain,
        n_rows=n,
        agreement=spearman(own, other),
        optimism_nats=float((cross_fitted - in_sample)[usable].mean()),
        optimism=float((own - other).mean()),
        n_kept=n_kept,
        share_stays=len(kept[0] & kept[1]) / n_kept,
    )


@dataclass(frozen=True, slots=True)
class CopyEffect:
    """How much higher rows with a near duplicate score than the other rows of their domain.

    `advantage` is the difference of the mean scores, `low` to `high` its 95 % interval. A reference that was trained on
    both copies saw such a row twice; `is_cross_fitted` says that each row was scored by one that saw neither.
    """

    domain: str
    n_copies: int
    n_groups: int
    n_rows: int
    advantage: float
    low: float
    high: float
    is_cross_fitted: bool = False


def copy_effect(
    domain: str, score: np.ndarray, groups: np.ndarray, has_copy: np.ndarray, *, is_cross_fitted: bool = False
) -> CopyEffect | None:
    """The advantage in one domain; None for fewer than five groups of near duplicates, or fewer than five other rows.

    Near duplicates score alike, so their chance is that of as many rows as there are `groups`; with Welch's t.
    """
    scored = np.isfinite(score)
    copies, others = score[scored & has_copy], score[scored & ~has_copy]
    group_of = np.unique(groups[scored & has_copy], return_inverse=True)[1]
    n_groups = int(group_of.max()) + 1 if len(copies) else 0
    if min(n_groups, len(others)) < LEAST_GROUPS:
        return None
    difference = float(copies.mean() - others.mean())
    apart = np.bincount(group_of, copies - copies.mean())
    of_copies = n_groups / (n_groups - 1) * float((apart**2).sum()) / len(copies) ** 2
    of_others = float(others.var(ddof=1)) / len(others)
    variance = of_copies + of_others
    freedom = variance**2 / (of_copies**2 / (n_groups - 1) + of_others**2 / (len(others) - 1)) if variance else 1
    margin = student_95(int(freedom)) * variance**0.5
    n_rows = len(copies) + len(others)
    return CopyEffect(
        domain, len(copies), n_groups, n_rows, difference, difference - margin, difference + margin, is_cross_fitted
    )
