"""A finished run is registered once, dated by its own clock, whatever process comes by and in whatever order."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ScoreRunResult
from lobass_core.project import Project
from lobass_core.store.scorings import Scoring, list_scorings
from lobass_core.workflows import collect as collecting
from lobass_core.workflows.collect import collect
from tests.filled_project import BASE, REFERENCE, RENDER, Row, import_rows
from tests.run_specs import A_SCORING, score_result

MORNING, NOON, EVENING = (f"2026-03-01T{hour}:00:00+00:00" for hour in ("08", "12", "20"))


@pytest.fixture(autouse=True)
def rows(project: Project) -> None:
    import_rows(project, [Row("one", "a"), Row("two", "b")])


def finished(
    project: Project, at: str | None, reference: str = REFERENCE, refines: str = "", **changes: str
) -> RunFolder:
    """A scoring run that ended at that time and scored nothing new."""
    run = RunFolder.create(project.runs_dir, "score", replace(A_SCORING, refines=refines))
    result: ScoreRunResult = replace(score_result(BASE, reference, RENDER), **changes)
    run.write_result(result)
    run.write_progress(Progress(state="done", finished_at=at))
    return run


def collect_in_a_new_process(project: Project) -> list[Scoring]:
    collecting._collected.clear()
    collect(project)
    with project.store() as store:
        return list_scorings(store.cursor())


def test_a_scoring_has_the_time_of_its_run_and_keeps_it(project: Project):
    finished(project, EVENING, "ref-of-evening")
    finished(project, MORNING, "ref-of-morning")
    found = collect_in_a_new_process(project)
    assert [(one.run_id, one.made_at) for one in found] == [("r-0001", EVENING), ("r-0002", MORNING)]
    with project.store() as store:
        before = store.revision(), store.content()
        models = store.cursor().execute("SELECT DISTINCT part, made_at FROM models ORDER BY ALL").fetchall()
    assert models == [("base", MORNING), ("reference", MORNING), ("reference", EVENING)]
    assert collect_in_a_new_process(project) == found
    with project.store() as store:
        assert (store.revision(), store.content()) == before


def test_of_two_runs_of_the_same_models_the_one_that_finished_later_stands(project: Project):
    finished(project, EVENING, dtype="bfloat16")
    finished(project, NOON, dtype="float32")
    (found,) = collect_in_a_new_process(project)
    assert (found.run_id, found.made_at, found.dtype) == ("r-0001", EVENING, "bfloat16")


def test_a_refinement_that_another_has_replaced_does_not_come_back(project: Project):
    finished(project, MORNING)
    finished(project, EVENING, "fine", refines="r-0001")
    finished(project, NOON, "fine", refines="r-0001")
    for _ in range(3):
        (found,) = collect_in_a_new_process(project)
        assert (found.refined_by, found.made_at) == ("r-0002", MORNING)
    finished(project, "2026-03-02T08:00:00+00:00", "finer", refines="r-0001")
    (found,) = collect_in_a_new_process(project)
    assert found.refined_by == "r-0004"


def test_a_run_that_does_not_say_when_it_finished_is_dated_by_its_result(project: Project):
    run = finished(project, None)
    (found,) = collect_in_a_new_process(project)
    assert found.made_at[:10] == _day_of(run.result_path)


def _day_of(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()
