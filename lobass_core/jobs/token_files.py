"""The tokens that scoring runs kept, found by sample: what an export compares with, and what it writes as `tokens`.

A run keeps its samples in the order of their import, a few thousand a file, so that reading them in that order opens
each file about once.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lobass_core.errors import RunError

_COLUMNS = ["token_ids", "response_mask"]
# Files held in memory: some megabytes each.
FILES_AT_HAND = 4


@dataclass(frozen=True, slots=True)
class KeptTokens:
    """A sample's tokens, cut where they were too long, and which of them were scored."""

    token_ids: list[int]
    response_mask: list[bool]


class TokenFiles:
    """The token files of some runs, under one rendering, for the samples that are wanted."""

    def __init__(self, runs_dir: Path, render_fp: str, wanted: Iterable[str]) -> None:
        """Look up where each wanted sample is; of two places the later run counts.

        Raises:
            RunError: a file is torn.
        """
        self._paths = sorted(runs_dir.glob("r-*/tokens/*.parquet"))
        self._places: dict[str, tuple[int, int]] = {}
        self._open: OrderedDict[int, pa.Table] = OrderedDict()
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
        for sample_id in sample_ids:
            place = self._places.get(sample_id)
            yield None if place is None else self._tokens(*place)

    def _tokens(self, number: int, row: int) -> KeptTokens:
        if number not in self._open:
            self._open[number] = _read(self._paths[number], _COLUMNS)
            if len(self._open) > FILES_AT_HAND:
                self._open.popitem(last=False)
        self._open.move_to_end(number)
        table = self._open[number]
        return KeptTokens(*(table[name][row].as_py() for name in _COLUMNS))


def _read(path: Path, columns: list[str]) -> pa.Table:
    try:
        return pq.read_table(path, columns=columns, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise RunError(
            "a run's tokens cannot be read", where=str(path), do="Remove the file, and score its samples again."
        ) from error
