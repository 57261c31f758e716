"""Cross-fitted scores of a filled project: two fold models, each row read by the one that did not see it."""

from dataclasses import replace

import pyarrow as pa

from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ScoredModel
from lobass_core.project import Project
from lobass_core.store.losses import ingest_run
from lobass_core.store.scorings import register_scoring
from tests.filled_project import BASE, REFERENCE, RENDER, Row
from tests.run_specs import A_SCORING, score_result


def score_in_folds(project: Project, sample_ids: list[str], rows: list[Row], excess: float) -> str:
    """Score the rows by two folds in turn, each loss so much above that of `rows`; returns the run's id."""
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    for fold in (0, 1):
        run.write_shard(f"fold-{fold}", _shard(sample_ids, f"F{fold}", rows, excess))
    folds = pa.array([place % 2 for place in range(len(rows))], pa.int32())
    path = write_parquet(run.path / "folds.parquet", pa.table({"sample_id": sample_ids, "fold": folds}))
    references = tuple(ScoredModel(f"F{fold}", f"fold {fold}", fold=fold) for fold in (0, 1))
    result = replace(score_result(BASE, REFERENCE, RENDER), references=references, reference_fp="folded")
    with project.store() as store:
        ingest_run(store, run)
        with store.transaction() as cursor:
            register_scoring(cursor, run.run_id, A_SCORING, result, path)
    return run.run_id


def _shard(sample_ids: list[str], model_fp: str, rows: list[Row], excess: float) -> pa.Table:
    n, n_tokens = len(rows), [len(row.response.split(" ")) for row in rows]
    sums = [(row.reference + excess) * n_words for row, n_words in zip(rows, n_tokens, strict=True)]
    return pa.table(
        {
            "sample_id": sample_ids,
            "model_fp": [model_fp] * n,
            "render_fp": [RENDER] * n,
            "loss_sum_nats": pa.array(sums, pa.float64()),
            "n_tokens": pa.array(n_tokens, pa.int32()),
            "n_prompt_tokens": pa.array([2] * n, pa.int32()),
            "n_dropped_tokens": pa.array([0] * n, pa.int32()),
            "status": ["ok"] * n,
        }
    )
