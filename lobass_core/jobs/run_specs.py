"""What runs are asked to do, one dataclass a kind; scoring and its preflight are asked by a `ScoreSpec`."""

from dataclasses import dataclass
from pathlib import Path

from lobass_core.specs import ModelSpec, RenderSpec, ScoreSpec, SmallBaseSizes, TrainReferenceSpec, ValidateSpec


@dataclass(frozen=True, slots=True)
class RenderRun:
    """Render a few samples with a model's tokenizer."""

    tokenizer: ModelSpec
    render: RenderSpec = RenderSpec()


@dataclass(frozen=True, slots=True)
class TrainedDataset:
    """A dataset, or a file of a target, that a reference is trained on, as its recipe names it."""

    name: str
    path: str
    sha256: str
    n_rows: int
    n_rejected: int = 0


@dataclass(frozen=True, slots=True)
class TrainReferenceRun:
    """Train a reference into `output_dir`; `checkpoint_seconds` None is the program's own interval."""

    reference: TrainReferenceSpec
    output_dir: str
    data: tuple[TrainedDataset, ...] = ()
    checkpoint_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class TrainBaseRun:
    """Train a small base from nothing on `texts`, a Parquet file of (prompt, response)."""

    texts: str
    output_dir: str
    name: str = ""
    sizes: SmallBaseSizes = SmallBaseSizes()
    seed: int = 0
    epochs: float = 1.0
    learning_rate: float = 4e-3
    batch_tokens: int = 1024


@dataclass(frozen=True, slots=True)
class CheckExportRun:
    """Compare the rows in `folder`, written as `format`, with the tokens that the runs in `runs_dir` kept of them.

    The run's input names file, sample and whether it was cut, a row each. `tokenizer_fp` is what the tokenizer was.
    """

    folder: str
    format: str
    tokenizer: ModelSpec
    tokenizer_fp: str
    chat_template: str
    mask_rule: str
    render_fp: str
    runs_dir: str


@dataclass(frozen=True, slots=True)
class PlantedRun:
    """Score rows with swapped responses under the models of a scoring, whose run is `scoring`, for a self-test.

    pairs.parquet in its folder says whose answers they are. `render_fp` and `models` are the fingerprints of the
    scoring: with other tokens or weights the rows could not be compared with those that it scored.
    """

    scored: ScoreSpec
    scoring: str
    render_fp: str
    models: tuple[str, ...]
    seed: int = 0


@dataclass(frozen=True, slots=True)
class PlannedArm:
    """One training of an experiment; `rows` names its rows in arms.parquet, `like` those whose steps it takes.

    `is_drawn`: another draw of the arm would hold other rows.
    """

    arm: str
    budget: float
    draw: int
    seed: int
    rows: str
    n_rows: int
    like: str = ""
    is_drawn: bool = False


@dataclass(frozen=True, slots=True)
class ValidateRun:
    """Train the planned arms of an experiment and measure each, in their order.

    `scoring` is the run whose losses chose the rows, of the base with the fingerprint `base_weights` under `render_fp`.
    Finished arms are kept in `cache_dir`, whichever run trained them. `answered_on` names the held-out rows that the
    arms answer themselves, empty for none.
    """

    settings: ValidateSpec
    scoring: str
    base: ModelSpec
    base_weights: str
    render: RenderSpec
    render_fp: str
    cache_dir: str
    planned: tuple[PlannedArm, ...]
    set_names: tuple[str, ...] = ()
    answered_on: str = ""


RunSpec = ScoreSpec | RenderRun | TrainReferenceRun | TrainBaseRun | CheckExportRun | ValidateRun | PlantedRun


def model_names(spec: RunSpec) -> tuple[str, str]:
    """Base and reference of a run as a table names them; empty where it has none."""
    match spec:
        case ScoreSpec():
            first = spec.references[0]
            return Path(spec.base.path).name, spec.reference_name or Path(first.adapter or first.path).name
        case PlantedRun():
            return model_names(spec.scored)
        case TrainReferenceRun():
            return Path(spec.reference.base.path).name, spec.reference.name
        case TrainBaseRun():
            return "", spec.name or Path(spec.output_dir).name
        case ValidateRun():
            return Path(spec.base.path).name, ""
        case _:
            return "", ""


def nested_reference(values: dict) -> dict:
    """The spec of a training run of version 1, whose settings and output lay side by side, as this version has it."""
    own = {key: values[key] for key in ("output_dir", "data", "checkpoint_seconds") if key in values}
    return {**own, "reference": {key: value for key, value in values.items() if key not in own}}
