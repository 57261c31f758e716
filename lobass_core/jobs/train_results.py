"""What trainings say when they are done; fields that older runs did not write have a default."""

from dataclasses import dataclass

from lobass_core.jobs.run_specs import TrainBaseRun


@dataclass(frozen=True, slots=True)
class EpochLoss:
    """The loss on held-out samples after an epoch, in nats per response token; None where none are held out."""

    epoch: float
    held_out_loss: float | None


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """One model of a reference: `epoch` is the one that was kept, the one with the lowest held-out loss."""

    seed: int
    fold: int | None
    epoch: float
    epochs: tuple[EpochLoss, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainReferenceResult:
    """The reference that a run trained; losses in nats per response token of unseen samples, means over its models."""

    name: str
    path: str
    method: str
    folds: int
    learning_rate: float
    template: str
    max_tokens: int
    device: str
    n_samples: int
    n_samples_without_response: int
    n_steps: int
    held_out_loss_before: float | None
    held_out_loss_after: float | None
    seconds: float
    warnings: tuple[str, ...] = ()
    seeds: int = 1
    models: tuple[TrainedModel, ...] = ()

    @property
    def epoch_words(self) -> str:
        """Which epoch was kept, and why; empty where there was only one to keep."""
        if not any(len(model.epochs) > 1 for model in self.models):
            return ""
        epochs, first = [f"{model.epoch:g}" for model in self.models], self.models[0]
        kept = f"{epochs[0]} of each model" if len(epochs) > 1 and len(set(epochs)) == 1 else ", ".join(epochs)
        if all(one.held_out_loss is None for one in first.epochs):
            return f"{kept}, the last: no samples are held out"
        losses = ", ".join("none" if one.held_out_loss is None else f"{one.held_out_loss:.3f}" for one in first.epochs)
        return f"{kept}: lowest held-out loss" + (f" of {losses}" if len(self.models) == 1 else "")


@dataclass(frozen=True, slots=True)
class StepLoss:
    """The training loss of one step, in nats per token."""

    step: int
    loss: float


@dataclass(frozen=True, slots=True)
class TrainBaseResult:
    """The base that a run trained."""

    path: str
    final_loss: float | None
    kind: str
    settings: TrainBaseRun
    n_texts: int
    n_tokens_shown: int
    n_steps: int
    n_parameters: int
    losses: tuple[StepLoss, ...]
    seconds: float
