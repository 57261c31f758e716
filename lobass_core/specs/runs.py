"""The settings of runs that score samples or train a reference: models, rendering, and how much at a time."""

from dataclasses import asdict, dataclass
from typing import Literal

from lobass_core.errors import RequestError
from lobass_core.specs.base import Spec, check_choice
from lobass_core.specs.checks import MOST_SEED, check_path, check_recipe, check_whole

MaskRule = Literal["all", "last"]
TrainMethod = Literal["full", "lora"]

# Each costs a training and a pass of scoring; the standard error of 20 is a quarter of that of one.
MOST_SEEDS = 20


@dataclass(frozen=True, slots=True)
class RenderSpec(Spec):
    """How a sample becomes tokens. `template` empty: the tokenizer's own chat template, else `alpaca`.

    A template is a built-in name (alpaca, chatml, plain) or the path of a Jinja file. `max_tokens` 0: 2048 or the
    model's own limit, whichever is less.
    """

    template: str = ""
    mask_rule: MaskRule = "all"
    max_tokens: int = 0

    def __post_init__(self) -> None:
        check_choice("mask rule", self.mask_rule, MaskRule)
        if self.max_tokens < 0 or self.max_tokens == 1:
            raise RequestError(f"max_tokens {self.max_tokens} leaves no room for a response", do="Use 2 or more.")
        check_whole("max_tokens", self.max_tokens)
        check_path("template", self.template)


@dataclass(frozen=True, slots=True)
class ModelSpec(Spec):
    """A model as the user names it: folder, .gguf file or hub id, and an optional PEFT adapter on top of it.

    `revision` and `adapter_revision` are a branch, tag or commit of a hub id; empty: its main branch.
    """

    path: str
    adapter: str = ""
    revision: str = ""
    trust_remote_code: bool = False
    adapter_revision: str = ""

    def __post_init__(self) -> None:
        check_path("model's path", self.path)
        check_path("adapter's path", self.adapter)


@dataclass(frozen=True, slots=True)
class NamedReference(Spec):
    """A loss column beside base and reference (loss_columns.py says which there are): one model, or one a fold.

    `title` is what a person calls it; `fold_assignment` as in a `ScoreSpec`.
    """

    name: str
    models: tuple[ModelSpec, ...]
    title: str = ""
    fold_assignment: str = ""


@dataclass(frozen=True, slots=True)
class ScoreSpec(Spec):
    """Score every sample in scope under the base and under each model of the reference.

    `references` has one model, or one a fold. `fold_assignment` is a Parquet file (sample_id, fold) for K folds;
    a sample it does not name belongs to fold `int(sample_id[:8], 16) % K`. `refines` names the run of a scoring in a
    coarser dtype, in which these losses stand in for those of the same samples.

    `others` are further loss columns. Where some are called reference@seed-N, the reference loss is their mean, and
    `references` has the models of the first of them.
    """

    base: ModelSpec
    references: tuple[ModelSpec, ...]
    reference_name: str = ""
    fold_assignment: str = ""
    render: RenderSpec = RenderSpec()
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    device: str = "auto"
    batch_tokens: int = 0
    datasets: tuple[str, ...] = ()
    refines: str = ""
    others: tuple[NamedReference, ...] = ()

    @property
    def models(self) -> tuple[ModelSpec, ...]:
        """Every model that is asked for; one that is asked for twice is in it twice."""
        return (self.base, *self.references, *(model for one in self.others for model in one.models))

    @property
    def fold_assignments(self) -> tuple[str, ...]:
        """Every file of folds."""
        return tuple(path for path in (self.fold_assignment, *(one.fold_assignment for one in self.others)) if path)

    def __post_init__(self) -> None:
        if self.dtype not in ("auto", "float32", "bfloat16"):
            raise RequestError(f"unknown dtype {self.dtype!r}", do="Use auto, float32 or bfloat16.")
        if not self.references:
            raise RequestError("no reference model given", do="Use --reference PATH, HUB_ID or NAME.")
        check_whole("token budget per batch", self.batch_tokens)


@dataclass(frozen=True, slots=True)
class TrainReferenceSpec(Spec):
    """Fine-tune the base on chosen datasets into a reference of one or K fold models.

    `seeds` references are trained, with `seed` and the next ones, which also decide the order of the samples. Of
    several epochs the one with the lowest held-out loss is kept; with `keep_epochs` the others are too. `target` is a
    dataset or a file to train on in place of the data: the reference is what the base should become.
    """

    base: ModelSpec
    name: str
    datasets: tuple[str, ...] = ()
    method: TrainMethod = "full"
    folds: int = 1
    epochs: float = 1.0
    learning_rate: float = 0.0
    seed: int = 0
    render: RenderSpec = RenderSpec()
    device: str = "auto"
    batch_tokens: int = 4096
    held_out_share: float = 0.02
    lora_rank: int = 16
    seeds: int = 1
    keep_epochs: bool = False
    target: str = ""

    @property
    def each_seed(self) -> range:
        """The seeds of the references to train, in order."""
        return range(self.seed, self.seed + self.seeds)

    def __post_init__(self) -> None:
        check_choice("method", self.method, TrainMethod)
        check_whole("number of seeds", self.seeds, 1, MOST_SEEDS)
        if self.target and self.datasets:
            raise RequestError(
                "a reference is trained on a target or on datasets, not on both",
                do="Leave out --datasets or --target.",
            )
        if self.folds < 1:
            raise RequestError(
                f"{self.folds} folds cannot be trained", do="Use --folds 1 (the paper's recipe) or more."
            )
        check_recipe(self.epochs, self.learning_rate, self.batch_tokens, self.lora_rank)
        check_whole("number of folds", self.folds, 1)
        check_whole("seed", self.seed, 0, MOST_SEED)


@dataclass(frozen=True, slots=True)
class SmallBaseSizes:
    """Shape of the small Llama; with these values it has 1.3 million parameters."""

    vocab_size: int = 2048
    hidden_size: int = 128
    intermediate_size: int = 352
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    num_key_value_heads: int = 4
    max_position_embeddings: int = 512

    def to_dict(self) -> dict:
        return asdict(self)
