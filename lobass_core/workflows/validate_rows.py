"""The rows of an experiment: held-out rows first, near duplicates together; arms choose from the rest."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from lobass_core.errors import RequestError
from lobass_core.learnability.measure_values import measure_of, values_of
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.project import Project
from lobass_core.records import BASE, REFERENCE, Sample, Turn, turns_from_json
from lobass_core.similarity.near_duplicates import duplicate_groups
from lobass_core.specs import ImportSpec, ValidateSpec
from lobass_core.store.datasets import list_datasets, sample_batches, sample_ids_of_rows
from lobass_core.store.scorings import Scoring
from lobass_core.store.selections import find_selection, selection_picks
from lobass_core.validation.arms import MEASURE
from lobass_core.validation.candidates import Candidates
from lobass_core.validation.final_answers import final_answer
from lobass_core.validation.held_out import has_duplicate_in, held_out_by_domain
from lobass_core.words.plural import plural
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.run_input import input_batch
from lobass_core.workflows.score import check_datasets
from lobass_core.workflows.scored import scored
from lobass_core.workflows.source_file import SourceFile

# A set needs more than one row to say how far chance goes.
LEAST_ROWS = 2
# Near duplicates of the same texts, which take longer to find than all the rest.
_groups: Recent[np.ndarray] = Recent(2)


@dataclass(frozen=True, slots=True, eq=False)
class ExperimentRows:
    """What is trained on and what is measured. `sets` has (sample id, set) of every held-out row.

    `n_tokens` is how long each sample is to a model, prompt included, where a scoring has read it. `left_out` says in
    sentences which rows take no part. `groups` numbers the near duplicates among the held-out rows, and `answers` has
    the final answer of each of them that the arms answer.
    """

    scoring: Scoring
    candidates: Candidates
    sets: tuple[tuple[str, str], ...]
    n_tokens: dict[str, int]
    samples: tuple[pa.RecordBatch, ...]
    left_out: tuple[str, ...]
    groups: dict[str, int]
    answers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a scoring says of one sample."""

    row: int
    n_tokens: int


def experiment_rows(project: Project, spec: ValidateSpec, run: str | None) -> ExperimentRows:
    """Split the scored rows and read the files that are measured too.

    Raises:
        SelectionError: nothing is scored, several scorings and no `run`, or no such selection.
        RequestError: no such dataset, or too few rows to hold any out.
    """
    chosen = scored(project, run)
    scoring, table = chosen.need_scoring(), chosen.table
    key = rows_key(project, spec, run)
    with project.store() as store:
        cursor = store.cursor()
        check_datasets([dataset.name for dataset in list_datasets(cursor)], spec.datasets)
        facts = _facts(table, sample_ids_of_rows(cursor).to_pylist())
        batches = list(sample_batches(cursor, spec.datasets))
        selections = {name: _picked(cursor, name, table, facts) for name in spec.selections}
    pool = [row for row in _rows(batches) if row.sample_id in facts]
    files = [row for path, name in names_of_files(spec.evaluate).items() for row in _rows_of_file(path, name)]
    n_unscored = sum(batch.num_rows for batch in batches) - len(pool)
    groups = _groups.get(key, lambda: duplicate_groups([row.text for row in (*pool, *files)]))
    held_out = held_out_by_domain(
        [row.sample_id for row in pool], groups[: len(pool)], [row.domain for row in pool], spec.held_out, spec.seed
    )
    seen = np.concatenate([~held_out, np.zeros(len(files), bool)])
    leaks = has_duplicate_in(groups, seen)[len(pool) :]
    if held_out.sum() < LEAST_ROWS:
        raise RequestError(
            f"{len(pool):,} scored rows are too few to hold any out", do="Score more rows, then validate again."
        )
    of_files = _first_of_each(files, leaks, {row.sample_id for row in pool})
    measured = [*(row for row, out in zip(pool, held_out, strict=True) if out), *of_files]
    left = [row for row, out in zip(pool, held_out, strict=True) if not out]
    candidates = _candidates(table, facts, left, spec).with_selections(selections)
    return ExperimentRows(
        scoring=scoring,
        candidates=candidates,
        sets=tuple((row.sample_id, row.set_name) for row in measured),
        n_tokens={sample_id: fact.n_tokens for sample_id, fact in facts.items()},
        samples=(
            *_scored_only(batches, facts),
            input_batch((row.sample, row.domain) for row in of_files if row.sample is not None),
        ),
        left_out=(*_left_out(n_unscored, int(leaks.sum())), *_smaller(selections, candidates, spec.datasets)),
        groups={row.sample_id: group for row, group in zip((*pool, *files), groups.tolist(), strict=True)},
        answers=_answers(measured, spec.answers),
    )


def rows_key(project: Project, spec: ValidateSpec, run: str | None) -> tuple[Hashable, ...]:
    """What decides the texts of an experiment: the store's state, its scoring and datasets, and the files."""
    with project.store() as store:
        revision = store.revision()
    return project.store_path, revision, run, spec.datasets, tuple(_stamp(path) for path in spec.evaluate)


def _stamp(path: str) -> tuple[str, int, int]:
    try:
        stat = Path(path).stat()
    except OSError:
        return path, 0, 0
    return path, stat.st_mtime_ns, stat.st_size


@dataclass(frozen=True, slots=True)
class _Row:
    sample_id: str
    domain: str
    set_name: str
    turns: tuple[Turn, ...]
    sample: Sample | None = None

    @property
    def text(self) -> str:
        """All that is said, as near duplicates are found by."""
        return "\n".join(turn.content for turn in self.turns)


def _facts(table: ScoreTable, sample_ids: list[str]) -> dict[str, _Facts]:
    """The first row of every sample with a base loss and a response."""
    usable = np.isfinite(table.losses[BASE]) & (table.n_tokens > 0)
    lengths = table.n_tokens.astype(np.int64) + table.n_prompt_tokens
    facts: dict[str, _Facts] = {}
    for row in np.flatnonzero(usable).tolist():
        facts.setdefault(sample_ids[row], _Facts(row, int(lengths[row])))
    return facts


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[_Row]:
    for batch in batches:
        for sample_id, turns, domain in zip(
            *(batch[name].to_pylist() for name in ("sample_id", "turns", "domain")), strict=True
        ):
            yield _Row(sample_id, domain, f"{domain}, held out", turns_from_json(turns))


def names_of_files(paths: Iterable[str]) -> dict[str, str]:
    """The set that each file is: its name without the ending, with its folder where two files are called alike."""
    stems = [Path(path).stem for path in dict.fromkeys(paths)]
    return {
        path: Path(path).stem if stems.count(Path(path).stem) == 1 else f"{Path(path).parent.name}/{Path(path).name}"
        for path in dict.fromkeys(paths)
    }


def _rows_of_file(path: str, name: str) -> Iterator[_Row]:
    for row in SourceFile.open(ImportSpec(path, domain=name)).rows():
        if row.sample is not None:
            yield _Row(row.sample.sample_id, name, name, row.sample.turns, row.sample)


def _answers(measured: list[_Row], most: int) -> dict[str, str]:
    """Final answers of at most so many rows of each set, those first whose ids, which are hashes, come first."""
    answers: dict[str, str] = {}
    n_of = Counter[str]()
    for row in sorted(measured, key=lambda row: row.sample_id) if most else ():
        last = row.turns[-1] if row.turns else None
        if last and last.is_answer and n_of[row.set_name] < most and (answer := final_answer(last.content)):
            answers[row.sample_id] = answer
            n_of[row.set_name] += 1
    return answers


def _first_of_each(files: list[_Row], leaks: np.ndarray, known: set[str]) -> list[_Row]:
    """Rows of files without those that training may see, and without second copies."""
    kept: dict[str, _Row] = {}
    for row, leaks_out in zip(files, leaks, strict=True):
        if not leaks_out and row.sample_id not in known:
            kept.setdefault(row.sample_id, row)
    return list(kept.values())


def _candidates(table: ScoreTable, facts: dict[str, _Facts], rows: list[_Row], spec: ValidateSpec) -> Candidates:
    places = np.array([facts[row.sample_id].row for row in rows], dtype=np.int64)
    asked = [arm.removeprefix(MEASURE) for arm in spec.arms if arm.startswith(MEASURE)]
    return Candidates.of(
        [row.sample_id for row in rows],
        [row.domain for row in rows],
        table.n_tokens[places],
        table.losses[BASE][places],
        table.losses[REFERENCE][places],
        {name: _best_highest(table, name)[places] for name in asked},
    )


def _best_highest(table: ScoreTable, name: str) -> np.ndarray:
    """A measure turned so that the highest value is kept first, as an arm keeps them."""
    values = values_of(table, name)
    return values if measure_of(table, name).higher_is_better else -values


def _picked(cursor: object, name: str, table: ScoreTable, facts: dict[str, _Facts]) -> list[str]:
    """Sample ids of a saved selection, best first."""
    picks = selection_picks(cursor, find_selection(cursor, name).selection_id)  # type: ignore[arg-type]
    of_key = {int(table.sample_key[fact.row]): sample_id for sample_id, fact in facts.items()}
    return [of_key[key] for key in picks["sample_key"].to_pylist() if key in of_key]


def _scored_only(batches: list[pa.RecordBatch], facts: dict[str, _Facts]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.filter(pa.array([sample_id in facts for sample_id in batch["sample_id"].to_pylist()], pa.bool_()))


def _batch(rows: list[_Row]) -> pa.RecordBatch:
    """Rows of files as a worker reads them."""
    return input_batch((row.sample, row.domain) for row in rows if row.sample is not None)


def _smaller(selections: dict[str, list[str]], candidates: Candidates, datasets: tuple[str, ...]) -> Iterator[str]:
    """Which saved selections train on fewer rows than they hold."""
    why = "held out or of other datasets" if datasets else "held out"
    for name, ids in selections.items():
        n_rows, n_kept = len(set(ids)), len(candidates.selections[name])
        if n_kept < n_rows:
            yield f"Selection {name!r} trains on {n_kept:,} of its {plural(n_rows, 'row')}; the others are {why}."


def _left_out(n_unscored: int, n_leaks: int) -> Iterator[str]:
    if n_unscored:
        yield f"Left out {plural(n_unscored, 'row')} without a base loss or a response."
    if n_leaks:
        yield f"Left out {plural(n_leaks, 'row')} of the files to measure, because near duplicates are in the pool."
