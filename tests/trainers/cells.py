"""One cell of the matrix: what a trainer kept of an export, against what was promised and what was scored."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tests.trainers.exports import Exported, Scored

NOT_LEARNT = -100


@dataclass(frozen=True, slots=True)
class Cell:
    """Counts of rows. `n_same_tokens` have the very tokens that were scored, `n_as_scored` learn the very same of them,
    `n_and_break` the white space after the answer too."""

    trainer: str
    datasets: str
    shape: str
    format: str
    n_selected: int
    n_written: int
    n_promised: int
    n_unknown: int
    n_kept: int
    n_same_tokens: int
    n_as_scored: int
    n_and_break: int
    n_otherwise_said: int  # rows that the export said to be rendered otherwise


def compare(exported: Exported, kept: Sequence[dict], breaks: frozenset[int]) -> tuple[int, int, int]:
    """`n_same_tokens`, `n_as_scored` and `n_and_break` of the rows that a trainer kept, in whatever order.

    `breaks` are tokens of white space: what stands after the last learnt token changes nothing.
    """
    waiting: dict[tuple[int, ...], list[Scored]] = defaultdict(list)
    for row in exported.kept:
        waiting[_stripped(row.input_ids, breaks)].append(row)
    n_same = n_as_scored = n_and_break = 0
    for row in kept:
        candidates = waiting.get(_stripped(row["input_ids"], breaks))
        if not candidates:
            continue
        scored = candidates.pop()
        n_same += 1
        length = min(len(scored.labels), len(row["labels"]))
        pairs = zip(row["labels"][:length], scored.labels[:length], strict=True)
        other = [(made, wanted) for made, wanted in pairs if made != wanted]
        n_as_scored += not other
        n_and_break += bool(other) and all(made in breaks and wanted == NOT_LEARNT for made, wanted in other)
    return n_same, n_as_scored, n_and_break


def _stripped(ids: Sequence[int], breaks: frozenset[int]) -> tuple[int, ...]:
    end = len(ids)
    while end and ids[end - 1] in breaks:
        end -= 1
    return tuple(ids[:end])
