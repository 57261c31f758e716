"""lobass validate"""

from pathlib import Path
from typing import Annotated

import typer

from lobass_core.cli.follow import followed
from lobass_core.cli.number_option import count, number
from lobass_core.cli.opening import open_project
from lobass_core.cli.options import (
    DEFAULT_PROJECT,
    DatasetsOption,
    DeviceOption,
    JsonOption,
    ProjectOption,
    RunOption,
    names,
)
from lobass_core.cli.output import print_facts, print_json, print_table, stderr, stdout
from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.specs import DEFAULT_ARMS, ValidateSpec
from lobass_core.validation.arms import ARMS
from lobass_core.validation.report import answer_sentence, label_of, sentence
from lobass_core.words.plural import plural
from lobass_core.words.typed_numbers import NotANumber
from lobass_core.words.typed_shares import read_share
from lobass_core.workflows import validate as workflow
from lobass_core.workflows import validate_report
from lobass_core.workflows.outputs import noted
from lobass_core.workflows.validate_plan import ValidatePlan
from lobass_core.workflows.validate_report import Outcome

LATEST = "latest"

ArmsOption = Annotated[
    str,
    typer.Option(
        "--arms",
        help=f"Arms to train, separated by commas: {', '.join(ARMS)}, measure:NAME.",
        show_default=",".join(DEFAULT_ARMS),
    ),
]
SelectionsOption = Annotated[
    str, typer.Option("--selections", help="Saved selections to train as well, separated by commas.")
]
BudgetsOption = Annotated[str, typer.Option("--budgets", help="Shares of the pool, separated by commas: 6%,16.7%.")]
DrawsOption = Annotated[int, typer.Option("--draws", parser=count("--draws", least=2), help="Draws per random arm.")]
SeedsOption = Annotated[
    int,
    typer.Option("--seeds", parser=count("--seeds", least=1), help="Trainings per arm, each with a different seed."),
]
EpochsOption = Annotated[float, typer.Option("--epochs", parser=number("--epochs"), help="Passes over an arm's rows.")]
EqualOption = Annotated[
    str, typer.Option("--equal", help="What is equal for all arms: epochs over their own rows, or steps.")
]
MethodOption = Annotated[str, typer.Option("--method", help="full or lora.")]
LearningRateOption = Annotated[
    float,
    typer.Option("--lr", parser=number("--lr"), help="Peak learning rate; 0 sets it by method and model size."),
]
LoraRankOption = Annotated[
    int, typer.Option("--lora-rank", parser=count("--lora-rank", least=1), help="Rank of the LoRA matrices.")
]
BatchTokensOption = Annotated[
    int, typer.Option("--batch-tokens", parser=count("--batch-tokens", least=1), help="Tokens per optimiser step.")
]
HeldOutOption = Annotated[
    int,
    typer.Option(
        "--held-out",
        parser=count("--held-out", least=2),
        help="Rows of each domain to hold out from training and measure all arms on.",
    ),
]
EvaluateOption = Annotated[
    str, typer.Option("--evaluate", help="Files to also measure on, separated by commas; each is a separate set.")
]
AnswersOption = Annotated[
    int,
    typer.Option(
        "--answers",
        parser=count("--answers", least=0),
        help="Also let each arm answer up to so many held-out rows per set, and count exact matches of the final "
        "answer (#### or \\boxed{}). Only sets of which the base gets some right are counted.",
    ),
]
SeedOption = Annotated[
    int, typer.Option("--seed", parser=count("--seed", least=0), help="Seed for drawing the held-out rows.")
]
PlanOption = Annotated[
    bool, typer.Option("--plan", help="Show what would be trained and what it costs; train nothing.")
]
ResumeOption = Annotated[
    str | None, typer.Option("--resume", help="Resume this stopped run; finished arms are not trained again.")
]
ReportOption = Annotated[
    str | None,
    typer.Option("--report", help="Report the results of this run's finished arms, or of `latest`; train nothing."),
]
ToOption = Annotated[
    Path | None,
    typer.Option("--to", help="With --report: also write report.md, report.json and report.svg into this folder."),
]


def register(app: typer.Typer) -> None:
    """Add `lobass validate`."""
    app.command("validate")(validate)


def validate(
    project: ProjectOption = DEFAULT_PROJECT,
    run: RunOption = None,
    arms: ArmsOption = "",
    selections: SelectionsOption = "",
    budgets: BudgetsOption = "0.167",
    draws: DrawsOption = 5,
    seeds: SeedsOption = 1,
    epochs: EpochsOption = 1,
    equal: EqualOption = "epochs",
    method: MethodOption = "lora",
    learning_rate: LearningRateOption = 0.0,
    lora_rank: LoraRankOption = 16,
    batch_tokens: BatchTokensOption = 1024,
    held_out: HeldOutOption = 100,
    evaluate: EvaluateOption = "",
    answers: AnswersOption = 0,
    seed: SeedOption = 0,
    datasets: DatasetsOption = "",
    device: DeviceOption = "auto",
    plan: PlanOption = False,
    resume: ResumeOption = None,
    report: ReportOption = None,
    to: ToOption = None,
    json: JsonOption = False,
) -> None:
    """Train the base on selections and on random draws, and compare them on held-out rows."""
    opened = open_project(project)
    mode = "--report" if report is not None else "--resume" if resume is not None else ""
    if mode and plan:
        raise RequestError(f"{mode} cannot be combined with --plan", do="Remove --plan.")
    if report is not None and resume is not None:
        raise RequestError("--report cannot be combined with --resume", do="Resume the run first.")
    if outcome := _earlier(opened, report, resume, to):
        _print_outcome(outcome, json)
        return
    spec = ValidateSpec(
        arms=names(arms) or DEFAULT_ARMS,
        selections=names(selections),
        budgets=_shares(budgets),
        draws=draws,
        seeds=seeds,
        epochs=epochs,
        equal=equal,  # type: ignore[arg-type]
        method=method,  # type: ignore[arg-type]
        learning_rate=learning_rate,
        lora_rank=lora_rank,
        batch_tokens=batch_tokens,
        device=device,
        held_out=held_out,
        answers=answers,
        seed=seed,
        datasets=names(datasets),
        evaluate=tuple(str(Path(path).expanduser().resolve()) for path in names(evaluate)),
    )
    experiment = workflow.plan(opened, spec, run)
    if plan and json:
        print_json(experiment.plan.to_dict())
        return
    stderr.print(experiment.plan.cost(), markup=False)
    for note in experiment.plan.notes:
        stderr.print(note, markup=False)
    if plan:
        _print_plan(experiment.plan)
        return
    with followed() as on_progress:
        outcome = workflow.validate(opened, experiment, on_progress)
    _print_outcome(outcome, json)


def _earlier(opened: Project, report: str | None, resume: str | None, to: Path | None) -> Outcome | None:
    """What an earlier run has to report, now or once it is resumed; None for a new experiment."""
    if report is not None:
        reported = validate_report.report(opened, None if report == LATEST else report)
        if to is not None:
            folder = to.expanduser()
            with noted(opened, *(folder / f"report.{ending}" for ending in ("md", "json", "svg"))):
                reported.write(folder, "report")
        return reported
    if to is not None:
        raise RequestError("--to names a folder for the report of a run", do="Use it with --report RUN.")
    if resume is None:
        return None
    resumed = workflow.resume(opened, resume)
    with followed() as on_progress:
        return workflow.follow_and_report(opened, resumed, on_progress)


def _shares(text: str) -> tuple[float, ...]:
    try:
        return tuple(read_share(part) for part in names(text))
    except NotANumber as error:
        raise RequestError(f"--budgets: {error}", do="Use shares of the rows: --budgets 0.06,0.167.") from None


def _print_plan(plan: ValidatePlan) -> None:
    print_facts(
        "Experiment",
        [
            ("rows to choose from", plan.n_pool),
            *((f"held-out rows: {name}", n_rows) for name, n_rows in plan.sets),
            ("trainings", plan.n_trainings - plan.n_kept),
            ("kept from earlier runs", plan.n_kept),
            ("steps", plan.n_steps),
            ("tokens trained on", plan.n_tokens),
            ("tokens measured", plan.n_measured_tokens),
            *([("answers per arm", plan.n_answers)] if plan.n_answers else []),
        ],
    )
    print_table(
        ("arm", "budget", "trainings", "kept", "rows", "steps"),
        [
            (label_of(one.arm), one.budget_words, one.n_trainings, one.n_kept, one.n_rows, one.n_steps)
            for one in plan.arms
        ],
    )


def _print_outcome(outcome: Outcome, as_json: bool) -> None:
    if as_json:
        print_json(outcome.to_dict())
        return
    for claim in outcome.judged.claims:
        stdout.print(sentence(claim), markup=False)
    for answers in outcome.judged.answers:
        stdout.print(answer_sentence(answers), markup=False)
    if outcome.n_missing:
        stderr.print(f"{plural(outcome.n_missing, 'arm')} not finished yet.", markup=False)
    if outcome.is_written:
        name = outcome.run_id
        stderr.print(f"Report: {outcome.folder / name}.md, {name}.json and {name}.svg", markup=False)
