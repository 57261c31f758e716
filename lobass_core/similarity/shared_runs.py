"""Runs of words that texts share with other texts: does a row of the pool stand in an evaluation file?

Thirteen words in a row are the customary measure (Brown et al., Language Models are Few-Shot Learners, 2020, appendix
C): shorter runs are common by chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lobass_core.similarity.near_duplicates import normal_words

RUN_WORDS = 13


@dataclass(frozen=True, slots=True)
class SharedRun:
    """Text `row` and the first `other` text that it shares a run with; `words` is that run, in lower case."""

    row: int
    other: int
    words: str


def shared_runs(texts: Sequence[str], others: Sequence[str], n_words: int = RUN_WORDS) -> list[SharedRun]:
    """The texts that share a run of `n_words` words with any of the others, in their order.

    Case, punctuation and white space do not count. A text of fewer words counts where it is the same as the whole of
    another one. Texts without a word share nothing.
    """
    run_of: dict[str, int] = {}
    for number, text in enumerate(others):
        for run in _runs(text, n_words):
            run_of.setdefault(run, number)
    shared = []
    for row, text in enumerate(texts):
        first = next((run for run in _runs(text, n_words) if run in run_of), None)
        if first is not None:
            shared.append(SharedRun(row, run_of[first], first))
    return shared


def _runs(text: str, n_words: int) -> list[str]:
    """All runs of a text, the first one first; of a shorter text the whole of it, which no longer run can equal."""
    words = normal_words(text)
    if len(words) < n_words:
        return [" ".join(words)] if words else []
    return [" ".join(words[start : start + n_words]) for start in range(len(words) - n_words + 1)]
