"""One settings dataclass an action: validated when built, used by page and command line, saved with the result."""

import math
from dataclasses import dataclass
from typing import Literal

from lobass_core.errors import RequestError

# The settings of an export stand in a file of their own, and are had from here like the others.
from lobass_core.export_spec import WEIGHTED_FORMATS as WEIGHTED_FORMATS
from lobass_core.export_spec import ExportFormat as ExportFormat
from lobass_core.export_spec import ExportOrder as ExportOrder
from lobass_core.export_spec import ExportSpec as ExportSpec
from lobass_core.records import Role
from lobass_core.setting_checks import MOST_SEED, check_path, check_range, check_recipe, check_whole
from lobass_core.spec_base import Spec as _Spec
from lobass_core.spec_base import check_choice as _check_choice
from lobass_core.spec_base import unknown_settings as unknown_settings

FormatName = Literal[
    "auto", "alpaca", "sharegpt", "messages", "prompt-completion", "preference", "text", "columns", "tree"
]
Balance = Literal["natural", "equal", "global", "custom"]
BudgetKind = Literal["ratio", "samples", "tokens", "threshold"]
MaskRule = Literal["all", "last"]
# A measure and a closed range of it, None for an open end.
Band = tuple[str, float | None, float | None]
TrainMethod = Literal["full", "lora"]

# A text of Python and a cell of Arrow's end at 2 GB.
MOST_RECORD_MB = 2047
PAPER_RATIOS = (0.015, 0.06, 0.167)


@dataclass(frozen=True, slots=True)
class ImportSpec(_Spec):
    """How a file, or several as one dataset, become samples.

    `mapping` holds (field, column) pairs, field in the terms of the format. Fields of `columns`: prompt, response,
    system, input, text, chosen, rejected. The domain is a constant, or a column of the record, or a rule: (column,
    value, domain) triples, first match wins, else `domain`.

    `roles` holds (spoken, role) pairs for speakers that no format knows. `text_only` takes rows without their pictures,
    videos and sounds. `skip_lines` lines at the top of a text file are left out; `row_list` is the one list to read of
    a JSON object with several.

    `path` and `more_paths` name files, folders, patterns, or a dataset of the Hub (`org/name`, at `revision`). `config`
    and `split` choose of what a folder has several of; `exclude` holds names or patterns of files to leave out.

    `max_record_mb` is the longest record in megabytes; 0: as LOBASS_MAX_RECORD_MB says, else 16.
    """

    path: str
    domain: str = ""
    name: str = ""
    format: FormatName = "auto"
    mapping: tuple[tuple[str, str], ...] = ()
    domain_column: str = ""
    domain_rules: tuple[tuple[str, str, str], ...] = ()
    encoding: str = "auto"
    roles: tuple[tuple[str, str], ...] = ()
    text_only: bool = False
    skip_lines: int = 0
    row_list: str = ""
    more_paths: tuple[str, ...] = ()
    config: str = ""
    split: str = ""
    revision: str = ""
    exclude: tuple[str, ...] = ()
    max_record_mb: int = 0

    def __post_init__(self) -> None:
        _check_choice("format", self.format, FormatName)
        for _, role in self.roles:
            _check_choice("role", role, Role)
        if self.skip_lines < 0:
            raise RequestError(f"{self.skip_lines} lines cannot be skipped", do="Use --skip-lines 0 or more.")
        if not 0 <= self.max_record_mb <= MOST_RECORD_MB:
            raise RequestError(
                f"a record of {self.max_record_mb:,} MB cannot be read", do=f"Use 1 to {MOST_RECORD_MB:,} MB."
            )
        if not self.domain and not self.domain_column:
            raise RequestError(
                "no domain given for the file",
                where=self.path,
                do="Use --domain NAME or --domain-column COLUMN.",
            )


@dataclass(frozen=True, slots=True)
class SetDomainSpec(_Spec):
    """Which domains the rows of an imported dataset get, in the terms of an import.

    The first of `domain_rules`, (column, value, domain), that fits a row decides, else its `domain_column`, else
    `domain`. A row that none of them names a domain for keeps its own.
    """

    domain: str = ""
    domain_column: str = ""
    domain_rules: tuple[tuple[str, str, str], ...] = ()

    def __post_init__(self) -> None:
        if not (self.domain or self.domain_column or self.domain_rules):
            raise RequestError(
                "no domain given", do="Use --domain NAME, --domain-column COLUMN or --domain-rule COLUMN=VALUE:NAME."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that rows are asked for, each once."""
        asked = [rule[0] for rule in self.domain_rules] + [self.domain_column]
        return tuple(dict.fromkeys(column for column in asked if column))

    @property
    def words(self) -> str:
        """The change as a person would say it."""
        parts = [f"{domain} where {column} is {value}" for column, value, domain in self.domain_rules]
        parts += [f"by the column {self.domain_column}"] if self.domain_column else []
        parts += [f"{self.domain} for the rest" if parts else self.domain] if self.domain else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class RenderSpec(_Spec):
    """How a sample becomes tokens. `template` empty: the tokenizer's own chat template, else `alpaca`.

    A template is a built-in name (alpaca, chatml, plain) or the path of a Jinja file. `max_tokens` 0: 2048 or the
    model's own limit, whichever is less.
    """

    template: str = ""
    mask_rule: MaskRule = "all"
    max_tokens: int = 0

    def __post_init__(self) -> None:
        _check_choice("mask rule", self.mask_rule, MaskRule)
        if self.max_tokens < 0 or self.max_tokens == 1:
            raise RequestError(f"max_tokens {self.max_tokens} leaves no room for a response", do="Use 2 or more.")
        check_whole("max_tokens", self.max_tokens)
        check_path("template", self.template)


@dataclass(frozen=True, slots=True)
class ModelSpec(_Spec):
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
class ScoreSpec(_Spec):
    """Score every sample in scope under the base and under each model of the reference.

    `references` has one model, or one a fold. `fold_assignment` is a Parquet file (sample_id, fold) for K folds;
    a sample it does not name belongs to fold `int(sample_id[:8], 16) % K`. `refines` names the run of a scoring in a
    coarser dtype, in which these losses stand in for those of the same samples.
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

    def __post_init__(self) -> None:
        if self.dtype not in ("auto", "float32", "bfloat16"):
            raise RequestError(f"unknown dtype {self.dtype!r}", do="Use auto, float32 or bfloat16.")
        if not self.references:
            raise RequestError("no reference model given", do="Use --reference PATH, HUB_ID or NAME.")
        check_whole("token budget per batch", self.batch_tokens)


@dataclass(frozen=True, slots=True)
class TrainReferenceSpec(_Spec):
    """Fine-tune the base on chosen datasets into a reference of one or K fold models."""

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

    def __post_init__(self) -> None:
        _check_choice("method", self.method, TrainMethod)
        if self.folds < 1:
            raise RequestError(
                f"{self.folds} folds cannot be trained", do="Use --folds 1 (the paper's recipe) or more."
            )
        check_recipe(self.epochs, self.learning_rate, self.batch_tokens, self.lora_rank)
        check_whole("number of folds", self.folds, 1)
        check_whole("seed", self.seed, 0, MOST_SEED)


@dataclass(frozen=True, slots=True)
class Gates(_Spec):
    """Rows excluded regardless of their score. A person's `keep` overrules this.

    `bands` holds (measure, low, high): rows outside of a closed range, None for an open end, are left out, and so are
    rows without a value.
    """

    min_response_tokens: int = 0
    min_learnability: float | None = None
    exclude_truncated: bool = False
    exclude_negative: bool = False
    exclude_near_zero_base: bool = False
    exclude_duplicates: bool = True
    exclude_worse_than_chance: bool = True
    bands: tuple[Band, ...] = ()

    def __post_init__(self) -> None:
        for measure, low, high in self.bands:
            check_range(measure, low, high)
        if len({measure for measure, _, _ in self.bands}) < len(self.bands):
            raise RequestError("a measure has two bands", do="Give one band a measure: base-loss=0.5..2.")
        if self.min_response_tokens < 0:
            raise RequestError(f"minimum of {self.min_response_tokens} response tokens is negative")
        if self.min_learnability is not None and not math.isfinite(self.min_learnability):
            raise RequestError(f"a minimum learnability of {self.min_learnability} is not a number")

    @classmethod
    def _with_later_settings(cls, values: dict) -> dict:
        return {"exclude_worse_than_chance": False, **values}


@dataclass(frozen=True, slots=True)
class SelectionSpec(_Spec):
    """What to keep: the best by `method` first, up to a budget, shared between domains by `balance`.

    `method` is the name of a measure (learnability/measures.py) or of a score column of the project.

    budget `ratio`: share of all scored rows in scope, in (0, 1]; `samples`: rows; `tokens`: response tokens;
    `threshold`: every row that scores the value or better. `weights` holds (domain, weight) pairs for `custom`.
    """

    method: str = "learnability"
    budget: BudgetKind = "ratio"
    value: float = 0.06
    balance: Balance = "natural"
    weights: tuple[tuple[str, float], ...] = ()
    gates: Gates = Gates()
    seed: int = 0
    datasets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.method:
            raise RequestError("no measure is given to rank by", do="Give --method, for example learnability.")
        _check_choice("budget", self.budget, BudgetKind)
        _check_choice("balance", self.balance, Balance)
        if not math.isfinite(self.value):
            raise RequestError(f"a {self.budget} of {self.value} is not a number")
        if self.budget == "ratio" and not 0 < self.value <= 1:
            raise RequestError(
                f"ratio {self.value} is not between 0 and 1", do="Use a share of the rows, such as 0.06 for 6 %."
            )
        if self.budget in ("samples", "tokens") and (self.value < 0 or self.value != int(self.value)):
            raise RequestError(f"a budget of {self.value} {self.budget} is not a whole number of 0 or more")
        if (self.balance == "custom") != bool(self.weights):
            raise RequestError(
                "domain weights and the balance 'custom' must be used together",
                do="Give each domain one weight: math=0.4,code=0.6.",
            )
        if any(not (math.isfinite(weight) and weight >= 0) for _, weight in self.weights):
            raise RequestError("a domain weight is negative or not a number")
        if len({domain for domain, _ in self.weights}) < len(self.weights):
            raise RequestError("a domain has two weights", do="Give each domain one weight: math=0.4,code=0.6.")
        if self.weights and not sum(weight for _, weight in self.weights) > 0:
            raise RequestError("all domain weights are 0", do="Give at least one domain a weight above 0.")
        if self.budget == "threshold" and self.balance != "global":
            raise RequestError(
                "a threshold is a single cut for all domains", do="Use --balance global with --threshold."
            )

    @classmethod
    def _with_later_settings(cls, values: dict) -> dict:
        gates = values.get("gates", {})
        return {**values, "gates": Gates._with_later_settings(gates)} if isinstance(gates, dict) else values
