"""What Select says of a measure: its project's experiment first, at the nearest budget, else the published study."""

import pytest

from lobass_core.specs import ValidateSpec
from lobass_core.store.connection import release
from lobass_core.workflows import explore, validate_report
from lobass_core.workflows.evidence import ADJUSTED, ADVICE, STUDY, evidence, reported
from tests.pages.projects import scored_project
from tests.validation.experiments import finished_experiment


@pytest.fixture
def project(tmp_path):
    found = scored_project(tmp_path / "project", {"code": 60, "math": 60})
    yield found
    release(found.store_path)


@pytest.fixture
def scoring(project):
    return explore.scored(project).run_id


def known_of(project, scoring, method, share):
    return evidence(reported(project, scoring), method, share)


def test_without_an_experiment_the_study_is_told_of_its_measures_alone(project, scoring):
    known = known_of(project, scoring, "learnability", 0.06)
    assert known.sentence == f"{STUDY} {ADJUSTED} {ADVICE}"
    assert known.instead == "length-adjusted"
    other = known_of(project, scoring, "length-adjusted", 0.06)
    assert (other.sentence, other.instead) == (f"{STUDY} {ADVICE}", "")
    assert known_of(project, scoring, "bits-per-byte", 0.06) is None


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        (-0.2, "a better model than random draws on 2 of 2 sets of held-out rows"),
        (0.3, "a worse model than random draws on 2 of 2 sets of held-out rows"),
        (0.0, "neither a better nor a worse model than random draws, as far as 2 sets of held-out rows tell"),
    ],
)
def test_a_reported_experiment_on_these_scores_is_told_instead(project, scoring, effect, said):
    spec = ValidateSpec(arms=("base", "learnability"), budgets=(0.2,), draws=5, held_out=20)
    run = finished_experiment(project, {"learnability": effect}, spec)
    # Nobody has asked for its report yet.
    assert known_of(project, scoring, "learnability", 0.06).sentence.startswith(STUDY)
    validate_report.report(project, run.run_id)
    known = known_of(project, scoring, "learnability", 0.06)
    assert known.run_id == run.run_id
    assert known.sentence == f"In experiment {run.run_id}, 20 % of the rows by learnability trained {said}."
    # Neither of a measure that was no arm, nor of other scores.
    assert known_of(project, scoring, "loss-drop", 0.06).sentence.startswith(STUDY)
    assert known_of(project, "r-9999", "learnability", 0.06).sentence.startswith(STUDY)


def test_of_several_budgets_the_nearest_counts(project, scoring):
    spec = ValidateSpec(arms=("base", "learnability"), budgets=(0.1, 0.4), draws=3, held_out=20)
    run = finished_experiment(project, {"learnability": -0.2}, spec)
    validate_report.report(project, run.run_id)
    said = [known_of(project, scoring, "learnability", share).sentence for share in (0.06, 0.3)]
    assert [sentence.split(", ")[1][:4] for sentence in said] == ["10 %", "40 %"]


@pytest.mark.parametrize("text", ['{"claims": [', '{"claims": [{"arm": 3}]}', "[]"])
def test_a_report_that_cannot_be_read_is_as_none(project, scoring, text):
    run = finished_experiment(project, {})
    (project.validation_dir / f"{run.run_id}.json").write_text(text, encoding="utf-8")
    assert known_of(project, scoring, "learnability", 0.06).sentence.startswith(STUDY)
