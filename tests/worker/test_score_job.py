"""Scoring runs from end to end in worker processes, on tiny random models."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoModelForCausalLM

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ScoreRunResult
from lobass_core.records import Sample, Turn
from lobass_core.specs import ModelSpec
from lobass_core.worker.preparation import read_known
from tests.models import VOCAB_SIZE, tiny_llama, tiny_lora, tiny_tokenizer
from tests.worker.runs import losses_of, samples, score_run, work


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """base, ref, other: three Llamas; lora: an adapter on base."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("base", "ref", "other")):
        tiny_llama(folder / name, seed=seed, chat_template=None)
    tiny_lora(folder / "lora", folder / "base")
    return folder


@pytest.fixture(scope="module")
def finished(models: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A whole run of 40 samples and one without an answer."""
    chosen = [*samples(40), Sample.of([Turn("user", "Nobody answers.")])]
    run = score_run(tmp_path_factory.mktemp("runs"), chosen, models / "base", ModelSpec(str(models / "ref")))
    assert work(run) == 0, run.read_progress().error
    return run


def test_the_result_says_what_was_done(finished: RunFolder):
    result = finished.read_result(ScoreRunResult)
    assert finished.state() == "done"
    assert {
        key: getattr(result, key) for key in ("n_samples", "n_computed", "n_known", "n_truncated", "n_no_response")
    } == {
        "n_samples": 41,
        "n_computed": 82,
        "n_known": 0,
        "n_truncated": 0,
        "n_no_response": 1,
    }
    assert (result.template, result.max_tokens, result.dtype, result.device) == (
        "plain",
        512,
        "float32",
        "cpu",
    )
    assert result.reference_fp == result.references[0].model_fp != result.base.model_fp
    assert result.warnings == (
        f"1 sample has no response to score, such as {result.refusals[0].sample_id[:12]}: "
        "it has no assistant turn to score.",
    )
    progress = finished.read_progress()
    assert (progress.n_done, progress.n_total, progress.seconds_left) == (82, 82, 0.0)
    assert [(model.part, model.n_done, model.n_total) for model in progress.models] == [
        ("base", 41, 41),
        ("reference", 41, 41),
    ]


def test_shards_hold_the_bytes_of_each_response(finished: RunFolder):
    expected = {sample.sample_id: len(sample.turns[1].content.encode()) + len("</s>") for sample in samples(40)}
    for model in ("base", "reference"):
        (shard,) = [
            pq.read_table(path)
            for path in finished.finished_shards()
            if path.stem.startswith(f"{model}-") and "unscored" not in path.stem
        ]
        assert dict(zip(shard["sample_id"].to_pylist(), shard["n_response_bytes"].to_pylist(), strict=True)) == expected
    result = finished.read_result(ScoreRunResult)
    assert {model.info.vocabulary_size for model in (result.base, *result.references)} == {VOCAB_SIZE}


def test_losses_are_those_of_the_model(finished: RunFolder, models: Path):
    result = finished.read_result(ScoreRunResult)
    found = losses_of(finished)
    tokenizer = tiny_tokenizer(None)
    for part, name in ((result.base, "base"), (result.references[0], "ref")):
        model = AutoModelForCausalLM.from_pretrained(models / name).double().eval()
        for sample in samples(40):
            asked, said = (turn.content for turn in sample.turns)
            ids = tokenizer.encode(f"<s>{asked}\n{said}</s>", add_special_tokens=False)
            n_prompt = len(tokenizer.encode(f"<s>{asked}\n", add_special_tokens=False))
            with torch.no_grad():
                logits = model(torch.tensor([ids])).logits[0]
            expected = torch.nn.functional.cross_entropy(
                logits[n_prompt - 1 : -1], torch.tensor(ids[n_prompt:]), reduction="sum"
            ).item()
            loss, n_tokens, status, nlls = found[sample.sample_id, part.model_fp]
            assert (n_tokens, status) == (len(ids) - n_prompt, "ok")
            assert loss == pytest.approx(expected, abs=5e-6 * n_tokens)
            assert loss == pytest.approx(float(np.sum(nlls, dtype=np.float64)), abs=1e-9)


def test_tokens_are_kept_for_the_pages(finished: RunFolder):
    (path,) = sorted((finished.path / "tokens").glob("*.parquet"))
    rows = pq.read_table(path).to_pylist()
    assert len(rows) == 40
    found = losses_of(finished)
    base_fp = finished.read_result(ScoreRunResult).base.model_fp
    for row in rows:
        pieces = [row["text"][start:end] for start, end in zip(row["token_starts"], row["token_ends"], strict=True)]
        assert "".join(pieces) == row["text"]
        assert sum(row["response_mask"]) == len(found[row["sample_id"], base_fp][3]) > 0


def test_a_sample_without_a_response_is_known_and_has_no_number(finished: RunFolder):
    silent = Sample.of([Turn("user", "Nobody answers.")]).sample_id
    rows = [value for (sample_id, _), value in losses_of(finished).items() if sample_id == silent]
    assert rows == [(None, 0, "no_response", ())] * 2


def known_of(run: RunFolder) -> pa.Table:
    tables = [pq.read_table(path, columns=["sample_id", "model_fp", "render_fp"]) for path in run.finished_shards()]
    return pa.concat_tables(tables)


def test_the_same_again_does_no_forward_pass(finished: RunFolder, models: Path, tmp_path: Path):
    chosen = [*samples(40), Sample.of([Turn("user", "Nobody answers.")])]
    run = score_run(tmp_path, chosen, models / "base", ModelSpec(str(models / "ref")))
    pq.write_table(known_of(finished), run.known_path)
    assert work(run) == 0
    result = run.read_result(ScoreRunResult)
    assert (result.n_computed, result.n_known, result.batch_tokens) == (0, 82, 0)
    assert run.finished_shards() == []
    assert result.render_fp == finished.read_result(ScoreRunResult).render_fp


def test_a_loss_of_an_earlier_reading_of_the_record_is_not_known(finished: RunFolder):
    known = known_of(finished)
    ids = known["sample_id"].to_pylist()
    render_fp = finished.read_result(ScoreRunResult).render_fp
    earlier = pa.array([ids[0], *[None] * (len(ids) - 1)], pa.string())
    pq.write_table(known.append_column("scored_as", earlier), finished.known_path)
    found = read_known(finished, render_fp)
    assert sum(len(sample_ids) for sample_ids in found.values()) == len(ids) - 1
    finished.known_path.unlink()


def test_only_new_samples_and_new_models_are_computed(finished: RunFolder, models: Path, tmp_path: Path):
    run = score_run(tmp_path, samples(45), models / "base", ModelSpec(str(models / "other")))
    pq.write_table(known_of(finished), run.known_path)
    assert work(run) == 0
    result = run.read_result(ScoreRunResult)
    assert (result.n_computed, result.n_known) == (5 + 45, 40)
    found = losses_of(run)
    assert sum(model_fp == result.base.model_fp for _, model_fp in found) == 5


def test_a_lora_reference_shares_the_base(models: Path, tmp_path: Path):
    lora = ModelSpec(str(models / "base"), adapter=str(models / "lora"))
    run = score_run(tmp_path, samples(12), models / "base", lora)
    assert work(run) == 0, run.read_progress().error
    result = run.read_result(ScoreRunResult)
    assert result.base.info.weights == result.references[0].info.weights
    found = losses_of(run)
    parts = (result.base, result.references[0])
    bare, adapted = ([found[sample.sample_id, part.model_fp][0] for sample in samples(12)] for part in parts)
    assert all(abs(one - other) > 1e-3 for one, other in zip(bare, adapted, strict=True))


def test_each_sample_is_scored_by_the_fold_that_did_not_see_it(models: Path, tmp_path: Path):
    chosen = samples(20)
    assigned = {sample.sample_id: place % 2 for place, sample in enumerate(chosen[:15])}
    table = pa.table({"sample_id": list(assigned), "fold": list(assigned.values())})
    pq.write_table(table, tmp_path / "folds.parquet")
    references = (ModelSpec(str(models / "ref")), ModelSpec(str(models / "other")))
    run = score_run(
        tmp_path / "runs", chosen, models / "base", *references, fold_assignment=str(tmp_path / "folds.parquet")
    )
    assert work(run) == 0, run.read_progress().error
    result = run.read_result(ScoreRunResult)
    fps = [reference.model_fp for reference in result.references]
    assert result.reference_fp not in fps
    found = losses_of(run)
    for sample in chosen:
        fold = assigned.get(sample.sample_id, int(sample.sample_id[:8], 16) % 2)
        assert (sample.sample_id, fps[fold]) in found
        assert (sample.sample_id, fps[1 - fold]) not in found
    kept = pq.read_table(run.path / "folds.parquet")
    assert kept.num_rows == 20
    assert result.n_computed == 40


def failure(run: RunFolder) -> str:
    assert work(run) == 1
    assert run.state() == "failed"
    error = run.read_progress().error
    assert error is not None
    return f"{error.what} | {error.where} | {error.do}"


def test_failures_are_told_in_words(models: Path, tmp_path: Path):
    nowhere = score_run(tmp_path, samples(2), models / "base", ModelSpec(str(models / "nowhere")))
    assert "there is no such model folder" in failure(nowhere)
    small = tiny_llama(tmp_path / "small", vocab_size=100)
    run = score_run(tmp_path, samples(2), small, ModelSpec(str(small)))
    assert "the model knows only 100" in failure(run)
    silent = score_run(tmp_path, [Sample.of([Turn("user", "a")])], models / "base", ModelSpec(str(models / "ref")))
    assert "finds no response in any of 1 samples" in failure(silent)
    foreign = tiny_llama(tmp_path / "foreign")
    vocabulary = json.loads((foreign / "tokenizer.json").read_text())
    swapped = {"!": vocabulary["model"]["vocab"]['"'], '"': vocabulary["model"]["vocab"]["!"]}
    vocabulary["model"]["vocab"].update(swapped)
    (foreign / "tokenizer.json").write_text(json.dumps(vocabulary))
    run = score_run(tmp_path, samples(2), models / "base", ModelSpec(str(foreign)))
    assert "different vocabularies: 2 of 384" in failure(run)


def test_an_unknown_kind_of_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = score_run(tmp_path, samples(2), tmp_path, ModelSpec("ref"))
    document = json.loads((run.path / "spec.json").read_text())
    (run.path / "spec.json").write_text(json.dumps({**document, "kind": "dance"}))
    assert work(run) == 1
    assert "unknown kind 'dance'" in capsys.readouterr().err
