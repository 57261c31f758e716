"""A process that rules out models' own code makes no run that trusts it, and starts none that somebody else made."""

import runpy
from pathlib import Path

import pytest
import streamlit.config

from lobass_core.errors import RequestError
from lobass_core.jobs import remote_code
from lobass_core.jobs.launch import launch
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_specs import CheckExportRun, RenderRun, RunSpec, TrainReferenceRun
from lobass_core.specs import ModelSpec, ScoreSpec, TrainReferenceSpec
from lobass_core.workflows.serve import APP
from tests.run_specs import empty_input

PLAIN, TRUSTED = ModelSpec("org/plain"), ModelSpec("org/with-code", trust_remote_code=True)
SPECS: dict[str, tuple[str, RunSpec]] = {
    "base": ("score", ScoreSpec(TRUSTED, (PLAIN,))),
    "second fold": ("score", ScoreSpec(PLAIN, (PLAIN, TRUSTED))),
    "look": ("preflight", ScoreSpec(TRUSTED, (PLAIN,))),
    "training": ("train_reference", TrainReferenceRun(TrainReferenceSpec(TRUSTED, "ref"), "/nowhere")),
    "rendering": ("render", RenderRun(TRUSTED)),
    "export": ("check_export", CheckExportRun("/nowhere", "trl", TRUSTED, "", "", "all", "", "/nowhere")),
}


@pytest.mark.parametrize("name", SPECS)
def test_no_run_that_trusts_a_models_code_is_made_or_started(tmp_path: Path, monkeypatch, name: str):
    kind, spec = SPECS[name]
    earlier = RunFolder.create(tmp_path, kind, spec, empty_input)
    monkeypatch.setattr(remote_code, "_ruled_out", False)
    remote_code.rule_out()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RequestError, match="only from the command line") as refused:
        RunFolder.create(tmp_path, kind, spec, empty_input)
    assert refused.value.where == "org/with-code" and "--trust-remote-code" in refused.value.do
    with pytest.raises(RequestError, match="only from the command line"):
        launch(earlier, ["/nowhere/worker"])
    assert sorted(tmp_path.rglob("*")) == before


def test_other_runs_are_made_as_ever(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(remote_code, "_ruled_out", True)
    assert RunFolder.create(tmp_path, "score", ScoreSpec(PLAIN, (PLAIN,)), empty_input).run_id == "r-0001"


def test_the_dashboard_rules_it_out(monkeypatch):
    monkeypatch.setattr(remote_code, "_ruled_out", False)
    monkeypatch.setattr(streamlit.config, "_main_script_path", None)
    runpy.run_path(str(APP), run_name="app")
    with pytest.raises(RequestError):
        remote_code.check(TRUSTED)
