"""Find rows of the project that also appear in evaluation files, word for word or nearly."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lobass_core.errors import InputFileError
from lobass_core.formats.read_files import file_sha256
from lobass_core.project import Project
from lobass_core.records import turns_from_json
from lobass_core.similarity.near_duplicates import duplicate_groups, normal_words
from lobass_core.similarity.shared_runs import RUN_WORDS, shared_runs
from lobass_core.specs import ImportSpec
from lobass_core.store.datasets import list_datasets, sample_batches
from lobass_core.store.overlaps import EvaluationFile, OverlappingSample, record_overlap
from lobass_core.workflows.score import check_datasets
from lobass_core.workflows.source_file import SourceFile


@dataclass(frozen=True, slots=True)
class OverlappingRow:
    """A sample that shares a run of words with a row of an evaluation file, or is a near duplicate of one.

    `words` is the shared run, empty for a near duplicate; `other_row` counts from 0.
    """

    sample_id: str
    dataset: str
    domain: str
    file: str
    other_row: int
    words: str

    @property
    def is_exact(self) -> bool:
        return bool(self.words)


@dataclass(frozen=True, slots=True)
class Overlap:
    """What of the project stands in the files; `n_file_rows` are the rows of each file that were read.

    `compared` are the samples that were looked at, of `datasets` (empty: all), with near duplicates or without.
    """

    compared: tuple[str, ...]
    n_file_rows: tuple[tuple[str, int], ...]
    rows: tuple[OverlappingRow, ...]
    datasets: tuple[str, ...] = ()
    near: bool = True

    @property
    def n_samples(self) -> int:
        return len(self.compared)

    @property
    def n_exact(self) -> int:
        return sum(row.is_exact for row in self.rows)

    @property
    def n_near(self) -> int:
        return len(self.rows) - self.n_exact

    def by_file(self) -> list[tuple[str, int, int, int]]:
        """File, rows of it, samples that share a run with it, near duplicates."""
        exact, near = (Counter(row.file for row in self.rows if row.is_exact == is_exact) for is_exact in (True, False))
        return [(file, n_rows, exact[file], near[file]) for file, n_rows in self.n_file_rows]

    def to_dict(self) -> dict:
        shown = {name: value for name, value in asdict(self).items() if name != "compared"}
        return {"n_samples": self.n_samples, **shown, "n_exact": self.n_exact, "n_near": self.n_near}


@dataclass(frozen=True, slots=True)
class _Other:
    file: str
    row: int
    text: str


def overlap(project: Project, files: Sequence[str], *, datasets: tuple[str, ...] = (), near: bool = True) -> Overlap:
    """Compare every sample with every row of the files; prompts, answers and whole conversations alike.

    A sample counts once: where it shares a run of thirteen words with a row, as exact, else as a near duplicate.

    Raises:
        InputFileError: a file cannot be read, or holds no row.
        RequestError: no such dataset, or nothing is imported.
    """
    others = [other for file in files for other in _rows_of(file)]
    with project.store() as store:
        check_datasets([dataset.name for dataset in list_datasets(store.cursor())], datasets)
        samples = [
            (sample_id, dataset, domain, _texts_of([turn.content for turn in turns_from_json(turns)]))
            for batch in sample_batches(store.cursor(), datasets)
            for sample_id, dataset, domain, turns in zip(
                *(batch[name].to_pylist() for name in ("sample_id", "dataset", "domain", "turns")), strict=True
            )
        ]
    texts = [whole for *_, (whole, *_) in samples]
    match_of: dict[int, tuple[_Other, str]] = {
        run.row: (others[run.other], run.words) for run in shared_runs(texts, [other.text for other in others])
    }
    if near:
        # A question that was changed a little may have a long answer of its own.
        parts = [(row, text) for row, (*_, own) in enumerate(samples) for text in own]
        for place, number in _near([text for _, text in parts], [other.text for other in others]):
            match_of.setdefault(parts[place][0], (others[number], ""))
    rows = [
        OverlappingRow(*samples[row][:3], other.file, other.row, words)
        for row, (other, words) in sorted(match_of.items())
    ]
    counts = Counter(file for file, _ in {(other.file, other.row) for other in others})
    file_rows = tuple((file, counts[file]) for file in files)
    return Overlap(tuple(sample[0] for sample in samples), file_rows, tuple(rows), datasets, near)


def record(project: Project, overlap: Overlap) -> None:
    """Keep what was found, in the place of the comparison before: the gate `exclude_overlap` and Browse go by it.

    Raises:
        ReadOnlyError: the project can only be read.
    """
    files = [EvaluationFile(path, _sha256(path), n_rows) for path, n_rows in overlap.n_file_rows]
    rows = [OverlappingSample(row.sample_id, row.file, row.other_row, row.words) for row in overlap.rows]
    with project.store() as store, store.transaction() as cursor:
        record_overlap(cursor, files, overlap.compared, rows, datasets=overlap.datasets, near=overlap.near)


def _sha256(path: str) -> str:
    """Of one file; of a folder or a dataset of the hub there is none."""
    return file_sha256(Path(path)) if Path(path).is_file() else ""


def _near(texts: Sequence[str], others: Sequence[str]) -> list[tuple[int, int]]:
    """(text, other) for every text in a group of near duplicates with another one; the first of these."""
    groups = duplicate_groups([*texts, *others])
    first: dict[int, int] = {}
    for number, group in enumerate(groups[len(texts) :].tolist()):
        first.setdefault(group, number)
    inside = np.flatnonzero(np.isin(groups[: len(texts)], list(first)))
    return [(row, first[int(groups[row])]) for row in inside.tolist()]


def _texts_of(turns: Sequence[str]) -> list[str]:
    """All that is said, and each turn that is long enough to tell it from others."""
    long = [text for text in turns if len(normal_words(text)) >= RUN_WORDS] if len(turns) > 1 else []
    return ["\n".join(turns), *long]


def _rows_of(path: str) -> list[_Other]:
    """Each row's whole text and, where there are several turns, each of its turns: a pool may hold a question alone.

    Raises:
        InputFileError: no row of the file can be read.
    """
    texts_of_file = []
    for row in SourceFile.open(ImportSpec(path, domain="evaluation")).rows():
        if row.sample is not None:
            turns = [turn.content for turn in row.sample.turns if turn.content.strip()]
            texts = dict.fromkeys(["\n".join(turns), *turns] if len(turns) > 1 else turns)
            texts_of_file += [_Other(path, row.row_index, text) for text in texts]
    if not texts_of_file:
        raise InputFileError(
            "no row of the file can be read", where=path, do=f"Use a file of rows with {RUN_WORDS} words or more."
        )
    return texts_of_file
