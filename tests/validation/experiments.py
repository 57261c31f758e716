"""Experiments whose arms nobody trained: planned, and written as a worker leaves them, with losses of known means."""

import hashlib
from collections.abc import Mapping

import numpy as np

from lobass_core.jobs.experiment_results import TrainedArm, ValidateResult
from lobass_core.jobs.progress import ErrorNote, Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_specs import PlannedArm, ValidateRun
from lobass_core.project import Project
from lobass_core.specs import ValidateSpec
from lobass_core.validation.arm_results import UNITS_A_NAT, ArmCache, ArmResult, MeasuredRows
from lobass_core.workflows import validate
from lobass_core.workflows.validate_plan import content_of

SMALL = ValidateSpec(arms=("base", "full", "learnability", "longest"), budgets=(0.2,), draws=3, held_out=20)


def finished_experiment(
    project: Project,
    effects: Mapping[str, float],
    spec: ValidateSpec = SMALL,
    *,
    n_arms: int | None = None,
    run_id: str | None = None,
) -> RunFolder:
    """An experiment of which the first `n_arms` trainings are done, all of them without a number.

    `effects` are nats a token by which an arm is apart from random draws on every held-out row.
    """
    experiment = validate.plan(project, spec, run_id)
    run = validate.prepare_run(project, experiment)
    asked = run.spec_as(ValidateRun)
    rows = MeasuredRows.of((sample_id, name, 40) for sample_id, name in experiment.own.sets)
    cache = ArmCache(project.validation_dir)
    cache.write_rows(rows)
    arms = []
    for number, planned in enumerate(asked.planned[:n_arms]):
        content = content_of(asked, planned, rows.digest)
        if not cache.has(content):
            cache.write(_result(content, planned, rows, effects.get(planned.arm, 0.0)))
        arms.append(TrainedArm(number, content.key))
    is_done = len(arms) == len(asked.planned)
    if is_done:
        run.write_result(ValidateResult(tuple(arms), rows.digest, len(arms), 0, "cpu", 140.0, 60.0))
    run.write_progress(
        Progress(
            state="done" if is_done else "cancelled",
            phase="done" if is_done else "arm",
            n_done=len(arms),
            n_total=len(asked.planned),
            started_at="2026-01-02T10:00:00+00:00",
            finished_at="2026-01-02T10:01:00+00:00",
        )
    )
    return run


def failed(run: RunFolder, what: str) -> None:
    """Let a run have failed with these words."""
    run.write_progress(Progress(state="failed", error=ErrorNote(what, "models/base", "Use a smaller batch.")))


def _result(content, planned: PlannedArm, rows: MeasuredRows, effect: float) -> ArmResult:
    seed = int(hashlib.sha256(f"{planned.arm}-{planned.draw}-{planned.seed}".encode()).hexdigest()[:8], 16)
    rng = np.random.default_rng(seed)
    n_tokens = np.array(rows.n_tokens)
    means = 1.5 + effect + rng.normal(0, 0.003) + rng.normal(0, 0.02, len(n_tokens))
    losses = tuple(round(float(total) * UNITS_A_NAT) for total in means * n_tokens)
    return ArmResult(content, planned.n_rows, 900, 40 * planned.n_rows, 7, 8.0, 2.0, 10.0, "cpu", "float32", losses)
