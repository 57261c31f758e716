"""The tokens that scoring runs kept, found by sample: what an export compares with, and what it writes as `tokens`.

A run keeps its samples in the order of their import, a few thousand a file, so that reading them in that order opens
each file about once.
"""

from collections import OrderedDict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from lobass_core.errors import RunError
from lobass_core.jobs.run_files import read_parquet

_TOKENS = ("token_ids", "response_mask")
_TEXTS = ("text", "token_starts", "token_ends", "response_mask")
# Files held in memory: some megabytes each.
FILES_AT_HAND = 4


@dataclass(frozen=True, slots=True)
class KeptTokens:
    """A sample's tokens, cut where they were too long, and which of them were scored."""

    token_ids: list[int]
    response_mask: list[bool]


@dataclass(frozen=True, slots=True, eq=False)
class KeptText:
    """A sample's whole text as it was rendered, and of its kept tokens the places in it and which were scored."""

    text: str
    offsets: np.ndarray  # int32[n, 2]
    response_mask: np.ndarray  # bool[n]


@dataclass(frozen=True, slots=True, eq=False)
class KeptLengths:
    """One entry a sample in every array, -1 where its tokens are not on disk; places count what was kept.

    token    0  1  2  3  4  5  6  7
    scored         x  x     x  x
                   first    last_answer    n_tokens 8, end 7
    """

    n_tokens: np.ndarray
    first: np.ndarray  # of the first scored token; n_tokens where none is scored
    last_answer: np.ndarray  # of the first token of the last run of scored ones
    end: np.ndarray  # one past the last scored token
    n_answers: np.ndarray  # runs of scored tokens
    lost_start: np.ndarray  # bool: the prompt lost its start


class TokenFiles:
    """The token files of some runs, under one rendering, for the samples that are wanted."""

    def __init__(self, runs_dir: Path, render_fp: str, wanted: Iterable[str]) -> None:
        """Look up where each wanted sample is; of two places the later run counts.

        Raises:
            RunError: a file is torn.
        """
        self._paths = sorted(runs_dir.glob("r-*/tokens/*.parquet"))
        self._places: dict[str, tuple[int, int]] = {}
        wanted = set(wanted)
        for number, path in enumerate(self._paths):
            table = _read(path, ["sample_id", "render_fp"])
            names, renders = table["sample_id"].to_pylist(), table["render_fp"].to_pylist()
            for row, (sample_id, render) in enumerate(zip(names, renders, strict=True)):
                if render == render_fp and sample_id in wanted:
                    self._places[sample_id] = (number, row)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, sample_id: str) -> bool:
        return sample_id in self._places

    def read(self, sample_ids: Sequence[str]) -> Iterator[KeptTokens | None]:
        """The tokens of these samples in their order; None for a sample that no run kept."""
        for place, table in self._rows(sample_ids, _TOKENS):
            yield None if table is None else KeptTokens(*(table[name][place].as_py() for name in _TOKENS))

    def read_texts(self, sample_ids: Sequence[str]) -> Iterator[KeptText | None]:
        """The rendered texts of these samples in their order; None for a sample that no run kept."""
        for place, table in self._rows(sample_ids, _TEXTS):
            if table is None:
                yield None
                continue
            starts, ends, mask = (
                table[name][place].values.to_numpy(zero_copy_only=False) for name in _TEXTS if name != "text"
            )
            yield KeptText(table["text"][place].as_py(), np.column_stack([starts, ends]), mask)

    def _rows(self, sample_ids: Sequence[str], columns: Sequence[str]) -> Iterator[tuple[int, pa.Table | None]]:
        """Each sample's row, and the table that it stands in; a few tables are kept at hand."""
        at_hand: OrderedDict[int, pa.Table] = OrderedDict()
        for sample_id in sample_ids:
            number, row = self._places.get(sample_id, (-1, -1))
            if number < 0:
                yield row, None
                continue
            if number not in at_hand:
                at_hand[number] = _read(self._paths[number], list(columns))
                if len(at_hand) > FILES_AT_HAND:
                    at_hand.popitem(last=False)
            at_hand.move_to_end(number)
            yield row, at_hand[number]

    def lengths(self, sample_ids: Sequence[str], cut: Container[str] = ()) -> KeptLengths:
        """How long these samples are, and where their scored tokens lie; `cut` are those that lost some tokens."""
        measured = np.full((5, len(sample_ids)), -1, np.int64)
        lost_start = np.zeros(len(sample_ids), bool)
        asked: dict[int, list[tuple[int, int]]] = {}
        for place, sample_id in enumerate(sample_ids):
            if sample_id in self._places:
                number, row = self._places[sample_id]
                asked.setdefault(number, []).append((place, row))
        for number, rows in asked.items():
            masks = _read(self._paths[number], ["response_mask"]).combine_chunks()["response_mask"].chunk(0)
            flat, offsets = masks.values.to_numpy(zero_copy_only=False), masks.offsets.to_numpy()
            for place, row in rows:
                measured[:, place] = _places_of(flat[offsets[row] : offsets[row + 1]])
            cut_rows = [(place, row) for place, row in rows if sample_ids[place] in cut]
            if cut_rows:
                texts = _read(self._paths[number], ["text", "token_starts", "token_ends"])
                for place, row in cut_rows:
                    lost_start[place] = _lost_its_start(*(column[row].as_py() for column in texts.columns))
        n_tokens, first, last_answer, end, n_answers = measured
        return KeptLengths(n_tokens, first, last_answer, end, n_answers, lost_start)


def _places_of(mask: np.ndarray) -> tuple[int, int, int, int, int]:
    """n_tokens, first, last_answer, end and n_answers of `KeptLengths`."""
    scored = np.flatnonzero(mask)
    if not len(scored):
        return len(mask), len(mask), len(mask), 0, 0
    breaks = np.flatnonzero(np.diff(scored) > 1)
    last = scored[breaks[-1] + 1] if len(breaks) else scored[0]
    return len(mask), int(scored[0]), int(last), int(scored[-1]) + 1, len(breaks) + 1


def _lost_its_start(text: str, starts: list[int], ends: list[int]) -> bool:
    """Whether some of the prompt is missing before the first token or after it, which may be the BOS."""
    gaps = [text[: starts[0]], text[ends[0] : starts[1]]] if len(starts) > 1 else []
    return any(gap.strip() for gap in gaps)


def _read(path: Path, columns: list[str]) -> pa.Table:
    try:
        return read_parquet(path, columns)
    except RunError as error:
        raise RunError(error.what, where=error.where, do="Remove the file, and score its samples again.") from error
