"""lobass train-reference"""

from dataclasses import asdict
from typing import Annotated

import typer

from lobass_core.cli.costs import print_cost, say_cost
from lobass_core.cli.follow import followed
from lobass_core.cli.number_option import count, number
from lobass_core.cli.opening import open_project
from lobass_core.cli.options import (
    BASE_HELP,
    DEFAULT_PROJECT,
    DatasetsOption,
    DeviceOption,
    JsonOption,
    MaskOption,
    MaxTokensOption,
    ProjectOption,
    RevisionOption,
    TemplateOption,
    TrustOption,
    names,
)
from lobass_core.cli.output import print_facts, print_json, warn
from lobass_core.jobs.run_results import TrainReferenceResult
from lobass_core.specs import ModelSpec, RenderSpec, TrainReferenceSpec
from lobass_core.words.loss_words import NATS, OF_TOKENS
from lobass_core.workflows import train_reference as workflow
from lobass_core.workflows.costs import Cost, cost_of_training
from lobass_core.workflows.model_paths import why_no_model

BaseOption = Annotated[str, typer.Option("--base", help=BASE_HELP)]
NameOption = Annotated[str, typer.Option("--name", help="Name of the reference.")]
MethodOption = Annotated[str, typer.Option("--method", help="full or lora.")]
FoldsOption = Annotated[
    int,
    typer.Option(
        "--folds",
        parser=count("--folds"),
        help="Train K models; each sample is scored by the model that was not trained on it. 2: half-pools.",
    ),
]
EpochsOption = Annotated[
    float,
    typer.Option(
        "--epochs",
        parser=number("--epochs"),
        help="Passes over the data; of several, the epoch with the lowest held-out loss is kept.",
    ),
]
KeepEpochsOption = Annotated[
    bool, typer.Option("--keep-epochs", help="Keep every epoch, each as a loss column of its own.")
]
LearningRateOption = Annotated[
    float,
    typer.Option("--lr", parser=number("--lr"), help="Peak learning rate; 0 sets it by method and model size."),
]
SeedOption = Annotated[
    int, typer.Option("--seed", parser=count("--seed"), help="Seed for the order, the folds and the LoRA weights.")
]
SeedsOption = Annotated[
    int,
    typer.Option(
        "--seeds",
        parser=count("--seeds"),
        help="Train this many references, from --seed upwards; the reference loss is their mean.",
    ),
]
TargetOption = Annotated[
    str,
    typer.Option(
        "--target",
        help="Train on a target set, a dataset or a file, instead of the data; for lobass score --target.",
    ),
]
LoraRankOption = Annotated[
    int, typer.Option("--lora-rank", parser=count("--lora-rank", least=1), help="Rank of the LoRA matrices.")
]
BatchTokensOption = Annotated[
    int, typer.Option("--batch-tokens", parser=count("--batch-tokens", least=1), help="Tokens per optimiser step.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what the training costs; train nothing.")]


def register(app: typer.Typer) -> None:
    """Add `lobass train-reference`."""
    app.command("train-reference")(train_reference)


def train_reference(
    base: BaseOption,
    project: ProjectOption = DEFAULT_PROJECT,
    name: NameOption = "reference",
    datasets: DatasetsOption = "",
    method: MethodOption = "full",
    folds: FoldsOption = 1,
    epochs: EpochsOption = 1.0,
    keep_epochs: KeepEpochsOption = False,
    learning_rate: LearningRateOption = 0.0,
    seed: SeedOption = 0,
    seeds: SeedsOption = 1,
    target: TargetOption = "",
    template: TemplateOption = "",
    max_tokens: MaxTokensOption = 0,
    mask: MaskOption = "all",
    device: DeviceOption = "auto",
    lora_rank: LoraRankOption = 16,
    batch_tokens: BatchTokensOption = 4096,
    revision: RevisionOption = "",
    trust_remote_code: TrustOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Fine-tune the base model into a reference. A stopped run of the same name resumes from its checkpoint."""
    spec = TrainReferenceSpec(
        base=ModelSpec(base, revision=revision, trust_remote_code=trust_remote_code),
        name=name,
        datasets=names(datasets),
        method=method,  # type: ignore[arg-type]
        folds=folds,
        epochs=epochs,
        learning_rate=learning_rate,
        seed=seed,
        render=RenderSpec(template, mask, max_tokens),  # type: ignore[arg-type]
        device=device,
        batch_tokens=batch_tokens,
        lora_rank=lora_rank,
        seeds=seeds,
        keep_epochs=keep_epochs,
        target=target,
    )
    if error := why_no_model(spec.base):
        raise error
    opened = open_project(project)
    workflow.new_folder(opened, name)
    cost = cost_of_training(opened, spec)
    if dry_run:
        print_cost(cost, json=json)
        return
    opened.require_writable()
    say_cost(cost)
    with followed() as on_progress:
        result = workflow.train_reference(opened, spec, on_progress)
    _show(result, name, cost, json)


def _show(result: TrainReferenceResult, name: str, cost: Cost, json: bool) -> None:
    if json:
        print_json({**asdict(result), "cost": cost.to_dict()})
        return
    for warning in result.warnings:
        warn(warning)
    print_facts(
        f"Trained reference {name}",
        [
            ("folder", result.path),
            ("method", result.method),
            ("folds", result.folds),
            ("seeds", result.seeds),
            ("learning rate", result.learning_rate),
            ("template", result.template),
            ("limit per sample, tokens", result.max_tokens),
            ("device", result.device),
            ("samples", result.n_samples),
            ("samples without a response", result.n_samples_without_response),
            ("optimiser steps", result.n_steps),
            *([("epoch kept", result.epoch_words)] if result.epoch_words else []),
            (f"held-out loss before, {NATS}, {OF_TOKENS}", result.held_out_loss_before),
            (f"held-out loss after, {NATS}, {OF_TOKENS}", result.held_out_loss_after),
            ("seconds", result.seconds),
        ],
    )
