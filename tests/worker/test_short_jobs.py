"""The short runs: preflight and render."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import PreflightResult, PreviewToken, RenderResult
from lobass_core.jobs.run_specs import RenderRun
from lobass_core.records import Sample, Turn
from lobass_core.specs import ModelSpec, NamedReference, RenderSpec
from tests.models import tiny_llama
from tests.worker.runs import samples, score_run, work, write_input


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("models") / "tiny", chat_template=None)


def test_preflight_counts_what_scoring_would_do(model: Path, tmp_path: Path):
    unanswered = Sample.of([Turn("user", "Nobody answers.")])
    chosen = [*samples(30), Sample.of([Turn("user", "q"), Turn("assistant", "r" * 500)]), unanswered]
    reference = ModelSpec(str(tiny_llama(tmp_path / "ref", seed=1, chat_template=None)))
    run = score_run(tmp_path, chosen, model, reference, kind="preflight", render=RenderSpec("plain", "all", 64))
    seen = [sample.sample_id for sample in chosen[:20]]
    pq.write_table(pa.table({"sample_id": seen}), run.trained_on_path)
    assert work(run) == 0, run.read_progress().error
    result = run.read_result(PreflightResult)
    assert (result.n_samples, result.n_looked_at, result.n_truncated, result.n_no_response) == (
        32,
        32,
        1,
        1,
    )
    assert result.n_dropped_response_tokens > 400
    assert [(row.part, row.n_known, row.n_to_do) for row in result.models] == [
        ("base", 0, 32),
        ("reference", 0, 32),
    ]
    assert sum(result.length_histogram.counts) == 32
    assert len(result.length_histogram.edges) == len(result.length_histogram.counts) + 1
    assert result.forecast_seconds == pytest.approx(64 * result.mean_tokens / result.tokens_per_second, rel=0.01)
    assert [row.sample_id for row in result.preview] == [sample.sample_id for sample in chosen[:3]]
    assert run.finished_shards() == []
    # 31 have a response and 20 were trained on; the one without has no score that could be lower.
    assert result.n_unseen == 11
    assert (result.chance.n_rows, [part.domain for part in result.chance.domains]) == (31, ["math"])
    assert any(warning.startswith("ref was not trained on 11 of the 32 samples") for warning in result.warnings)


def test_preflight_of_known_samples_loads_no_model(model: Path, tmp_path: Path):
    chosen = samples(3)
    run = score_run(tmp_path, chosen, model, ModelSpec(str(model)), kind="preflight")
    assert work(run) == 0
    first = run.read_result(PreflightResult)
    assert (
        first.warnings[0]
        == "Base and reference are the same model: every learnability is 0, so rank by base loss or another measure."
    )
    again = score_run(tmp_path, chosen, model, ModelSpec(str(model)), kind="preflight")
    ids = [sample.sample_id for sample in chosen]
    fps = [[first.models[0].model_fp] * 3, [first.render_fp] * 3]
    pq.write_table(pa.table({"sample_id": ids, "model_fp": fps[0], "render_fp": fps[1]}), again.known_path)
    assert work(again) == 0
    result = again.read_result(PreflightResult)
    assert [row.n_to_do for row in result.models] == [0, 0]
    assert (result.tokens_per_second, result.forecast_seconds) == (None, 0.0)
    assert (result.chance, result.n_unseen) == (None, None)


def test_render_shows_tokens_and_mask(model: Path, tmp_path: Path):
    spec = RenderRun(ModelSpec(str(model)), RenderSpec("plain"))
    run = RunFolder.create(tmp_path, "render", spec)
    write_input(run, [Sample.of([Turn("user", "2+2?"), Turn("assistant", "4")])])
    assert work(run) == 0, run.read_progress().error
    result = run.read_result(RenderResult)
    assert (result.template, result.max_tokens) == ("plain", 512)
    (row,) = result.preview
    assert (row.text, row.domain, row.status) == ("<s>2+2?\n4</s>", "math", "ok")
    scored = [row.text[token.start : token.end] for token in row.tokens if token.response]
    assert scored == ["4", "</s>"]
    assert row.tokens[0] == PreviewToken(0, 3, 1, False)


def test_a_model_of_two_columns_is_forecast_once(tmp_path: Path):
    base = tiny_llama(tmp_path / "base", chat_template=None)
    best = ModelSpec(str(tiny_llama(tmp_path / "ref", seed=1, chat_template=None)))
    first = ModelSpec(str(tiny_llama(tmp_path / "first", seed=2, chat_template=None)))
    others = (NamedReference("reference@epoch-1", (first,)), NamedReference("reference@epoch-2", (best,)))
    run = score_run(tmp_path, samples(5), base, best, kind="preflight", others=others)
    assert work(run) == 0, run.read_progress().error
    result = run.read_result(PreflightResult)
    assert [(row.part, row.n_to_do) for row in result.models] == [
        ("base", 5),
        ("reference", 5),
        ("reference@epoch-1", 5),
    ]
    assert result.n_to_do == 15
