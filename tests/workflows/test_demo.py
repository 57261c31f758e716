"""The small demo, over a base that has learned next to nothing: interrupted and gone on with, then cached."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lobass_core.errors import ExportError, ProjectError
<<<<<<< HEAD
from lobass_core.jobs.run_list import list_runs
from lobass_core.learnability.scores import ScoreTable
from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.store.scorings import find_scoring, score_rows
=======
from lobass_core.jobs.run_folder import list_runs
from lobass_core.project import Project
from lobass_core.store.connection import release
>>>>>>> 27d83f1 (x)
from lobass_core.workflows import demo as workflow
from lobass_core.workflows.demo import DemoResult, demo
from lobass_core.workflows.export import replay

# A quarter of the demo's rows, and a sixth of these.
N_ROWS, N_KEPT = 371, 62


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory, runs_in_this_process: None
) -> Iterator[tuple[Path, DemoResult, list[str]]]:
    """The demo, whose last step fails the first time."""
    root, phases = tmp_path_factory.mktemp("demo") / "project", []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workflow, "_BASE_TEXTS", 400)
        patch.setattr(workflow, "export", _disk_full)
        with pytest.raises(ExportError):
            demo(root, lambda progress: phases.append(progress.phase), small=True)
    yield root, demo(root, small=True), phases
    release(root / "store.duckdb")


def _disk_full(*_: object) -> None:
    raise ExportError("the disk is full")


<<<<<<< HEAD
@pytest.fixture(scope="module")
def learnability(built) -> dict[tuple[str, str], np.ndarray]:
    """Scores of the rows of each (domain, planted kind)."""
    with Project.open(built[0]).store() as store:
        cursor = store.cursor()
        table = ScoreTable.from_arrow(score_rows(cursor, find_scoring(cursor)))
        sources = cursor.execute("SELECT row_key, source FROM rows").fetchall()
    kinds = {key: json.loads(source)["planted"] for key, source in sources}
    groups: dict[tuple[str, str], list[float]] = {}
    for key, code, score in zip(table.row_key, table.domain_code, table.learnability(), strict=True):
        groups.setdefault((table.domains[code], kinds[int(key)]), []).append(float(score))
    return {group: np.array(scores) for group, scores in groups.items()}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("domain", DOMAINS)
def test_planted_kinds_come_out_in_the_predicted_order(learnability, domain):
    """Medians: learnable about 0.8, partly known 0.6, known and noise 0 to 0.06; each margin at least half of that."""
    median = {kind: float(np.median(learnability[domain, kind])) for kind in ("learnable", "known", "noise")}
    partly = float(np.median(learnability[domain, "partly-known"]))
    assert median["learnable"] > 0.6
    assert median["learnable"] - partly > 0.05
    assert partly - max(median["known"], median["noise"]) > 0.3
    assert abs(median["known"]) < 0.15 and abs(median["noise"]) < 0.15


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("domain", DOMAINS)
def test_the_selection_is_the_learnable_rows(built, learnability, domain):
    """Nearly no known or noise row would be taken: 95 % of them lie under 90 % of the learnable ones."""
    low = np.quantile(learnability[domain, "learnable"], 0.1)
    for kind in ("known", "noise"):
        assert np.quantile(learnability[domain, kind], 0.95) < low


@pytest.mark.timeout(1800)
def test_scores_are_spread_and_not_two_spikes(learnability):
    scores = np.concatenate(list(learnability.values()))
    shares = np.histogram(scores, bins=np.linspace(-0.2, 1, 13))[0] / len(scores)
    assert shares.max() < 0.4
    assert (shares > 0.02).sum() >= 8


@pytest.mark.timeout(1800)
=======
>>>>>>> 27d83f1 (x)
def test_an_interrupted_demo_goes_on_and_a_finished_one_is_left_alone(built):
    root, result, phases = built
    assert [run.kind for run in list_runs(root / "runs")][:2] == ["train_base", "train_reference"]
    assert sum(run.kind != "score" for run in list_runs(root / "runs")) == 2
    assert "Sample data: importing math.jsonl" in phases
    assert (result.n_rows, result.n_rejected, result.n_selected, result.was_ready) == (N_ROWS, 10, N_KEPT, False)
    began = time.monotonic()
    again = demo(root, small=True)
    assert time.monotonic() - began < 5
    assert again.was_ready and again.run_id == result.run_id and again.export == result.export


def test_the_demo_ends_with_an_export_that_can_be_written_again(built, tmp_path):
    root, result, _ = built
    lines = (Path(result.export) / "train.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == N_KEPT
    assert all(json.loads(line)["messages"][-1]["role"] == "assistant" for line in lines)
    replay(Project.open(root), Path(result.export) / "manifest.json", tmp_path / "again")
    assert (tmp_path / "again" / "train.jsonl").read_bytes() == (Path(result.export) / "train.jsonl").read_bytes()


def test_a_project_of_somebody_else_is_not_filled_with_samples(project):
    with pytest.raises(ProjectError, match="this project is not the demo"):
        demo(project.root)


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ProjectError, match="not empty"):
        demo(tmp_path)
