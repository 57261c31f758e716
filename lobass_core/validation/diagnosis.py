"""How much a score follows length, and what odd rows it keeps: facts that need no training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lobass_core.learnability.flags import FLAG_NAMES
from lobass_core.learnability.ranks import average_ranks, correlation

# Rank correlations of score and response length that DavIR reports for gemma-2b: of the loss drop, and of the drop
# divided by the base loss (arXiv 2310.13008v2).
PUBLISHED = (("Alpaca", 0.75, 0.30), ("GSM8K", 0.58, 0.06))
# From here on a curator will see it in what is kept.
CLEAR_RHO = 0.3
# A rank correlation of fewer rows moves by a fifth and more from draw to draw.
LEAST_ROWS = 20
N_TENTHS = 10


@dataclass(frozen=True, slots=True)
class LengthDependence:
    """Spearman's rank correlations within one domain; None for fewer than 20 rows, and where one side never varies.

    The score and the loss drop, each with the tokens of the response, those of the prompt, and the response's steps
    (its lines that are not blank; None where they were not counted); and the drop summed over the response with its
    tokens.
    """

    domain: str
    n_rows: int
    score_response: float | None
    score_prompt: float | None
    score_steps: float | None
    drop_response: float | None
    drop_prompt: float | None
    drop_steps: float | None
    drop_sum_response: float | None

    @property
    def is_clear(self) -> bool:
        return self.score_response is not None and abs(self.score_response) >= CLEAR_RHO

    @property
    def sentence(self) -> str:
        """What was found."""
        rho = self.score_response
        if rho is None:
            few = self.n_rows < LEAST_ROWS
            reason = f"fewer than {LEAST_ROWS} scored rows" if few else "all scores or all lengths are equal"
            return f"{self.domain}: score and length cannot be compared: {reason}."
        if not self.is_clear:
            return f"{self.domain}: the score hardly depends on response length ({rho:+.2f})."
        which = "long" if rho > 0 else "short"
        return f"{self.domain}: the score prefers {which} responses ({rho:+.2f})."


@dataclass(frozen=True, slots=True)
class Lengths:
    """What length can mean, a number a row: tokens of the response and of the prompt, lines of the response.

    `steps` is None where the lines were not counted.
    """

    response: np.ndarray
    prompt: np.ndarray
    steps: np.ndarray | None = None

    def of(self, rows: np.ndarray) -> "Lengths":
        """The rows of a mask."""
        return Lengths(self.response[rows], self.prompt[rows], None if self.steps is None else self.steps[rows])


def length_dependence(
    domains: Sequence[str],
    domain_code: np.ndarray,
    score: np.ndarray,
    drop: np.ndarray,
    lengths: Lengths,
) -> list[LengthDependence]:
    """One entry a domain that has rows, in the order of `domains`; NaN where a row has no score and no drop."""
    entries = []
    for code, domain in enumerate(domains):
        own = domain_code == code
        of = own & np.isfinite(score) & np.isfinite(drop)
        if own.any():
            entries.append(_dependence(domain, score[of], drop[of], lengths.of(of)))
    return entries


def _dependence(domain: str, score: np.ndarray, drop: np.ndarray, lengths: Lengths) -> LengthDependence:
    if len(score) < LEAST_ROWS:
        return LengthDependence(domain, len(score), *[None] * 7)
    # Ranked once each: at a million rows ranking is what takes time.
    scores, drops, response, prompt = map(average_ranks, (score, drop, lengths.response, lengths.prompt))
    steps = None if lengths.steps is None else average_ranks(lengths.steps)
    return LengthDependence(
        domain=domain,
        n_rows=len(score),
        score_response=correlation(scores, response),
        score_prompt=correlation(scores, prompt),
        score_steps=None if steps is None else correlation(scores, steps),
        drop_response=correlation(drops, response),
        drop_prompt=correlation(drops, prompt),
        drop_steps=None if steps is None else correlation(drops, steps),
        drop_sum_response=correlation(average_ranks(drop * lengths.response), response),
    )


@dataclass(frozen=True, slots=True)
class LengthTenth:
    """A tenth of the rows by response length, from `shortest` to `longest` tokens, and how many of it are kept."""

    shortest: int
    longest: int
    n_rows: int
    n_kept: int

    @property
    def share_kept(self) -> float:
        return self.n_kept / self.n_rows


def length_tenths(n_response: np.ndarray, kept: np.ndarray) -> list[LengthTenth]:
    """The tenths, shortest responses first; fewer than ten rows give as many parts. `kept` is bool[n]."""
    order = np.argsort(n_response, kind="stable")
    return [
        LengthTenth(int(n_response[part[0]]), int(n_response[part[-1]]), len(part), int(kept[part].sum()))
        for part in np.array_split(order, N_TENTHS)
        if len(part)
    ]


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


def words_of_published(rows: Sequence[tuple[str, float, float]] = PUBLISHED) -> str:
    """The published figures, to hold one's own against."""
    named = ", ".join(f"{name} {drop:.2f} and {score:.2f}" for name, drop, score in rows)
    return f"Published for gemma-2b, loss drop and score: {named} (arXiv 2310.13008v2)."
