"""`lobass cancel` names a way to resume that works for the run that it stops."""

import pytest

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_kinds import KINDS
from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.project import Project
from lobass_core.specs import ModelSpec, TrainReferenceSpec
from lobass_core.words.run_words import RUN_WORDS, a_run
from tests.run_specs import A_SCORING

A_TRAINING = TrainReferenceRun(TrainReferenceSpec(ModelSpec("/models/base"), "tuned"), "models/tuned")


@pytest.mark.parametrize(
    ("kind", "spec", "to_resume"),
    [
        ("score", A_SCORING, "lobass score --project '{project}' --resume r-0001"),
        ("train_reference", A_TRAINING, "run the same train-reference command again"),
        ("preflight", A_SCORING, ""),
    ],
)
def test_the_way_to_resume(lobass, tmp_path, kind, spec, to_resume):
    project = Project.create(tmp_path / "my project")
    run = RunFolder.create(project.runs_dir, kind, spec)
    ran = lobass("cancel", run.run_id, "--project", project.root)
    assert (ran.exit_code, run.cancel_requested()) == (0, True)
    said = " ".join(ran.out.split())
    line = to_resume.format(project=project.root)
    assert said == f"Asked r-0001 to stop to resume {line}" if line else said == "Asked r-0001 to stop"


def test_a_training_is_not_resumed_by_score(lobass, tmp_path):
    project = Project.create(tmp_path / "p")
    RunFolder.create(project.runs_dir, "train_reference", A_TRAINING)
    ran = lobass("score", "--resume", "r-0001", "--project", project.root)
    assert ran.exit_code == 1
    said = " ".join(ran.err.split())
    assert "r-0001 is a training, not a scoring" in said
    assert "Run the same train-reference command again." in said


def test_runs_are_listed_in_the_words_of_the_pages(lobass, tmp_path):
    project = Project.create(tmp_path / "p")
    RunFolder.create(project.runs_dir, "train_reference", A_TRAINING)
    RunFolder.create(project.runs_dir, "preflight", A_SCORING)
    lines = lobass("runs", "--project", project.root).out.splitlines()[1:]
    assert [line.split()[:2] for line in lines] == [["r-0002", "preview"], ["r-0001", "training"]]
    assert {run["kind"] for run in lobass("runs", "--project", project.root, "--json").json} == {
        "preflight", "train_reference",
    }  # fmt: skip
    # Other tests add a kind of their own.
    assert set(RUN_WORDS) == {kind for kind, one in KINDS.items() if one.spec.__module__.startswith("lobass_core.")}


def test_a_kind_of_run_has_its_article():
    assert (a_run("validate"), a_run("score"), a_run("later")) == ("an experiment", "a scoring", "a later")
