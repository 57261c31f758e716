"""A project that the first version scored: the next scoring keeps the losses that are right and computes the rest."""

from collections import Counter
from pathlib import Path

import pytest

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ScoreRunResult
from lobass_core.project import Project
from lobass_core.specs import ModelSpec, ScoreSpec
from lobass_core.store.connection import release
from lobass_core.store.rebuild import rebuild_losses
from lobass_core.workflows.score import ScoreResult, finish, prepare_run
from tests.models import tiny_llama
from tests.store.old_projects import unpack
from tests.worker.runs import losses_of, work


@pytest.fixture
def old(tmp_path: Path):
    project, facts = unpack("project-v1", tmp_path)
    yield project, facts["runs"]["plain"]
    release(project.store_path)


def score_again(project: Project, models: Path) -> ScoreResult:
    """Score with the models that the project was scored with, in this process."""
    for seed, name in enumerate(("base", "ref")):
        if not (models / name).is_dir():
            tiny_llama(models / name, seed=seed)
    base, reference = (ModelSpec(str(models / name)) for name in ("base", "ref"))
    run = prepare_run(project, "score", ScoreSpec(base, (reference,), "tuned", device="cpu", dtype="float32"))
    assert work(run) == 0, run.read_progress().error
    return finish(project, run)


def losses_by_model(project: Project, render_fp: str) -> dict[str, dict[int, float | None]]:
    with project.store() as store:
        rows = (
            store.cursor()
            .execute("SELECT model_fp, sample_key, loss_sum_nats FROM losses WHERE render_fp = ?", [render_fp])
            .fetchall()
        )
    found: dict[str, dict[int, float | None]] = {}
    for model_fp, sample_key, loss in rows:
        found.setdefault(model_fp, {})[sample_key] = loss
    return found


def test_losses_of_version_1_are_kept_and_no_rebuild_changes_that(old: tuple[Project, str], tmp_path: Path):
    project, before = old
    result = score_again(project, tmp_path / "models")
    # Computed: a sample without a response, as the template leaves its tool call out; a pair, of which the last answer
    # alone is scored by now; a price that was read as 3.1 and is 3.10. Samples with reasoning have another id by now.
    assert (result.n_samples, result.n_carried, result.n_computed, result.n_known) == (54, 102, 6, 0)
    new, earlier = RunFolder.open(project.runs_dir / result.run_id), RunFolder.open(project.runs_dir / before)
    found = losses_of(new)
    by_nlls = Counter((fp, nlls) for (_, fp), (_, _, _, nlls) in losses_of(earlier).items())
    assert sum(by_nlls[fp, nlls] > 0 for (_, fp), (_, _, status, nlls) in found.items() if status == "ok") == 102
    render_fp = new.read_result(ScoreRunResult).render_fp
    stored = losses_by_model(project, render_fp)
    assert [len(losses) for losses in stored.values()] == [54, 54]
    with project.store() as store:
        rebuild_losses(store, project.runs_dir)
    assert losses_by_model(project, render_fp) == stored
    again = score_again(project, tmp_path / "models")
    assert (again.n_carried, again.n_computed, again.n_known) == (0, 0, 108)
