"""How much a score follows length, and what a reference costs: facts that need no training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lobass_core.learnability.diagnostics import spearman
from lobass_core.learnability.flags import FLAG_NAMES
from lobass_core.words.plural import plural

# Rank correlations of score and response length that DavIR reports for gemma-2b: of the loss drop, and of the drop
# divided by the base loss (arXiv 2310.13008v2).
PUBLISHED = (("Alpaca", 0.75, 0.30), ("GSM8K", 0.58, 0.06))
# From here on a curator will see it in what is kept.
CLEAR_RHO = 0.3
N_TENTHS = 10


@dataclass(frozen=True, slots=True)
class LengthDependence:
    """Spearman's rank correlations within one domain; None where one side never varies."""

    domain: str
    n_rows: int
    score_response: float | None
    score_prompt: float | None
    drop_response: float | None
    drop_sum_response: float | None

    @property
    def is_clear(self) -> bool:
        return self.score_response is not None and abs(self.score_response) >= CLEAR_RHO

    @property
    def sentence(self) -> str:
        """What it means, and what to do."""
        rho = self.score_response
        if rho is None:
            return f"{self.domain}: too few scored rows to compare score and length."
        if not self.is_clear:
            return f"{self.domain}: the score hardly depends on response length ({rho:+.2f})."
        which = "long" if rho > 0 else "short"
        return (
            f"{self.domain}: the score prefers {which} responses ({rho:+.2f}). Compare it with the length-adjusted "
            "score: lobass validate --arms learnability,length-adjusted,length-matched."
        )


def length_dependence(
    domains: np.ndarray,
    base_loss: np.ndarray,
    reference_loss: np.ndarray,
    n_response: np.ndarray,
    n_prompt: np.ndarray,
) -> list[LengthDependence]:
    """One entry a domain, alphabetical; losses are means in nats a response token, NaN where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(base_loss > 0, (base_loss - reference_loss) / base_loss, np.nan)
    drop = base_loss - reference_loss
    response, prompt = n_response.astype(np.float64), n_prompt.astype(np.float64)
    entries = []
    for domain in np.unique(domains).tolist():
        of = (domains == domain) & np.isfinite(score)
        entries.append(
            LengthDependence(
                domain=str(domain),
                n_rows=int(of.sum()),
                score_response=spearman(score[of], response[of]),
                score_prompt=spearman(score[of], prompt[of]),
                drop_response=spearman(drop[of], response[of]),
                drop_sum_response=spearman((drop * response)[of], response[of]),
            )
        )
    return entries


def kept_by_tenth(n_response: np.ndarray, kept: np.ndarray) -> list[float]:
    """Share of the rows that are kept in each tenth of response lengths, shortest first; fewer where lengths tie.

    `kept` is bool[n]. No rows give no tenths.
    """
    order = np.argsort(n_response, kind="stable")
    return [float(kept[part].mean()) for part in np.array_split(order, N_TENTHS) if len(part)]


@dataclass(frozen=True, slots=True)
class Oddity:
    """Rows with one flag (learnability/flags.py): how many there are, and how many of them a selection keeps."""

    flag: str
    n_rows: int
    n_kept: int


def oddities(flags: np.ndarray, kept: np.ndarray) -> list[Oddity]:
    """Every flag that a row has, in the order of the bits; `kept` is bool[n], all False without a selection."""
    listed = []
    for bit, name in FLAG_NAMES.items():
        flagged = (flags & np.uint16(bit)) != 0
        if flagged.any():
            listed.append(Oddity(name, int(flagged.sum()), int((flagged & kept).sum())))
    return listed


def reference_passes(epochs: float, folds: int = 1) -> float:
    """Passes over the pool that scoring costs: training the reference, then scoring base and reference.

    A forward pass is 1, an epoch of training 3. K folds train K models on (K-1)/K of the pool each.
    """
    trained = 3 * epochs * (folds - 1) if folds > 1 else 3 * epochs
    return trained + 2


def training_passes(share: float, epochs: float) -> float:
    """Passes over the pool that training on a share of it costs."""
    return 3 * share * epochs


def cost_sentence(share: float, epochs: int, reference_epochs: float, folds: int) -> str:
    """Scoring and training on a share against training on everything."""
    scoring = reference_passes(reference_epochs, folds)
    whole, part = training_passes(1.0, epochs), scoring + training_passes(share, epochs)
    compared = "less than" if part < whole else "no less than"
    return (
        f"Scoring costs {scoring:g} passes over the pool, and with training on {100 * share:.3g} % for "
        f"{plural(epochs, 'epoch')} {part:.3g}: {compared} the {whole:g} of training on everything."
    )


def words_of_published(rows: Sequence[tuple[str, float, float]] = PUBLISHED) -> str:
    """The published figures, to hold one's own against."""
    named = ", ".join(f"{name} {drop:.2f} and {score:.2f}" for name, drop, score in rows)
    return f"Published for gemma-2b, loss drop and score: {named} (arXiv 2310.13008v2)."
