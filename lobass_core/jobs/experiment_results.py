"""Results of experiments: trained arms, and rows scored with the answers of others."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainedArm:
    """One arm of an experiment: its place among the planned ones, and the key under which its losses are kept."""

    number: int
    key: str
    was_kept: bool = False


@dataclass(frozen=True, slots=True)
class ValidateResult:
    """What an experiment trained; `tokens_per_second` of the trainings, None where every arm was kept before."""

    arms: tuple[TrainedArm, ...]
    rows: str
    n_trained: int
    n_kept: int
    device: str
    tokens_per_second: float | None
    seconds: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlantedRow:
    """A row with the answer of another one: losses are means in nats per response token, None where there is none."""

    sample_id: str
    donor_id: str
    domain: str
    n_tokens: int
    base_loss: float | None
    reference_loss: float | None


@dataclass(frozen=True, slots=True)
class PlantedResult:
    """The losses of rows with swapped responses."""

    rows: tuple[PlantedRow, ...]
    device: str
    seconds: float
    warnings: tuple[str, ...] = ()
