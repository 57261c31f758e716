"""A small scored project for tests: known texts and losses, written through the store's own functions.

Losses are given as means, in nats a response token, so that a test can say what a score must be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ScoredColumn, ScoredModel
from lobass_core.project import Project
from lobass_core.records import Sample, Turn
from lobass_core.store.dataset_writer import DatasetInfo, DatasetWriter, ImportedRow
from lobass_core.store.losses import ingest_run
from lobass_core.store.scorings import register_scoring
from tests.run_specs import A_SCORING, score_result

# A blind guess costs 10.8 nats a token.
VOCABULARY_SIZE = 50_000
BASE, REFERENCE, RENDER = "base0000base0000", "refe0000refe0000", "rend0000rend0000"


@dataclass(frozen=True, slots=True)
class Row:
    """One row to import; `base` None leaves it unscored, `n_read` is how many words of the response the models read."""

    prompt: str
    response: str
    domain: str = "math"
    base: float | None = 2.0
    reference: float = 1.0
    system: str = ""
    status: str = "ok"
    thoughts: str | None = None
    rejected: str | None = None
    n_read: int | None = None

    def sample(self) -> Sample:
        system = [Turn("system", self.system)] if self.system else []
        answer = Turn("assistant", self.response, reasoning_content=self.thoughts)
        turns = [*system, Turn("user", self.prompt), answer]
        if self.rejected is None:
            return Sample.of(turns)
        return Sample.of(turns, kind="preference", rejected=[Turn("assistant", self.rejected)])


@dataclass(frozen=True, slots=True)
class Filled:
    """The project and, for each row given, its sample id."""

    project: Project
    sample_ids: list[str] = field(default_factory=list)


def import_rows(project: Project, rows: Sequence[Row], name: str = "first") -> list[str]:
    """Import rows as one dataset; returns their sample ids."""
    info = DatasetInfo(name, f"/data/{name}.jsonl", "0" * 64, "messages", "jsonl", "utf-8", "{}", "{}")
    samples = [row.sample() for row in rows]
    with project.store() as store, store.transaction() as cursor:
        writer = DatasetWriter(cursor, info)
        writer.add(
            [
                ImportedRow(index, index + 1, sample, row.domain, f'{{"n": {index}}}')
                for index, (row, sample) in enumerate(zip(rows, samples, strict=True))
            ]
        )
        writer.finish()
    return [sample.sample_id for sample in samples]


def fill(
    project: Project, rows: Sequence[Row], name: str = "first", *, trained_on: Sequence[str] | None = None
) -> Filled:
    """Import rows and score them: shards and tokens in a run folder, losses and scoring in the store.

    `trained_on` are the prompts of the rows that the reference was trained on; None where that is not known.
    """
    ids = import_rows(project, rows, name)
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    scored = {sample_id: row for sample_id, row in zip(ids, rows, strict=True) if row.base is not None}
    for model_fp, part in ((BASE, "base"), (REFERENCE, "reference")):
        run.write_shard(f"{part}-{model_fp}-00000", shard_of(scored, model_fp, part))
    write_parquet(run.path / "tokens" / "00000.parquet", _tokens(scored))
    if trained_on is not None:
        seen = [sample_id for sample_id, row in zip(ids, rows, strict=True) if row.prompt in trained_on]
        write_parquet(run.path / "trained_on.parquet", pa.table({"sample_id": pa.array(seen, pa.string())}))
    result = score_result(BASE, REFERENCE, RENDER, vocabulary_size=VOCABULARY_SIZE)
    with project.store() as store:
        ingest_run(store, run)
        with store.transaction() as cursor:
            register_scoring(cursor, run.run_id, A_SCORING, result, run.path / "folds.parquet")
    return Filled(project, ids)


def add_references(filled: Filled, rows: Sequence[Row], means: dict[str, Sequence[float]]) -> str:
    """Score the rows of `fill` with further references, each under its loss column; returns the run's id.

    The reference of the new scoring is the mean of those called reference@seed-N, else the one that `fill` scored.
    """
    run = RunFolder.create(filled.project.runs_dir, "score", A_SCORING)
    others = []
    for number, (column, values) in enumerate(means.items()):
        model_fp = f"{number:04x}feed" * 2
        others.append(ScoredColumn(column, column, model_fp, (ScoredModel(model_fp, column),)))
        scored = {
            sample_id: replace(row, reference=value)
            for sample_id, row, value in zip(filled.sample_ids, rows, values, strict=True)
        }
        run.write_shard(f"{column}-{model_fp}-00000", shard_of(scored, model_fp, "reference"))
    result = score_result(BASE, REFERENCE, RENDER, vocabulary_size=VOCABULARY_SIZE, others=tuple(others))
    if result.is_mean:
        result = replace(result, reference_fp="mean0000mean0000", references=others[0].models)
    with filled.project.store() as store:
        ingest_run(store, run)
        with store.transaction() as cursor:
            register_scoring(cursor, run.run_id, A_SCORING, result, run.path / "folds.parquet")
    return run.run_id


def words(text: str) -> list[tuple[int, int]]:
    """A token a word, with the blank before it: (start, end) offsets."""
    ends = [place for place, letter in enumerate(text) if letter == " " and place] + [len(text)]
    return list(zip([0, *ends[:-1]], ends, strict=True))


def token_nlls(row: Row, part: str) -> list[float]:
    """Losses of the response's words, a little apart, with the row's mean."""
    n = len(words(row.response)[: row.n_read])
    mean = row.base if part == "base" else row.reference
    assert mean is not None
    return list(mean + 0.2 * mean * np.linspace(-1, 1, n)) if n > 1 else [mean]


def shard_of(scored: dict[str, Row], model_fp: str, part: str) -> pa.Table:
    """A shard of a model's losses of these rows, by sample id."""
    nlls = {sample_id: token_nlls(row, part) for sample_id, row in scored.items()}
    n = len(scored)
    return pa.table(
        {
            "sample_id": list(scored),
            "model_fp": [model_fp] * n,
            "render_fp": [RENDER] * n,
            "loss_sum_nats": pa.array([float(sum(values)) for values in nlls.values()], pa.float64()),
            "n_tokens": pa.array([len(values) for values in nlls.values()], pa.int32()),
            "n_response_bytes": pa.array([len(row.response.encode()) for row in scored.values()], pa.int32()),
            "n_prompt_tokens": pa.array([len(words(row.prompt)) for row in scored.values()], pa.int32()),
            "n_dropped_tokens": pa.array([0] * n, pa.int32()),
            "status": [row.status for row in scored.values()],
            "token_nlls": pa.array(list(nlls.values()), pa.list_(pa.float32())),
        }
    )


def _tokens(scored: dict[str, Row]) -> pa.Table:
    records = []
    for sample_id, row in scored.items():
        head, tail = words(row.prompt), words(row.response)[: row.n_read]
        shift = len(row.prompt)
        spans = head + [(start + shift, end + shift) for start, end in tail]
        records.append(
            {
                "sample_id": sample_id,
                "render_fp": RENDER,
                "text": row.prompt + row.response,
                "token_ids": list(range(len(spans))),
                "token_starts": [start for start, _ in spans],
                "token_ends": [end for _, end in spans],
                "response_mask": [False] * len(head) + [True] * len(tail),
            }
        )
    return pa.Table.from_pylist(records)
