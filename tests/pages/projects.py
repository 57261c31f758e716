"""Projects for page and browser tests: real imports, losses written as a worker would, no model and no torch.

    project = scored_project(tmp_path / "p", n_rows={"conversation": 300, "math": 120})

Losses are drawn from a seed: each domain has its own mean learnability, so the domains lie apart as real ones do.
"""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from lobass_core.jobs.progress import ModelProgress, Progress
from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ScoredModel, ScoreRunResult
from lobass_core.project import Project
from lobass_core.specs import ImportSpec, ModelSpec, ScoreSpec
from lobass_core.store.datasets import sample_batches
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.runs import new_run
from lobass_core.workflows.score import ingest_finished

RENDER_FP = "feedfacefeedface"
BASE_FP, REFERENCE_FP = "ba5e000000000001", "4ef0000000000001"
HOSTILE = (
    "<script>document.title = 'owned'</script> **bold** $\\frac{1}{0}$ [x](http://example.com) \u202e\x00 \U0001f600"
)

ASKED = ("Explain why the sky is blue.", "How many apples are left of 12 if 5 are eaten?", "Sort this list in Python.")


def write_rows(path: Path, n: int, domain: str, *, hostile: bool = False) -> Path:
    """An Alpaca file of n different rows; with `hostile` the first one is full of markup."""
    rows = [
        {
            "instruction": f"{ASKED[i % 3]} ({domain} {i})",
            "input": "",
            "output": f"An answer, number {i}. " * (1 + i % 5),
        }
        for i in range(n)
    ]
    if hostile:
        rows[0] = {"instruction": HOSTILE, "input": HOSTILE, "output": HOSTILE}
    path.write_text(json.dumps(rows, ensure_ascii=True), encoding="utf-8")
    return path


def imported_project(root: Path, n_rows: dict[str, int], *, hostile: bool = False) -> Project:
    """A project with one file a domain, nothing scored."""
    project = Project.create(root)
    for domain, n in n_rows.items():
        path = write_rows(root.parent / f"{domain}.json", n, domain, hostile=hostile)
        import_file(project, ImportSpec(path=str(path), domain=domain, format="alpaca"))
    return project


def scored_project(
    root: Path, n_rows: dict[str, int] | None = None, *, hostile: bool = False, seed: int = 0
) -> Project:
    """A project whose rows are all scored under one base and one reference."""
    project = imported_project(root, n_rows or {"conversation": 300, "math": 120}, hostile=hostile)
    add_scores(project, seed=seed)
    return project


def add_scores(
    project: Project,
    *,
    seed: int = 0,
    reference_name: str = "ref-1ep",
    reference_fp: str = REFERENCE_FP,
    gain: float = 1.0,
) -> RunFolder:
    """Write the run folder of a finished scoring run and ingest its losses."""
    run = finished_scores(project, seed=seed, reference_name=reference_name, reference_fp=reference_fp, gain=gain)
    ingest_finished(project, run)
    return run


def finished_scores(
    project: Project,
    *,
    seed: int = 0,
    reference_name: str = "ref-1ep",
    reference_fp: str = REFERENCE_FP,
    gain: float = 1.0,
) -> RunFolder:
    """Write the run folder of a scoring run that finished, and whose losses nobody has ingested.

    The reference gained `gain` times what it gains by the seed: references of one base share the seed.
    """
    with project.store() as store:
        samples = pa.Table.from_batches(list(sample_batches(store.cursor(), ())))
    spec = ScoreSpec(
        base=ModelSpec("models/base-7b"), references=(ModelSpec("models/ref"),), reference_name=reference_name
    )
    with project.store() as store:
        run = new_run(project, store, "score", spec, lambda new: write_parquet(new.input_path, samples))
    random = np.random.default_rng(seed)
    base, learnability, n_tokens = _losses(random, samples["domain"].to_pylist())
    for label, model_fp, mean in (
        ("base", BASE_FP, base),
        ("reference", reference_fp, base * (1 - gain * learnability)),
    ):
        run.write_shard(f"{label}-00000", _shard(samples["sample_id"].to_pylist(), model_fp, mean, n_tokens))
    n = samples.num_rows
    run.write_result(_result(n, reference_name, reference_fp))
    run.write_progress(
        Progress(
            state="done",
            phase="done",
            n_done=2 * n,
            n_total=2 * n,
            device="cpu",
            models=(ModelProgress("base-7b", "base", n, n), ModelProgress(reference_name, "reference", n, n)),
            started_at="2026-01-02T10:00:00+00:00",
            finished_at="2026-01-02T10:00:51+00:00",
        )
    )
    return run


def _losses(random: np.random.Generator, domains: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    names = sorted(set(domains))
    code = np.array([names.index(domain) for domain in domains])
    learnability = np.minimum(random.normal(0.2 + 0.22 * (code % 3), 0.15), 0.95)
    return np.exp(random.normal(0.0, 0.4, len(code))), learnability, random.integers(2, 400, len(code))


def _shard(sample_ids: list[str], model_fp: str, mean: np.ndarray, n_tokens: np.ndarray) -> pa.Table:
    n = len(sample_ids)
    return pa.table(
        {
            "sample_id": pa.array(sample_ids, pa.string()),
            "model_fp": pa.array([model_fp] * n, pa.string()),
            "render_fp": pa.array([RENDER_FP] * n, pa.string()),
            "loss_sum_nats": pa.array(mean * n_tokens, pa.float64()),
            "n_tokens": pa.array(n_tokens, pa.int32()),
            "n_prompt_tokens": pa.array([20] * n, pa.int32()),
            "n_dropped_tokens": pa.array([0] * n, pa.int32()),
            "status": pa.array(["ok"] * n, pa.string()),
            "token_nlls": pa.array([[]] * n, pa.list_(pa.float32())),
        }
    )


def _result(n: int, reference_name: str, reference_fp: str) -> ScoreRunResult:
    return ScoreRunResult(
        render_fp=RENDER_FP,
        base=ScoredModel(BASE_FP, "base-7b"),
        references=(ScoredModel(reference_fp, reference_name),),
        reference_fp=reference_fp,
        n_samples=n,
        n_computed=2 * n,
        template="alpaca",
        max_tokens=2048,
        dtype="float32",
        device="cpu",
    )
