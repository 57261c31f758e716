"""Rows that were imported, really rendered, and scored with made-up losses: for tests about tokens."""

from pathlib import Path

import pyarrow as pa

from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.project import Project
from lobass_core.records import Sample, turns_from_json
from lobass_core.rendering.carried_template import carried_template
from lobass_core.rendering.render import Renderer
from lobass_core.rendering.templates import Template
from lobass_core.specs import ImportSpec, ModelSpec, ScoreSpec
from lobass_core.store.losses import ingest_run
from lobass_core.store.scorings import register_scoring
from lobass_core.worker.shards import tokens_table
from lobass_core.workflows.import_data import import_file
from tests.run_specs import score_result
from tests.scored_files import BASE, REFERENCE, select_all, write_jsonl

MAX_TOKENS = 512


def score_rendered(
    project: Project,
    model: Path,
    tokenizer,
    folder: Path,
    *,
    mask_rule: str = "all",
    max_tokens: int = MAX_TOKENS,
    **files: list[dict],
) -> RunFolder:
    """Import the files and leave what a scoring of them under the tokenizer's template would leave; select everything.

    The domain of each file is its name.
    """
    for name, rows in files.items():
        import_file(project, ImportSpec(path=str(write_jsonl(folder / f"{name}.jsonl", rows)), domain=name))
    with project.store() as store:
        found = store.cursor().execute("SELECT sample_id, turns, kind, tools FROM samples ORDER BY sample_key")
        samples = [Sample(name, turns_from_json(turns), kind, tools) for name, turns, kind, tools in found.fetchall()]
    template = Template("t", tokenizer.chat_template, "test")
    renderer = Renderer(tokenizer, template, mask_rule, max_tokens)  # type: ignore[arg-type]
    render_fp = renderer.fingerprint.fp
    rendered = renderer.render(samples)
    run = RunFolder.create(project.runs_dir, "score", ScoreSpec(ModelSpec(str(model)), (ModelSpec(str(model)),)))
    write_parquet(run.tokens_dir / "00000.parquet", tokens_table(rendered, render_fp))
    for model_fp, part, nats in ((BASE, "base", 2.0), (REFERENCE, "reference", 1.0)):
        run.write_shard(
            f"{part}-{model_fp}-00000",
            pa.table(
                {
                    "sample_id": [item.sample_id for item in rendered],
                    "model_fp": [model_fp] * len(rendered),
                    "render_fp": [render_fp] * len(rendered),
                    "loss_sum_nats": pa.array([nats * item.n_response_tokens for item in rendered], pa.float64()),
                    "n_tokens": pa.array([item.n_response_tokens for item in rendered], pa.int32()),
                    "n_prompt_tokens": pa.array([int((~item.response_mask).sum()) for item in rendered], pa.int32()),
                    "n_dropped_tokens": pa.array([item.n_dropped_tokens for item in rendered], pa.int32()),
                    "status": [item.status for item in rendered],
                    "token_nlls": pa.array(
                        [[nats] * item.n_response_tokens for item in rendered], pa.list_(pa.float32())
                    ),
                }
            ),
        )
    result = score_result(
        BASE, REFERENCE, render_fp, chat_template=carried_template(template), mask_rule=mask_rule, max_tokens=max_tokens
    )
    with project.store() as store:
        ingest_run(store, run)
        with store.transaction() as cursor:
            register_scoring(cursor, run.run_id, run.spec_as(ScoreSpec), result, Path("no folds"))
    select_all(project)
    return run
