"""A file read through before its import: what it would become, in numbers."""

import itertools
import re
import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from lobass_core.project import Project
from lobass_core.records import Sample, response_turns
from lobass_core.specs import ImportSpec
from lobass_core.store.counts import count_known
from lobass_core.workflows.source_file import (
    ReadRow,
    SourceFile,
    has_empty_response,
    kind_of,
)

# A preview answers while a person waits; the import itself reads every row.
SCAN_SECONDS = 8.0
MAX_REJECTS_SHOWN = 1000
# Kana and Han characters, which are written without spaces between words.
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")


@dataclass(frozen=True, slots=True)
class FileScan:
    """A file in numbers. `complete` is False where it was too long to read through; the counts are then of its start.

    `n_words` and `n_filled` concern rows that import: words of the response by row, rows in which a column holds
    something. Row lists are row indices in ascending order.
    """

    n_rows: int
    n_importable: int
    n_rejected: int
    n_seen_before: int
    n_duplicates: int
    n_empty_response: int
    n_one_word: int
    median_words: int
    longest_words: int
    longest_row: int
    complete: bool
    read_share: float
    reasons: dict[str, int] = field(default_factory=dict)
    domains: dict[str, int] = field(default_factory=dict)
    n_filled: dict[str, int] = field(default_factory=dict)
    rejected_rows: tuple[int, ...] = ()
    input_rows: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    n_mended: int = 0
    dropped_media: dict[str, int] = field(default_factory=dict)


def n_response_words(sample: Sample) -> int:
    """Words of the response. Text without spaces between words (Chinese) counts its characters."""
    response = response_turns(sample.turns, sample.kind)
    return sum(count_words(turn.content) for turn in itertools.compress(sample.turns, response))


def count_words(text: str) -> int:
    """Runs of text between spaces, except that each Chinese or Japanese character is one."""
    if text.isascii():
        return len(text.split())
    spaced, n_characters = _UNSPACED.subn(" ", text)
    return n_characters + len(spaced.split())


def has_input(sample: Sample | None) -> bool:
    """Whether a turn carries Alpaca's second field."""
    return sample is not None and any(turn.input is not None for turn in sample.turns)


def scan(project: Project | None, spec: ImportSpec, max_seconds: float = SCAN_SECONDS) -> FileScan:
    """Read the file through, as far as the time goes, and count what an import would do.

    Raises: as `preview`.
    """
    source = SourceFile.open(spec, looks=True)
    deadline = time.monotonic() + max_seconds
    tally, complete = _ScanTally(), True
    for row in source.rows():
        tally.add(row)
        if tally.n_rows % 1000 == 0 and time.monotonic() > deadline:
            complete = False
            break
    n_known = _count_known(project, tally.sample_ids)
    return tally.scan(n_known, complete, 1.0 if complete else source.read_share())


@dataclass(slots=True)
class _ScanTally:
    """The rows of a file as they are read; `words` and `word_rows` have one entry per importable row."""

    reasons: Counter[str] = field(default_factory=Counter)
    domains: Counter[str] = field(default_factory=Counter)
    filled: Counter[str] = field(default_factory=Counter)
    media: Counter[str] = field(default_factory=Counter)
    rejected: list[int] = field(default_factory=list)
    with_input: list[int] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    word_rows: list[int] = field(default_factory=list)
    sample_ids: list[str] = field(default_factory=list)
    n_rows: int = 0
    n_mended: int = 0
    n_empty: int = 0

    def add(self, row: ReadRow) -> None:
        """Count one row."""
        self.n_rows += 1
        if isinstance(row.value, dict):
            self.filled.update(key for key, value in row.value.items() if value not in (None, "", []))
        if row.sample is None:
            self.reasons[kind_of(row.reason)] += 1
            if len(self.rejected) < MAX_REJECTS_SHOWN:
                self.rejected.append(row.row_index)
            return
        self.domains[row.domain] += 1
        self.n_mended += row.mended
        self.n_empty += has_empty_response(row.sample)
        self.media.update(row.media or {})
        self.words.append(n_response_words(row.sample))
        self.word_rows.append(row.row_index)
        self.sample_ids.append(row.sample.sample_id)
        if has_input(row.sample):
            self.with_input.append(row.row_index)

    def scan(self, n_known: int, complete: bool, read_share: float) -> FileScan:
        """What was counted."""
        lengths = np.array(self.words or [0])
        return FileScan(
            n_rows=self.n_rows,
            n_importable=len(self.words),
            n_rejected=self.n_rows - len(self.words),
            n_seen_before=n_known,
            n_duplicates=len(self.sample_ids) - len(set(self.sample_ids)),
            n_empty_response=self.n_empty,
            n_one_word=self.words.count(1),
            median_words=round(float(np.median(lengths))),
            longest_words=int(lengths.max()),
            longest_row=self.word_rows[int(lengths.argmax())] if self.word_rows else 0,
            complete=complete,
            read_share=read_share,
            reasons=dict(self.reasons.most_common()),
            domains=dict(sorted(self.domains.items())),
            n_filled=dict(self.filled),
            rejected_rows=tuple(self.rejected),
            input_rows=np.array(self.with_input, dtype=np.int64),
            n_mended=self.n_mended,
            dropped_media=dict(self.media),
        )


def _count_known(project: Project | None, sample_ids: list[str]) -> int:
    """How many of the rows hold a sample that a row of the project has already."""
    if project is None or not sample_ids:
        return 0
    with project.store() as store:
        return count_known(store.cursor(), sample_ids)
