"""The settings of an export."""

from dataclasses import dataclass
from typing import Literal

from lobass_core.errors import RequestError
from lobass_core.specs.base import Spec, check_choice

ExportFormat = Literal[
    "messages",
    "alpaca",
    "sharegpt",
    "prompt-completion",
    "source",
    "parquet",
    "huggingface",
    "axolotl",
    "llama-factory",
    "trl",
    "tokens",
]
ExportOrder = Literal["file", "rank"]
# TRL, Axolotl and LLaMA-Factory read no weight of a row: people's own loops do.
WEIGHTED_FORMATS: tuple[ExportFormat, ...] = ("messages", "parquet")


@dataclass(frozen=True, slots=True)
class ExportSpec(Spec):
    """Write a saved selection for a trainer.

    `license` and `languages` go into the data card as they are given. `cutoff_tokens` is the trainer's length limit
    that the preflight reckons with; 0 is the trainer's own default. `check` compares every row with the tokens that
    were scored before the export takes its place.

    `validation` rows are set aside in files of their own, near duplicates together, drawn from `seed`: a share below 1,
    or a number of rows; 0 for none. `order` "rank" puts the best score first. `weight` adds the score as a column.
    `replace` lets it take the place of an export of something else.
    """

    selection: str
    to: str
    format: ExportFormat = "messages"
    with_dropped: bool = False
    license: str = ""
    languages: tuple[str, ...] = ()
    cutoff_tokens: int = 0
    check: bool = True
    validation: float = 0.0
    seed: int = 0
    order: ExportOrder = "file"
    weight: bool = False
    replace: bool = False

    def __post_init__(self) -> None:
        check_choice("format", self.format, ExportFormat)
        check_choice("order", self.order, ExportOrder)
        if not self.to:
            raise RequestError("no destination given", do="Use --to FOLDER.")
        if self.cutoff_tokens < 0:
            raise RequestError(f"a cutoff of {self.cutoff_tokens} tokens is negative")
        is_share = 0 <= self.validation < 1
        if not (is_share or (self.validation >= 1 and float(self.validation).is_integer())):
            raise RequestError(
                f"a validation split of {self.validation} is neither a share of the rows nor a number of them",
                do="Use a share below 1, such as 0.02 for 2 %, or a whole number of rows.",
            )
        if self.order == "rank" and self.format == "source":
            raise RequestError(
                "source rows keep the order of their files", do="For --order rank, use another --format."
            )
        if self.weight and self.format not in WEIGHTED_FORMATS:
            raise RequestError(
                f"no trainer that reads {self.format} supports row weights",
                do=f"For a `weight` column, use --format {' or '.join(WEIGHTED_FORMATS)}.",
            )
