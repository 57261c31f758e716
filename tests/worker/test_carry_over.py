"""Losses of an earlier rendering stay where ids and mask are the same; the rest is computed, to the same numbers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import PreflightResult, ScoreRunResult
from lobass_core.records import Sample, Turn
from lobass_core.rendering import render
from lobass_core.specs import ModelSpec, RenderSpec
from lobass_core.worker import carry_over, preflight_job, score_job
from lobass_core.worker.reporter import Cancelled
from tests.jobs.test_checksums import flip_bit
from tests.models import tiny_llama
from tests.worker.runs import losses_of, samples, score_run, work

N = 14


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("base", "ref", "other")):
        tiny_llama(folder / name, seed=seed, chat_template=None)
    return folder


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


def run_of(folder: Path, models: Path, chosen: list[Sample] | None = None, **settings) -> RunFolder:
    reference = ModelSpec(str(models / settings.pop("reference", "ref")))
    return score_run(folder, chosen or samples(N), models / "base", reference, **settings)


def done(run: RunFolder) -> ScoreRunResult:
    assert work(run) == 0, run.read_progress().error
    return run.read_result(ScoreRunResult)


def counts(result: ScoreRunResult) -> tuple[int, int, int]:
    return result.n_carried, result.n_computed, result.n_known


@pytest.fixture
def earlier(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A finished run of the renderer before this one; it lies where the next run of the test is made."""
    run = run_of(tmp_path, models)
    with monkeypatch.context() as before:
        before.setattr(render, "RENDER_VERSION", render.RENDER_VERSION - 1)
        done(run)
    return run


def change_tokens(run: RunFolder, change: Callable[[dict], None], n: int) -> list[str]:
    """Make the first n samples of the run read something else; returns their ids."""
    (path,) = run.tokens_dir.glob("*.parquet")
    table = pq.read_table(path)
    rows = table.to_pylist()
    for row in rows[:n]:
        change(row)
    write_parquet(path, pa.Table.from_pylist(rows, schema=table.schema))
    return [row["sample_id"] for row in rows[:n]]


def another_id(row: dict) -> None:
    row["token_ids"][1] += 1


def another_mask(row: dict) -> None:
    last = max(place for place, scored in enumerate(row["response_mask"]) if scored)
    row["response_mask"][last - 1] = not row["response_mask"][last - 1]


@pytest.mark.slow
@pytest.mark.parametrize("change", [another_id, another_mask])
def test_kept_and_recomputed(models: Path, earlier: RunFolder, tmp_path: Path, change: Callable[[dict], None]):
    changed = change_tokens(earlier, change, 3)
    run = run_of(tmp_path, models)
    result = done(run)
    assert counts(result) == (2 * (N - 3), 2 * 3, 0)
    assert result.render_fp != earlier.read_result(ScoreRunResult).render_fp
    fresh = run_of(tmp_path / "elsewhere", models)
    assert counts(done(fresh)) == (0, 2 * N, 0)
    found, expected = losses_of(run), losses_of(fresh)
    assert found.keys() == expected.keys()
    for key, (loss, n_tokens, status, nlls) in found.items():
        assert (n_tokens, status) == expected[key][1:3]
        assert loss == pytest.approx(expected[key][0], abs=1e-4)
        assert np.allclose(nlls, expected[key][3], atol=1e-5)
    before = losses_of(earlier)
    assert {key for key in found if found[key] == before[key]} >= {key for key in found if key[0] not in changed}
    tables = [pq.read_table(path) for path in run.finished_shards()]
    assert {fp for table in tables for fp in table["render_fp"].to_pylist()} == {result.render_fp}
    assert all(n > 0 for table in tables for n in table["n_response_bytes"].to_pylist())
    (tokens,) = run.tokens_dir.glob("*.parquet")
    assert pq.read_metadata(tokens).num_rows == N
    progress = run.read_progress()
    assert (progress.n_carried, progress.n_done, progress.n_total) == (2 * (N - 3), 2 * N, 2 * N)


def test_nothing_is_computed_and_no_model_loaded_where_all_stay(
    models: Path, earlier: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
):
    from lobass_core.worker import model_cache

    monkeypatch.setattr(model_cache, "load_model", None)
    assert counts(done(run_of(tmp_path, models))) == (2 * N, 0, 0)
    assert f"{2 * N} losses carried over from earlier runs, 0 to compute" in capsys.readouterr().out


def test_other_weights_carry_nothing_over(models: Path, earlier: RunFolder, tmp_path: Path):
    assert counts(done(run_of(tmp_path, models, reference="other"))) == (N, N, 0)


def test_a_larger_limit_recomputes_what_was_cut(models: Path, tmp_path: Path):
    chosen = [*samples(8), Sample.of([Turn("user", "q"), Turn("assistant", "r" * 200)])]
    first = done(run_of(tmp_path, models, chosen, render=RenderSpec("plain", "all", 64)))
    assert first.n_truncated == 1
    second = done(run_of(tmp_path, models, chosen, render=RenderSpec("plain", "all", 512)))
    assert (counts(second), second.n_truncated) == ((2 * 8, 2, 0), 0)


def test_a_loss_follows_the_tokens_not_the_id(models: Path, tmp_path: Path):
    first = [Sample.of([Turn("user", "2+2?"), Turn("assistant", f"It is {n}.")]) for n in range(5)]
    # The plain template leaves the name out, so that each of them reads what one of the first reads.
    named = [
        Sample.of([Turn("user", "2+2?", name=name), *sample.turns[1:]]) for sample in first for name in ("ada", "bob")
    ]
    before = run_of(tmp_path, models, first, render=RenderSpec("plain", "all", 64))
    done(before)
    run = run_of(tmp_path, models, named, render=RenderSpec("plain", "all", 128))
    assert counts(done(run)) == (2 * 10, 0, 0)
    losses, old = losses_of(run), losses_of(before)
    for place, sample in enumerate(named):
        for model_fp in {fp for _, fp in old}:
            assert losses[sample.sample_id, model_fp] == old[first[place // 2].sample_id, model_fp]


def test_a_record_with_a_new_id_keeps_its_losses_under_the_same_rendering(models: Path, tmp_path: Path):
    first = samples(6)
    before = run_of(tmp_path, models, first)
    result = done(before)
    # As an update leaves them: the record reads as another sample, whose tokens are the same.
    renamed = [Sample.of([replace(sample.turns[0], name="ada"), *sample.turns[1:]]) for sample in first[:4]]
    new_id = {old.sample_id: new.sample_id for old, new in zip(first[:4], renamed, strict=True)}
    run = run_of(tmp_path, models, [*renamed, *first[4:]])
    rows = [(new_id.get(name, name), fp, name if name in new_id else None) for name, fp in losses_of(before)]
    ids, fps, scored_as = map(list, zip(*rows, strict=True))
    known = {"sample_id": ids, "model_fp": fps, "render_fp": [result.render_fp] * len(ids), "scored_as": scored_as}
    pq.write_table(pa.table(known), run.known_path)
    assert counts(done(run)) == (2 * 4, 0, 2 * 2)
    assert set(losses_of(run)) == {(name, fp) for name in new_id.values() for fp in set(fps)}


def test_known_losses_are_not_carried_over(models: Path, earlier: RunFolder, tmp_path: Path):
    second = run_of(tmp_path, models)
    result = done(second)
    third = run_of(tmp_path, models)
    rows = [(sample, fp, result.render_fp) for sample, fp in losses_of(second)]
    columns = dict(zip(("sample_id", "model_fp", "render_fp"), map(list, zip(*rows, strict=True)), strict=True))
    pq.write_table(pa.table(columns), third.known_path)
    assert counts(done(third)) == (0, 0, 2 * N)


def test_a_resumed_run_keeps_its_plan(
    models: Path, earlier: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    changed = change_tokens(earlier, another_id, 5)
    run = run_of(tmp_path, models)

    def stop(*_: object) -> None:
        raise Cancelled

    with monkeypatch.context() as killed:
        killed.setattr(score_job, "ScoringPass", stop)
        assert work(run) == 3
    (plan,) = run.path.glob("carried-*.parquet")
    before = pq.read_table(plan)
    written = {path: path.stat().st_mtime_ns for path in run.finished_shards()}
    assert before.num_rows == 2 * (N - 5) and len(written) == 2
    # Meanwhile another run has computed the others too.
    done(run_of(tmp_path, models, render=RenderSpec("plain", "all", 500)))
    result = done(run)
    assert counts(result) == (2 * (N - 5), 2 * 5, 0)
    assert pq.read_table(plan).equals(before)
    assert {path: path.stat().st_mtime_ns for path in written} == written
    assert set(changed).isdisjoint(before["sample_id"].to_pylist())


def test_a_source_that_is_gone_is_computed(
    models: Path, earlier: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = run_of(tmp_path, models)

    def stop(*_: object) -> None:
        raise Cancelled

    with monkeypatch.context() as killed:
        killed.setattr(carry_over, "_copy", stop)
        assert work(run) == 3
    earlier.finished_shards()[0].unlink()
    damaged = earlier.finished_shards()[0]
    table = pq.read_table(damaged)
    nlls = table["token_nlls"].to_pylist()
    nlls[0][0] = float("nan")
    write_parquet(damaged, table.set_column(table.schema.get_field_index("token_nlls"), "token_nlls", [nlls]))
    assert counts(done(run)) == (N - 1, N + 1, 0)
    assert len(losses_of(run)) == 2 * N


@pytest.mark.parametrize(("folder", "n_carried"), [("shards", N), ("tokens", 0)])
def test_a_source_with_a_flipped_bit_is_computed(
    models: Path, earlier: RunFolder, tmp_path: Path, folder: str, n_carried: int
):
    path = min((earlier.path / folder).glob("*.parquet"))
    flip_bit(path, 8 * (path.stat().st_size // 3))
    assert counts(done(run_of(tmp_path, models))) == (n_carried, 2 * N - n_carried, 0)


def test_a_run_that_was_begun_under_another_rendering_is_resumed_under_this_one(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = run_of(tmp_path, models)
    with monkeypatch.context() as before:
        before.setattr(render, "RENDER_VERSION", render.RENDER_VERSION - 1)
        done(run)
    for path in run.finished_shards():
        if path.name.startswith("reference"):
            path.unlink()
    result = done(run)
    assert counts(result) == (N, N, 0)
    rows = [row for path in run.finished_shards() for row in pq.read_table(path).to_pylist()]
    own = {(row["sample_id"], row["model_fp"]) for row in rows if row["render_fp"] == result.render_fp}
    assert len(own) == 2 * N
    tokens = {path: pq.read_table(path)["render_fp"].to_pylist() for path in run.tokens_dir.glob("*.parquet")}
    assert sorted(len(fps) for fps in tokens.values()) == [N, N]
    assert [result.render_fp] * N in tokens.values()


def test_a_preflight_counts_what_is_carried_over(
    models: Path, earlier: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    change_tokens(earlier, another_id, 4)
    run = run_of(tmp_path, models, kind="preflight")
    assert work(run) == 0
    result = run.read_result(PreflightResult)
    assert [(model.n_known, model.n_carried, model.n_to_do) for model in result.models] == [(0, N - 4, 4)] * 2
    assert preflight_job._NOT_COUNTED not in result.warnings
    monkeypatch.setattr(preflight_job, "MOST_TOKEN_ROWS", N - 1)
    assert work(run) == 0
    result = run.read_result(PreflightResult)
    assert [(model.n_carried, model.n_to_do) for model in result.models] == [(0, N)] * 2
    assert preflight_job._NOT_COUNTED in result.warnings


def test_without_an_earlier_rendering_no_token_is_hashed(models: Path, tmp_path: Path, monkeypatch):
    done(run_of(tmp_path, models))
    monkeypatch.setattr(carry_over, "reading_hashes", None)
    assert counts(done(run_of(tmp_path, models, samples(N + 2)))) == (0, 2 * (N + 2), 0)
