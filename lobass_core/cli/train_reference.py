"""lobass train-reference"""

from dataclasses import asdict
from typing import Annotated

import typer

from lobass_core.cli.follow import followed
from lobass_core.cli.number_option import number
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
from lobass_core.workflows.model_paths import why_no_model


def register(app: typer.Typer) -> None:
    """Add `lobass train-reference`."""
    app.command("train-reference")(train_reference)


def train_reference(
    base: Annotated[str, typer.Option("--base", help=BASE_HELP)],
    project: ProjectOption = DEFAULT_PROJECT,
    name: Annotated[str, typer.Option("--name", help="Name of the reference.")] = "reference",
    datasets: DatasetsOption = "",
    method: Annotated[str, typer.Option("--method", help="full or lora.")] = "full",
    folds: Annotated[
        int,
        typer.Option("--folds", help="Train K models; each sample is scored by the model that was not trained on it."),
    ] = 1,
    epochs: Annotated[float, typer.Option("--epochs", parser=number("--epochs"), help="Passes over the data.")] = 1.0,
    learning_rate: Annotated[
        float,
        typer.Option("--lr", parser=number("--lr"), help="Peak learning rate; 0 sets it by method and model size."),
    ] = 0.0,
    seed: Annotated[int, typer.Option("--seed", help="Seed for the order, the folds and the LoRA weights.")] = 0,
    template: TemplateOption = "",
    max_tokens: MaxTokensOption = 0,
    mask: MaskOption = "all",
    device: DeviceOption = "auto",
    lora_rank: Annotated[int, typer.Option("--lora-rank", min=1, help="Rank of the LoRA matrices.")] = 16,
    batch_tokens: Annotated[int, typer.Option("--batch-tokens", min=1, help="Tokens per optimiser step.")] = 4096,
    revision: RevisionOption = "",
    trust_remote_code: TrustOption = False,
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
    )
    if error := why_no_model(spec.base):
        raise error
    with followed() as on_progress:
        result = workflow.train_reference(open_project(project), spec, on_progress)
    _show(result, name, json)


def _show(result: TrainReferenceResult, name: str, json: bool) -> None:
    if json:
        print_json(asdict(result))
        return
    for warning in result.warnings:
        warn(warning)
    print_facts(
        f"Trained reference {name}",
        [
            ("folder", result.path),
            ("method", result.method),
            ("folds", result.folds),
            ("learning rate", result.learning_rate),
            ("template", result.template),
            ("longest sample, tokens", result.max_tokens),
            ("device", result.device),
            ("samples", result.n_samples),
            ("samples without a response", result.n_samples_without_response),
            ("optimiser steps", result.n_steps),
            (f"held-out loss before, {NATS}, {OF_TOKENS}", result.held_out_loss_before),
            (f"held-out loss after, {NATS}, {OF_TOKENS}", result.held_out_loss_after),
            ("seconds", result.seconds),
        ],
    )
