"""A run takes the library for products that it began with, says when it cannot, and all its processes take the same."""

import json

import pytest
import torch

from lobass_core.errors import RunError
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.scoring import products
from lobass_core.specs import ModelSpec
from lobass_core.worker import run_products, scoring_pass
from lobass_core.worker.run_products import PRODUCTS, RunProducts, settle_products
from tests.models import tiny_llama
from tests.worker.runs import losses_of, samples, score_run, work

CPU = torch.device("cpu")


@pytest.fixture
def run(tmp_path, models) -> RunFolder:
    return score_run(tmp_path / "runs", samples(3), models / "base", ModelSpec(str(models / "ref")))


def _faster(monkeypatch: pytest.MonkeyPatch, onednn: bool) -> None:
    monkeypatch.setattr(products, "onednn_is_faster", lambda: onednn)


@pytest.mark.parametrize(("onednn", "library"), [(True, "onednn"), (False, "mkl")])
def test_what_the_first_trial_found_stays(run, monkeypatch, onednn, library):
    _faster(monkeypatch, onednn)
    assert settle_products(run, CPU, torch.float32) == RunProducts(library)
    _faster(monkeypatch, not onednn)
    assert settle_products(run, CPU, torch.float32) == RunProducts(library)
    assert json.loads((run.path / PRODUCTS).read_text()) == {"version": 2, "library": library, "earlier": []}


def test_a_torch_without_onednn_goes_on_by_mkl_and_says_so(run, monkeypatch):
    _faster(monkeypatch, True)
    settle_products(run, CPU, torch.float32)
    monkeypatch.setattr(run_products, "has_onednn", lambda: False)
    for _ in range(2):
        settled = settle_products(run, CPU, torch.float32)
        assert settled == RunProducts("mkl", ("onednn",))
        assert "started with oneDNN matrix products" in settled.warnings[0]


@pytest.mark.slow
def test_every_process_of_a_scoring_run_multiplies_by_the_library_it_began_with(tmp_path, monkeypatch):
    """Losses to the last bit: in sums of 256 products the two libraries add up in another order."""
    base, reference = (
        tiny_llama(tmp_path / str(seed), seed=seed, chat_template=None, hidden_size=256) for seed in range(2)
    )
    found = {}
    for library, n_processes in (("mkl", "1"), ("onednn", "1"), ("onednn", "2")):
        monkeypatch.setenv("LOBASS_CPU_PROCESSES", n_processes)
        monkeypatch.setattr(scoring_pass, "SHARD_SAMPLES", 4)
        folder = tmp_path / f"{library}-{n_processes}"
        run = score_run(folder, samples(8), base, ModelSpec(str(reference)))
        (run.path / PRODUCTS).write_text(json.dumps({"version": 2, "library": library}))
        assert work(run) == 0
        found[library, n_processes] = losses_of(run)
    assert found["onednn", "1"] == found["onednn", "2"] != found["mkl", "1"]
    for key, (loss, *_) in found["mkl", "1"].items():
        assert loss == pytest.approx(found["onednn", "1"][key][0], abs=1e-4)


def test_a_damaged_record_is_named(run):
    (run.path / PRODUCTS).write_text('{"version": 2, "library": "abacus"}')
    with pytest.raises(RunError, match=r"products\.json of run r-0001 has an unknown layout"):
        settle_products(run, CPU, torch.float32)
