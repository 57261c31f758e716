"""Training a reference as a user's job: what is refused, what is resumed, and how scoring finds the result."""

import dataclasses
import json
from pathlib import Path

import pytest

from lobass_core.errors import ModelError, RequestError, RunError
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_results import TrainReferenceResult
from lobass_core.project import Project
from lobass_core.specs import ImportSpec, ModelSpec, RenderSpec, ScoreSpec, TrainReferenceSpec
from lobass_core.workflows import train_reference as workflow
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.references import resolve_reference, score_spec
from lobass_core.workflows.score import prepare_run
from tests.models import tiny_llama
from tests.worker.runs import work


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture
def filled(project: Project, tmp_path: Path) -> Project:
    """Two data sets of 30 and 20 rows."""
    for name, n in (("sums", 30), ("products", 20)):
        sign = "+" if name == "sums" else "*"
        rows = [{"question": f"What is {i} {sign} 2?", "answer": f"It is {eval(f'{i} {sign} 2')}."} for i in range(n)]
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        import_file(project, ImportSpec(path=str(path), domain="math", name=name))
    return project


@pytest.fixture
def launched(monkeypatch) -> list[str]:
    """Launching only notes the run: the test does the work when it wants to."""
    runs: list[str] = []

    def note(run: RunFolder) -> int:
        run.clear_cancel()
        runs.append(run.run_id)
        return 0

    monkeypatch.setattr(workflow, "launch", note)
    return runs


def _spec(base: Path, **settings) -> TrainReferenceSpec:
    return TrainReferenceSpec(
        base=ModelSpec(str(base)), **{"name": "ref", "device": "cpu", "render": RenderSpec("plain"), **settings}
    )


def test_start_writes_the_input_and_the_facts_of_the_data(filled, base, launched):
    run = workflow.start(filled, _spec(base, datasets=("sums",)))
    assert launched == [run.run_id]
    assert [(item.name, item.n_rows) for item in run.spec.data] == [("sums", 30)]
    assert len(run.spec.data[0].sha256) == 64
    assert run.spec.output_dir == str(filled.models_dir / "ref")
    assert work(run) == 0
    assert run.read_result(TrainReferenceResult).n_samples == 30


@pytest.mark.parametrize("folds", [1, 2])
def test_scoring_finds_a_trained_reference_by_its_name(filled, base, launched, folds):
    run = workflow.start(filled, _spec(base, folds=folds))
    assert work(run) == 0
    resolved = resolve_reference(filled, "ref", ModelSpec(str(base)))
    folder = filled.models_dir / "ref"
    assert resolved.render == RenderSpec("plain")
    if folds == 1:
        assert [model.path for model in resolved.models] == [str(folder)] and not resolved.fold_assignment
    else:
        assert [model.path for model in resolved.models] == [str(folder / "fold-0"), str(folder / "fold-1")]
        assert resolved.fold_assignment == str(folder / "folds.parquet")
    scoring = prepare_run(filled, "score", ScoreSpec(ModelSpec(str(base)), resolved.models))
    assert scoring.trained_on_path.is_file() is (folds == 1)
    (listed,) = workflow.list_references(filled)
    assert (listed.name, listed.folds, listed.n_samples, listed.base) == ("ref", folds, 50, str(base))
    assert [item["name"] for item in listed.recipe["data"]] == ["sums", "products"]


def test_scoring_takes_the_revision_that_a_reference_was_trained_from(filled):
    folder = filled.models_dir / "ref"
    folder.mkdir(parents=True)
    trained = TrainReferenceSpec(ModelSpec("some/base", revision="v1"), "ref")
    (folder / "adapter_config.json").write_text("{}", encoding="utf-8")
    (folder / "recipe.json").write_text(json.dumps({"spec": trained.to_dict()}), encoding="utf-8")
    spec = score_spec(filled, base="some/base", reference="ref")
    assert (spec.base.revision, spec.references[0].revision, spec.references[0].adapter) == ("v1", "v1", str(folder))
    assert score_spec(filled, base="some/base", reference="ref", revision="v2").references[0].revision == "v2"
    assert score_spec(filled, base="other/base", reference="ref").base.revision == ""
    with pytest.raises(RequestError, match="was trained here and has no revisions"):
        score_spec(filled, base="some/base", reference="ref", reference_revision="v3")


def test_a_stopped_training_of_the_same_settings_is_gone_on_with(filled, base, launched):
    first = workflow.start(filled, _spec(base))
    again = workflow.start(filled, _spec(base))
    assert launched == [first.run_id, first.run_id] and again.run_id == first.run_id
    other = workflow.start(filled, _spec(base, seed=1))
    assert other.run_id != first.run_id


def test_scoring_with_a_reference_that_is_still_to_be_trained_says_so(filled, base, launched):
    run = workflow.start(filled, _spec(base))
    with pytest.raises(ModelError, match="the training of reference 'ref' has not finished") as caught:
        resolve_reference(filled, "ref", ModelSpec(str(base)))
    assert str(run.path) in str(caught.value) and "lobass train-reference --name ref" in caught.value.do
    assert resolve_reference(filled, "org/ref", ModelSpec(str(base))).models[0].path == "org/ref"


def test_new_data_begin_a_new_training(filled, base, launched, tmp_path):
    first = workflow.start(filled, _spec(base))
    path = tmp_path / "more.jsonl"
    path.write_text('{"question": "What is 1 - 1?", "answer": "It is 0."}\n', encoding="utf-8")
    import_file(filled, ImportSpec(path=str(path), domain="math"))
    assert workflow.start(filled, _spec(base)).run_id != first.run_id


def test_a_training_that_is_going_is_not_started_twice(filled, base, launched):
    run = workflow.start(filled, _spec(base))
    with run.hold_lock():
        run.write_progress(Progress(state="running"))
        with pytest.raises(RunError, match=f"is being trained by run {run.run_id}"):
            workflow.start(filled, _spec(base))


def test_a_taken_name_is_refused(filled, base, launched):
    assert work(workflow.start(filled, _spec(base))) == 0
    with pytest.raises(RequestError, match="a reference 'ref' already exists"):
        workflow.start(filled, _spec(base))
    assert len(list_runs(filled.runs_dir)) == 1


@pytest.mark.parametrize("name", ["", "../out", "a/b", ".hidden", "-x", "a b", "x" * 101])
def test_names_that_are_no_folder_are_refused(filled, base, launched, name):
    with pytest.raises(RequestError, match="cannot be the name of a reference"):
        workflow.start(filled, _spec(base, name=name))
    assert not launched


def test_unknown_data_and_no_data_are_refused(filled, project, base, launched, tmp_path):
    with pytest.raises(RequestError, match="there is no dataset poems"):
        workflow.start(filled, _spec(base, datasets=("poems",)))
    empty = Project.create(tmp_path / "empty")
    with pytest.raises(RequestError, match="nothing is imported yet"):
        workflow.start(empty, _spec(base))
    assert not launched


def test_a_relative_base_is_found_from_anywhere(filled, base, launched, monkeypatch):
    monkeypatch.chdir(base.parent)
    spec = dataclasses.replace(_spec(base), base=ModelSpec("base"))
    assert workflow.start(filled, spec).spec.reference.base.path == str(base)


def test_the_workers_error_comes_out_in_its_own_words(filled, base, launched, monkeypatch):
    monkeypatch.setattr(workflow, "launch", work)
    with pytest.raises(RunError, match=r"4096 tokens are more than the model's limit of 512") as caught:
        workflow.train_reference(filled, _spec(base, render=RenderSpec("plain", max_tokens=4096)))
    assert caught.value.do == "Use --max-tokens 512 or less."


def test_a_stopped_training_says_how_to_go_on(filled, base, monkeypatch):
    def stop(run: RunFolder) -> None:
        (run.path / "checkpoints" / "fold-0" / "checkpoint-3").mkdir(parents=True)
        run.write_progress(Progress(state="cancelled"))

    monkeypatch.setattr(workflow, "launch", stop)
    with pytest.raises(RunError, match="was cancelled") as caught:
        workflow.train_reference(filled, _spec(base))
    assert caught.value.do == "The same command resumes from the last checkpoint."
