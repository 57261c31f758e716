"""What runs say when they are done, one dataclass a kind; fields that older runs did not write have a default."""

from dataclasses import dataclass

# The results of trainings stand in a file of their own, and are had from here like the others.
from lobass_core.jobs.experiment_results import PlantedResult, ValidateResult
from lobass_core.jobs.train_results import EpochLoss as EpochLoss
from lobass_core.jobs.train_results import StepLoss as StepLoss
from lobass_core.jobs.train_results import TrainBaseResult as TrainBaseResult
from lobass_core.jobs.train_results import TrainedModel as TrainedModel
from lobass_core.jobs.train_results import TrainReferenceResult as TrainReferenceResult
from lobass_core.records import BASE, REFERENCE
from lobass_core.words.loss_columns import is_member


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model's fingerprint is made of."""

    weights: str = ""
    tokenizer: str = ""
    dtype: str = ""
    adapter: str = ""
    model_type: str = ""
    vocabulary_size: int | None = None
    revision: str = ""


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """A model of a scoring run; `fold` None unless it is one of K fold models."""

    model_fp: str
    name: str
    path: str = ""
    adapter: str = ""
    part: str = ""
    fold: int | None = None
    info: ModelInfo = ModelInfo()


@dataclass(frozen=True, slots=True)
class LossColumn:
    """One loss a sample: of one model, or of one a fold, under one rendering.

    `models_fp` is the model's own fingerprint, or one over those of the folds.
    """

    name: str
    model_name: str
    models_fp: str
    render_fp: str


@dataclass(frozen=True, slots=True)
class ScoredColumn:
    """A loss column and what scored it: one model, or one a fold."""

    name: str
    model_name: str
    models_fp: str
    models: tuple[ScoredModel, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A sample that cannot be scored, and why."""

    sample_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ScoreRunResult:
    """What a scoring run did. `n_computed`, `n_known` and `n_carried` count losses of all models, the others samples.

    Known losses are in the store under this rendering; carried ones are of earlier runs under another rendering, whose
    tokens and mask are the same. `chat_template` is the text of the template as it goes with an export.

    `others` are the loss columns beside base and reference. Where some of them are members of an ensemble
    (loss_columns.py), the reference is their mean, `references` are the models of the first of them, and `reference_fp`
    is made of all of them.
    """

    render_fp: str
    base: ScoredModel
    references: tuple[ScoredModel, ...]
    reference_fp: str
    reference_name: str = ""
    n_samples: int = 0
    n_computed: int = 0
    n_known: int = 0
    n_carried: int = 0
    n_truncated: int = 0
    n_no_response: int = 0
    n_dropped_response_tokens: int = 0
    refusals: tuple[Refusal, ...] = ()
    template: str = ""
    template_source: str = ""
    template_reason: str = ""
    chat_template: str = ""
    mask_rule: str = ""
    max_tokens: int = 0
    dtype: str = ""
    device: str = ""
    batch_tokens: int = 0
    padding_share: float | None = None
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    others: tuple[ScoredColumn, ...] = ()

    @property
    def is_mean(self) -> bool:
        """Whether the reference loss is the mean of several columns."""
        return any(is_member(column.name) for column in self.others)

    @property
    def columns(self) -> tuple[LossColumn, ...]:
        """The loss columns that the run made."""
        return tuple(
            LossColumn(column.name, column.model_name, column.models_fp, self.render_fp)
            for column in (self._of_base, self._of_reference, *self.others)
        )

    @property
    def scored(self) -> tuple[ScoredColumn, ...]:
        """The loss columns that models scored: all but `reference` where that is a mean."""
        return (self._of_base, *(() if self.is_mean else (self._of_reference,)), *self.others)

    @property
    def _of_base(self) -> ScoredColumn:
        return ScoredColumn(BASE, self.base.name, self.base.model_fp, (self.base,))

    @property
    def _of_reference(self) -> ScoredColumn:
        name = self.reference_name or self.references[0].name
        return ScoredColumn(REFERENCE, name, self.reference_fp, self.references)


@dataclass(frozen=True, slots=True)
class PreviewToken:
    """One token: its characters in the text, and whether it is scored."""

    start: int
    end: int
    id: int
    response: bool


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One rendered sample as a page or a terminal shows it; `reason` says why nothing of it is scored, `notes` what a
    person should know all the same."""

    sample_id: str
    domain: str
    text: str
    tokens: tuple[PreviewToken, ...]
    status: str
    reason: str = ""
    n_dropped_tokens: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RenderResult:
    """A few samples as tokens."""

    template: str
    template_source: str
    template_reason: str
    mask_rule: str
    max_tokens: int
    preview: tuple[PreviewRow, ...]


@dataclass(frozen=True, slots=True)
class ModelForecast(ScoredModel):
    """A model of a scoring to come, with the losses that are known, those to carry over and those to compute."""

    n_known: int = 0
    n_carried: int = 0
    n_to_do: int = 0


@dataclass(frozen=True, slots=True)
class LengthHistogram:
    """Samples by length in tokens before anything is cut; `edges` has one more than `counts`."""

    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DomainChance:
    """Rows of one domain that were scored beforehand, and those where the base is worse than chance."""

    domain: str
    n_rows: int
    n_worse: int


@dataclass(frozen=True, slots=True)
class ChanceCheck:
    """The same over all domains."""

    n_rows: int
    n_worse: int
    domains: tuple[DomainChance, ...] = ()


@dataclass(frozen=True, slots=True)
class PreflightResult:
    """What a scoring run would do; counts are of all samples, estimated where only some were looked at.

    `chance` is None where no model was loaded, `n_unseen` (samples that the reference was not trained on) where that is
    not known, or where there are folds.
    """

    n_samples: int
    n_looked_at: int
    models: tuple[ModelForecast, ...]
    render_fp: str
    template: str
    template_source: str
    template_reason: str
    mask_rule: str
    max_tokens: int
    dtype: str
    device: str
    n_truncated: int
    n_no_response: int
    n_dropped_response_tokens: int
    n_response_tokens: int
    mean_tokens: float
    length_histogram: LengthHistogram
    tokens_per_second: float | None
    forecast_seconds: float
    vocabulary: str
    warnings: tuple[str, ...]
    preview: tuple[PreviewRow, ...]
    chance: ChanceCheck | None = None
    n_unseen: int | None = None

    @property
    def n_to_do(self) -> int:
        """Losses to compute, of all models."""
        return sum(model.n_to_do for model in self.models)


@dataclass(frozen=True, slots=True)
class OtherRow:
    """A row that gives other tokens than were scored: the file, its place in it, and how the two differ."""

    file: str
    row: int
    how: str


@dataclass(frozen=True, slots=True)
class CheckExportResult:
    """What the rows of an export become, beside the tokens that were scored; every row counts once.

    `n_same`: the very tokens. `n_cut`: cut when scored, and compared up to there alone. `n_other_labels`: the same
    tokens, of which others are learnt. `n_trainer`: the row is right, and the trainer renders it in its own way.
    `n_trainer_labels`: the trainer renders it so too, and learns other tokens of it than were scored.
    `n_not_kept`: no run kept its tokens. `n_wrong`: the row itself gives other tokens.
    """

    n_same: int = 0
    n_cut: int = 0
    n_other_labels: int = 0
    n_trainer: int = 0
    n_not_kept: int = 0
    n_wrong: int = 0
    first_trainer: OtherRow | None = None
    first_wrong: OtherRow | None = None
    n_trainer_labels: int = 0
    first_trainer_labels: OtherRow | None = None


RunResult = (
    ScoreRunResult
    | PlantedResult
    | RenderResult
    | PreflightResult
    | TrainReferenceResult
    | TrainBaseResult
    | CheckExportResult
    | ValidateResult
)
