"""Files of experiments: which no run needs, which are damaged, and that a damaged arm is trained again."""

import os
import time

import pytest

from lobass_core.jobs.run_specs import ValidateRun
from lobass_core.store.connection import release
from lobass_core.validation.arm_results import ArmCache
from lobass_core.workflows import validate_report
from lobass_core.workflows.clean import clean, cleanable
from lobass_core.workflows.project_check import check_project
from lobass_core.workflows.project_repair import repair
from lobass_core.workflows.validate import plan, resume
from lobass_core.workflows.validation_files import validation_files
from tests.pages.projects import scored_project
from tests.validation.experiments import SMALL, finished_experiment


@pytest.fixture
def project(tmp_path):
    found = scored_project(tmp_path / "project", {"code": 60, "math": 60})
    yield found
    release(found.store_path)


@pytest.fixture
def run(project):
    made = finished_experiment(project, {"learnability": -0.2})
    validate_report.report(project, made.run_id)
    return made


def arm_path(project, run, arm: str):
    asked, measured = run.spec_as(ValidateRun), validate_report.measured_by(run)
    planned = next(one for one in asked.planned if one.arm == arm)
    return ArmCache(project.validation_dir).path_of(validate_report.content_of(asked, planned, measured).key)


def experiments_of(project) -> list[tuple[str, str]]:
    return [(check.verdict, check.detail) for check in check_project(project) if check.name == "experiments"]


def test_a_project_without_experiments_says_nothing_of_them(project):
    assert experiments_of(project) == [] and validation_files(project).n_bytes == 0


def test_what_an_experiment_needs_is_counted_and_never_listed(project, run):
    files = validation_files(project)
    assert (files.n_arms, files.n_reports, files.damaged, files.orphans) == (7, 1, (), ())
    ((verdict, detail),) = experiments_of(project)
    assert verdict == "good" and detail.startswith("7 finished arms, 1 report, ")
    assert [item for item in cleanable(project) if item.kind == "arm"] == []


def test_arms_rows_and_report_of_a_run_that_is_gone_can_go(project, run):
    run.remove()
    found = [item for item in cleanable(project) if item.kind == "arm"]
    assert len(found) == 7 + 1 + 3
    assert ("note", "11 files belong to runs that are gone: lobass clean lists them") in experiments_of(project)
    assert len(clean(project, found).removed) == 11
    assert validation_files(project).n_arms == 0


def test_a_second_experiment_keeps_the_arms_that_both_have(project, run):
    other = finished_experiment(project, {}, SMALL.__class__(arms=("base",), budgets=(0.2,), draws=2, held_out=20))
    run.remove()
    kept = {arm_path(project, other, arm) for arm in ("base", "random")}
    gone = {path for path, _ in validation_files(project).orphans}
    assert not kept & gone and len([path for path in gone if path.parent.name == "arms"]) == 4


def test_a_run_whose_settings_are_lost_might_need_any_of_them(project, run):
    run.remove()
    broken = project.runs_dir / "r-0077"
    broken.mkdir()
    (broken / "spec.json").write_text("{")
    assert validation_files(project).orphans == ()


@pytest.mark.parametrize("damage", [lambda path: path.write_text("{"), lambda path: path.write_bytes(b"\xff\x00")])
def test_a_damaged_arm_is_named_moved_away_and_planned_again(project, run, damage):
    path = arm_path(project, run, "longest")
    damage(path)
    where = f"validation/arms/{path.name}: a file of the experiment cannot be read"
    assert any(verdict == "bad" and detail.startswith(where) for verdict, detail in experiments_of(project))
    assert validate_report.report(project, run.run_id).n_missing == 1
    assert plan(project, SMALL).plan.n_to_do == 1
    (said,) = [line for line in repair(project) if "experiment" in line]
    assert said.startswith("Moved 1 damaged file of an experiment to validation/damaged.")
    assert not path.exists() and experiments_of(project)[0][0] == "good"
    # What was moved away is of no use to anybody.
    assert [item.path for item in cleanable(project) if item.kind == "arm"] == [f"validation/damaged/{path.name}"]


def test_an_arm_under_the_name_of_another_is_damaged(project, run):
    path = arm_path(project, run, "longest")
    path.write_bytes(arm_path(project, run, "base").read_bytes())
    ((damaged, reason),) = validation_files(project).damaged
    assert damaged == path and "different arm than its name says" in reason


def test_a_done_experiment_that_lacks_an_arm_can_be_resumed_and_a_whole_one_not(project, run, monkeypatch):
    launched = []
    monkeypatch.setattr("lobass_core.workflows.validate.launch", launched.append)
    with pytest.raises(Exception, match="is done"):
        resume(project, run.run_id)
    arm_path(project, run, "longest").unlink()
    assert resume(project, run.run_id).run_id == run.run_id and len(launched) == 1


def test_what_a_killed_worker_left_among_the_arms_is_a_leftover(project, run):
    left = project.validation_dir / "arms" / ".0123456789abcdef.json.77.tmp"
    left.write_text("half")
    before = time.time() - 3600
    os.utime(left, (before, before))
    assert f"validation/arms/{left.name}" in [item.path for item in cleanable(project) if item.kind == "leftover"]
