"""The states of a project that faults begin with; each is made in a process of its own, which holds its store alone."""

import json
from pathlib import Path

from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.project import Project
from lobass_core.specs import (
    ImportSpec,
    ModelSpec,
    RenderSpec,
    ScoreSpec,
    SelectionSpec,
    TrainReferenceSpec,
    ValidateSpec,
)
from lobass_core.store.datasets import sample_batches
from lobass_core.workflows import select as selecting
from lobass_core.workflows import validate
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.run_input import write_input
from lobass_core.workflows.runs import new_run
from lobass_core.workflows.score import prepare_run
from tests.pages.projects import add_scores, finished_scores
from tests.scored_files import write_jsonl
from tests.store.old_projects import unpack

N_ROWS = 3000
N_SCORED_BY_A_MODEL = 400
N_TRAINED_ON = 60
# States whose runs name the models of `models`.
NEED_MODELS = ("asked_to_score", "asked_to_score_twice", "asked_to_train", "asked_to_validate")
DOMAINS = ("math", "code", "poems")


def models(folder: Path) -> None:
    """`base` and `ref`: two tiny Llamas of one tokenizer."""
    from tests.models import tiny_llama

    for seed, name in enumerate(("base", "ref")):
        tiny_llama(folder / name, seed=seed, chat_template=None)


def row(number: int) -> dict:
    """A row whose length and topic follow from its number."""
    answer = " ".join(f"{number * word} is a step." for word in range(1 + number % 7))
    return {"prompt": f"Question {number}?", "completion": answer, "topic": DOMAINS[number % 3]}


def files(folder: Path) -> None:
    """`rows.jsonl`, `newer/rows.jsonl` (the same, some changed, gone and new), `more.jsonl`, and `quality.jsonl`."""
    (folder / "newer").mkdir(parents=True)
    write_jsonl(folder / "rows.jsonl", [row(number) for number in range(N_ROWS)])
    changed = [{**row(n), "completion": f"Changed {n}."} if n % 10 == 3 else row(n) for n in range(20, N_ROWS + 50)]
    write_jsonl(folder / "newer" / "rows.jsonl", changed)
    write_jsonl(folder / "more.jsonl", [row(number) for number in range(N_ROWS, N_ROWS + 1000)])
    write_jsonl(folder / "quality.jsonl", [{"row": n, "quality": n * 7 % 11 / 2} for n in range(0, N_ROWS, 2)])


def empty(folder: Path) -> None:
    Project.create(folder / "project")


def imported(folder: Path) -> Project:
    """All rows, domains by their column."""
    return _with_rows(folder, N_ROWS)


def _with_rows(folder: Path, n_rows: int) -> Project:
    project = Project.create(folder / "project")
    path = write_jsonl(folder / "rows.jsonl", [row(number) for number in range(n_rows)])
    import_file(project, ImportSpec(path=str(path), name="rows", domain_column="topic"))
    return project


def scored(folder: Path) -> Project:
    """All rows with losses that were drawn from a seed, as a finished run left them."""
    project = imported(folder)
    add_scores(project)
    return project


def finished(folder: Path) -> None:
    """A run that has ended, and nobody has added its losses."""
    finished_scores(imported(folder))


def selected(folder: Path) -> None:
    """`scored`, and a selection `best` of every second row."""
    selecting.save(scored(folder), "best", SelectionSpec(budget="ratio", value=0.5))


def asked_to_score(folder: Path) -> None:
    """Fewer rows, and a scoring run that no worker has begun."""
    _with_rows(folder, N_SCORED_BY_A_MODEL)
    ask_to_score(folder)


def ask_to_score(folder: Path) -> None:
    """One more run of the same models over all that is imported, as `lobass score` makes it, without its worker."""
    reference = ModelSpec(str(folder.parent / "models" / "ref"))
    spec = ScoreSpec(
        base=ModelSpec(str(folder.parent / "models" / "base")),
        references=(reference,),
        render=RenderSpec("plain"),
        device="cpu",
    )
    _begin_with_one_library(prepare_run(Project.open(folder / "project"), "score", spec).path)


def asked_to_score_twice(folder: Path) -> None:
    """Two such runs over the same rows, neither begun."""
    asked_to_score(folder)
    ask_to_score(folder)


def asked_to_train(folder: Path) -> None:
    """Fewer rows, and a training that no worker has begun; its checkpoints are as near to each other as can be."""
    project = _with_rows(folder, N_TRAINED_ON)
    base = ModelSpec(str(folder.parent / "models" / "base"))
    spec = TrainReferenceSpec(
        base=base, name="tuned", epochs=3, render=RenderSpec("plain"), device="cpu", batch_tokens=128
    )
    asked = TrainReferenceRun(spec, str(project.models_dir / "tuned"), checkpoint_seconds=0.01)
    with project.store() as store:
        batches = sample_batches(store.cursor(), ())
        run = new_run(project, store, "train_reference", asked, lambda new: write_input(new, batches))
    _begin_with_one_library(run.path)


def asked_to_validate(folder: Path) -> None:
    """Rows that are really scored, and an experiment that no worker has begun."""
    from tests.validation.projects import scored_project

    project = scored_project(folder).project
    spec = ValidateSpec(
        arms=("base", "learnability", "random"), budgets=(0.25,), draws=2, held_out=8, batch_tokens=256, device="cpu",
        learning_rate=1e-3,
    )  # fmt: skip
    _begin_with_one_library(validate.prepare_run(project, validate.plan(project, spec)).path)


def old(folder: Path) -> None:
    """A project of version 1."""
    unpack("project-v1", folder)


def _begin_with_one_library(run: Path) -> None:
    """Two runs might find different libraries faster on a busy machine, which differ in the last bits."""
    (run / "products.json").write_text(json.dumps({"version": 2, "library": "onednn"}), encoding="utf-8")
