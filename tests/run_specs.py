"""A scoring and its result for tests that need one and do not care what is in it."""

import pyarrow as pa

from lobass_core.jobs.run_files import RunFiles, write_parquet
from lobass_core.jobs.run_results import ModelInfo, ScoredModel, ScoreRunResult
from lobass_core.specs import ModelSpec, ScoreSpec

A_SCORING = ScoreSpec(ModelSpec("org/tiny"), (ModelSpec("org/tuned"),), reference_name="tuned")


def empty_input(new: RunFiles) -> None:
    """Write the input of a run that nobody works on; without one it could not be resumed."""
    write_parquet(new.input_path, pa.table({"sample_id": pa.array([], pa.string())}))


def score_result(
    base_fp: str, reference_fp: str, render_fp: str, *, vocabulary_size: int | None = None, **values
) -> ScoreRunResult:
    """What a scoring of the models `tiny` and `tuned` says; other fields are at their defaults."""
    return ScoreRunResult(
        **{
            "render_fp": render_fp,
            "base": ScoredModel(base_fp, "tiny", info=ModelInfo(vocabulary_size=vocabulary_size)),
            "references": (ScoredModel(reference_fp, "tuned"),),
            "reference_fp": reference_fp,
            **values,
        }
    )
