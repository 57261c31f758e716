"""What a project says of itself at each step of the way."""

import json

import pyarrow as pa

from lobass_core.jobs.progress import ErrorNote, Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ScoredModel, ScoreRunResult
from lobass_core.project import Project
from lobass_core.specs import ModelSpec, ScoreSpec
from lobass_core.store.dataset_writer import RejectedRow
from lobass_core.store.exports import log_export
from lobass_core.store.losses import ingest_run
from lobass_core.store.scorings import register_scoring
from lobass_core.store.selections import save_selection
from lobass_core.workflows.outline import read_outline
from lobass_core.workflows.project_status import DomainStatus, NextStep
from lobass_core.workflows.status import rule_in_words, status
from tests.run_specs import empty_input
from tests.store.conftest import add_file, sample

MATH = [("1+1", "2"), ("2+2", "4"), ("1+1", "2")]
CODE = [("print", "ok"), ("loop", "for")]


def import_both(project: Project) -> None:
    with project.store() as store:
        add_file(store, "sums", "math", MATH, (RejectedRow(3, 4, "no response", "{}"),))
        add_file(store, "programs", "code", CODE)


def score_math(project: Project, *, name: str = "/models/tiny", state: str = "done") -> RunFolder:
    spec = ScoreSpec(ModelSpec(name), (ModelSpec("org/ref"),), reference_name="ref")
    run = RunFolder.create(project.runs_dir, "score", spec, empty_input)
    pairs = MATH[:2]
    for part, loss in (("B", 4.0), ("R", 1.0)):
        run.write_shard(
            part,
            pa.table(
                {
                    "sample_id": [sample(*pair).sample_id for pair in pairs],
                    "model_fp": [part] * 2,
                    "render_fp": ["render"] * 2,
                    "loss_sum_nats": [loss] * 2,
                    "n_tokens": pa.array([2, 3], pa.int32()),
                    "n_prompt_tokens": pa.array([5, 5], pa.int32()),
                    "n_dropped_tokens": pa.array([0, 0], pa.int32()),
                    "status": ["ok", "ok"],
                }
            ),
        )
    result = ScoreRunResult(
        render_fp="render",
        base=ScoredModel("B", "tiny", path=name),
        references=(ScoredModel("R", "ref", path=str(project.models_dir / "ref")),),
        reference_fp="R",
        template="alpaca",
        max_tokens=512,
    )
    (project.models_dir / "ref").mkdir(exist_ok=True)
    if state == "done":
        run.write_result(result)
    run.write_progress(
        Progress(state=state, n_done=4, n_total=4, error=ErrorNote("it broke") if state == "failed" else None)
    )
    with project.store() as store:
        ingest_run(store, run)
        with store.transaction() as cursor:
            register_scoring(cursor, run.run_id, spec, result, run.path / "folds.parquet")
    return run


def save_paper_6(project: Project) -> None:
    shares = [
        {"domain": "code", "got": 0, "asked": 0, "threshold": None},
        {"domain": "math", "got": 1, "asked": 1, "threshold": 0.75},
    ]
    with project.store() as store, store.transaction() as cursor:
        save_selection(
            cursor,
            name="paper-6",
            scoring_id=1,
            spec={"method": "learnability", "budget": "ratio", "value": 0.06, "balance": "natural"},
            result={"domains": shares, "n_rows": 5},
            tokens_kept=2,
            picks=pa.table({"row_key": [0], "sample_key": [0], "pick_rank": [1], "reason": ["score"], "score": [0.75]}),
        )


def test_an_empty_project_asks_for_a_file(project):
    found = status(project)
    assert (found.name, found.n_rows, found.datasets, found.domains, found.scoring) == ("project", 0, (), (), None)
    assert found.changed_at is None
    assert found.next_step == NextStep(
        "import", "Import a file", f"lobass import FILE --project {project.root} --domain NAME"
    )


def test_imported_rows_are_counted_by_dataset_and_domain(project):
    import_both(project)
    found = status(project)
    assert (found.n_rows, found.n_rejected, found.n_duplicates, found.n_scored) == (5, 1, 1, 0)
    assert [(item.name, item.domains, item.n_rows, item.n_rejected) for item in found.datasets] == [
        ("sums", ("math",), 3, 1),
        ("programs", ("code",), 2, 0),
    ]
    assert found.domains == (
        DomainStatus("code", 1, 2, 0, 0, None, None),
        DomainStatus("math", 1, 3, 0, 0, None, None),
    )
    assert found.next_step.label == "Score 5 rows"
    assert found.next_step.command == f"lobass score --project {project.root} --base MODEL --reference MODEL"


def test_scored_rows_count_duplicates_and_name_what_is_left(project):
    import_both(project)
    score_math(project)
    found = status(project)
    assert found.n_scored == 3  # two samples stand in three rows
    assert found.domains[1] == DomainStatus("math", 1, 3, 3, 7, None, None)
    assert found.scoring is not None
    assert (found.scoring.label, found.scoring.template, found.scoring.max_tokens) == ("tiny → ref", "alpaca", 512)
    assert [(model.name, model.part, model.place, model.n_losses, model.mean_nats) for model in found.models] == [
        # Each sample counts the same: losses of 4 nats over 2 and over 3 tokens, as the other pages' means of rows.
        ("tiny", "base", "missing", 2, (4.0 / 2 + 4.0 / 3) / 2),
        ("ref", "reference", "trained here", 2, (1.0 / 2 + 1.0 / 3) / 2),
    ]
    assert found.next_step.label == "Score 2 code rows"
    assert found.next_step.command == f"lobass score --project {project.root} --base MODEL --reference ref"


def test_counts_of_chosen_datasets_alone(project):
    import_both(project)
    score_math(project)
    found = status(project, datasets=("programs",))
    assert (found.n_rows, found.n_scored, found.n_rejected) == (2, 0, 0)
    assert [one.name for one in found.datasets] == ["programs"]
    assert found.domains == (DomainStatus("code", 1, 2, 0, 0, None, None),)
    # What the whole project holds is not forgotten.
    assert status(project).n_rows == 5 and read_outline(project).rows_in(("programs",)) == 2


def test_selected_and_exported_rows_end_the_way(project):
    with project.store() as store:
        add_file(store, "sums", "math", MATH)
    score_math(project)
    assert status(project).next_step.page == "select"
    save_paper_6(project)
    found = status(project)
    (selection,) = found.selections
    assert (selection.rule, selection.threshold, selection.n_kept, selection.run_id) == (
        "6 %, natural",
        0.75,
        1,
        "r-0001",
    )
    assert found.domains[0].n_selected == 1
    assert found.domains[0].n_exported is None
    assert found.next_step.label == "Export paper-6"
    with project.store() as store, store.transaction() as cursor:
        log_export(
            cursor,
            selection_name="paper-6",
            format="trl",
            folder="/tmp/out",
            n_rows=1,
            manifest={"selection": {"domains": [{"domain": "math", "got": 1}]}},
            manifest_sha256="0",
        )
    found = status(project)
    assert found.domains[0].n_exported == 1
    assert [(item.selection, item.format, item.n_rows) for item in found.exports] == [("paper-6", "trl", 1)]
    assert found.next_step.label == "Move the cut"


def test_a_stopped_run_comes_first(project):
    import_both(project)
    run = score_math(project, name="org/tiny", state="failed")
    found = status(project)
    assert found.next_step.label == "Resume run r-0001"
    assert found.next_step.command == f"lobass score --project {project.root} --resume r-0001"
    assert (found.runs[0].name, found.runs[0].message) == ("tiny → ref", "it broke")
    with run.hold_lock():
        run.write_progress(Progress(state="running"))
        assert status(project).next_step.label == "Watch run r-0001"


def test_the_chosen_scoring_is_the_one_counted(project):
    import_both(project)
    score_math(project)
    found = status(project, "r-0001")
    assert found.scoring == found.scorings[0]
    assert status(project, "r-0099").scoring == found.scoring  # an old link falls back to the latest


def test_status_is_plain_json(project):
    import_both(project)
    score_math(project)
    assert json.loads(json.dumps(status(project).to_dict()))["n_rows"] == 5


def test_rules_in_words():
    assert rule_in_words({"budget": "samples", "value": 5000, "balance": "equal"}) == "5,000 rows, equal"
    weighted = {"budget": "ratio", "value": 0.167, "balance": "custom", "weights": [["math", 0.4], ["code", 0.6]]}
    assert rule_in_words(weighted) == "16.7 %, math 0.4 / code 0.6"
    threshold = {"budget": "threshold", "value": 0.654, "balance": "global", "method": "loss-drop"}
    assert rule_in_words(threshold) == "≥ 0.654, global, by loss-drop"
