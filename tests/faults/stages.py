"""What a person does with a project, each with the state that it begins in."""

from dataclasses import dataclass

from tests.faults.processes import Task, lobass

STATUS = lobass("status --project {folder}/project")


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing to disturb.

    `state` is a function of `prepared.py`. `task` is disturbed, `status` is asked, then the same task must succeed,
    or say `done_already` where the disturbed one had done its work.
    """

    name: str
    state: str
    task: Task
    done_already: str = ""


# The workers first: the process that all are forked from imports torch for them alone.
STAGES = (
    Stage("train-reference", "asked_to_train", Task("worker", ("{folder}/project/runs/r-0001",))),
    Stage("score", "asked_to_score", Task("worker", ("{folder}/project/runs/r-0001",))),
    Stage("validate", "asked_to_validate", Task("worker", ("{folder}/project/runs/r-0002",))),
    Stage(
        "import",
        "empty",
        lobass("import {folder}/../files/rows.jsonl --domain-column topic --project {folder}/project"),
        done_already="already",
    ),
    Stage(
        "update",
        "selected",
        lobass("import {folder}/../files/newer/rows.jsonl --update rows --yes --project {folder}/project"),
    ),
    Stage(
        "import-scores",
        "scored",
        lobass("import-scores {folder}/../files/quality.jsonl --name quality --key row --project {folder}/project"),
        done_already="already exists",
    ),
    Stage("ingest", "finished", STATUS),
    Stage(
        "select",
        "scored",
        lobass("select --ratio 0.3 --name chosen --project {folder}/project"),
        done_already="already",
    ),
    Stage("decide", "scored", lobass("decide drop --where domain=math --yes --project {folder}/project")),
    Stage(
        "export",
        "selected",
        lobass("export --selection best --format messages --no-check --to {folder}/export --project {folder}/project"),
    ),
    Stage(
        "set-domain",
        "scored",
        lobass("set-domain rows --domain other --project {folder}/project"),
        done_already="would get a new domain",
    ),
    Stage("migration", "old", STATUS),
)
BY_NAME = {stage.name: stage for stage in STAGES}
