"""How long the rows of a selection are in tokens, and where their answers lie: measured where it was kept.

prompt                     answer  prompt  answer
0 ............ first ............... last ....... end ..... total
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lobass_core.jobs.token_files import KeptLengths

UNKNOWN = -1


@dataclass(frozen=True, slots=True, eq=False)
class Lengths:
    """One entry a row in every array, in tokens of the whole row, before anything was cut; -1 where it is not known.

    `first_at_least` and `last_at_least` are where the first and the last answer begin at the earliest. `kept_first` and
    `kept_total` are those of the row as it was scored.
    """

    total: np.ndarray
    first: np.ndarray
    first_at_least: np.ndarray
    last: np.ndarray
    last_at_least: np.ndarray
    end: np.ndarray
    kept_first: np.ndarray
    kept_total: np.ndarray

    @classmethod
    def measured(cls, kept: KeptLengths, n_dropped: np.ndarray, n_answers: np.ndarray, max_tokens: int) -> "Lengths":
        """Of rows whose tokens are on disk; `n_dropped` tokens of each are not, as it was longer than `max_tokens`, and
        it has `n_answers` answers to learn.

        Either the end of the row is gone, or the start of a prompt that filled the limit by itself (and perhaps the
        end too, where the answer fills half of the limit).
        """
        there, whole = kept.n_tokens >= 0, n_dropped == 0
        n_scored = kept.n_tokens - kept.first
        all_dropped_in_front = kept.lost_start & (n_scored < max(1, max_tokens // 2))
        shift = np.where(all_dropped_in_front, n_dropped, 0)
        has_answer = there & (kept.first < kept.n_tokens)
        is_known = has_answer & (~kept.lost_start | all_dropped_in_front)
        first = np.where(is_known, kept.first + shift, UNKNOWN)
        ends_here = is_known & (whole | all_dropped_in_front)
        # An answer that is not among the kept tokens begins after them.
        last = np.where(is_known & (kept.n_answers >= n_answers), kept.last_answer + shift, UNKNOWN)
        after = np.where(is_known & (kept.n_answers < n_answers), kept.n_tokens + shift, UNKNOWN)
        return cls(
            total=np.where(there, kept.n_tokens + n_dropped, UNKNOWN),
            first=first,
            first_at_least=np.where(is_known, first, np.where(has_answer, max_tokens, UNKNOWN)),
            last=last,
            last_at_least=np.maximum(last, after),
            end=np.where(ends_here, kept.end + shift, UNKNOWN),
            kept_first=np.where(has_answer, kept.first, UNKNOWN),
            kept_total=kept.n_tokens,
        )

    @classmethod
    def counted(cls, picks: pa.Table, one_answer: np.ndarray) -> "Lengths":
        """From the counts that stand with the losses: the total, and where the only answer of a row begins."""
        n_prompt, n_response = (
            pc.fill_null(picks[name], 0).to_numpy().astype(np.int64)
            for name in ("n_prompt_tokens", "n_response_tokens")
        )
        cut = np.array(["truncated" in (names or "").split(",") for names in picks["flags"].to_pylist()], bool)
        scored = n_response > 0
        known = scored & ~cut
        total = np.where(known, n_prompt + n_response, UNKNOWN)
        first = np.where(known & one_answer, n_prompt, UNKNOWN)
        kept_first = np.where(scored & one_answer, n_prompt, UNKNOWN)
        kept_total = np.where(scored, n_prompt + n_response, UNKNOWN)
        return cls(total, first, first, first, first, total, kept_first, kept_total)

    def or_else(self, other: "Lengths") -> "Lengths":
        """These lengths, and the other's for rows of which nothing was measured."""
        there = self.total >= 0
        return Lengths(*(np.where(there, getattr(self, name), getattr(other, name)) for name in self.__slots__))


def n_dropped_of(sample_ids: list[str], dropped: Mapping[str, int]) -> np.ndarray:
    """int64: tokens that each sample lost when it was scored."""
    return np.array([dropped.get(sample_id, 0) for sample_id in sample_ids], np.int64)
