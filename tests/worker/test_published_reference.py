"""A published model as the reference: no training, but its own chat template may be another than the one read."""

from pathlib import Path

import pytest

from lobass_core.jobs.run_results import ScoreRunResult
from lobass_core.specs import ModelSpec, RenderSpec
from tests.models import CHATML, tiny_llama
from tests.worker.runs import samples, score_run, work

pytestmark = pytest.mark.slow

OTHER = CHATML.replace("<|im_start|>", "<s>")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base without a chat template, one with, and two references with one of their own."""
    folder = tmp_path_factory.mktemp("models")
    for name, template, seed in (("bare", None, 0), ("chat", CHATML, 0), ("tuned", CHATML, 1), ("other", OTHER, 2)):
        tiny_llama(folder / name, seed=seed, chat_template=template)
    return folder


def warnings_of(folder: Path, base: Path, reference: Path, template: str = "") -> list[str]:
    run = score_run(folder, samples(4), base, ModelSpec(str(reference)), render=RenderSpec(template))
    assert work(run) == 0, run.read_progress().error
    return [one for one in run.read_result(ScoreRunResult).warnings if "chat template" in one]


def test_another_template_is_said_with_the_way_to_use_it(models: Path, tmp_path: Path):
    (warning,) = warnings_of(tmp_path, models / "bare", models / "tuned")
    own = models / "tuned" / "chat_template.jinja"
    assert warning.startswith("tuned has its own chat template, but both models read alpaca.")
    assert warning.endswith(f"name it: --template {own}.")
    assert warnings_of(tmp_path, models / "bare", models / "tuned", str(own)) == []
    assert len(warnings_of(tmp_path, models / "chat", models / "other")) == 1


def test_the_bases_own_template_is_no_news_and_a_reference_trained_here_knows_better(models: Path, tmp_path: Path):
    assert warnings_of(tmp_path, models / "chat", models / "tuned", "plain") == []
    recipe = models / "other" / "recipe.json"
    recipe.write_text("{}", encoding="utf-8")
    try:
        assert warnings_of(tmp_path, models / "bare", models / "other") == []
    finally:
        recipe.unlink()
