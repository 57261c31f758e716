"""What the layouts of all formats share: the job they are given, what they report, and the names of their files."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lobass_core.exporting.plan import ExportPlan, ExportRow, FileReceipt, ReadTexts, ReadTokens, Refusal, Split
from lobass_core.records import SampleKind

TEMPLATE_NAME = "chat_template.jinja"


@dataclass(frozen=True, slots=True)
class CardEntry:
    """A file of rows as the data card names it."""

    config: str
    split: Split
    path: str


@dataclass(slots=True)
class Written:
    """What a layout wrote.

    `data_files` are those that hold rows, for the data card; `kinds` are those of the samples in them, where they are
    apart; `sample_ids` are the samples of each such file, a row each, for the comparison with the scored tokens.
    """

    files: list[FileReceipt] = field(default_factory=list)
    data_files: list[CardEntry] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    kinds: list[SampleKind] = field(default_factory=list)
    sample_ids: dict[str, list[str]] = field(default_factory=dict)
    n_rows: int = 0
    n_validation: int = 0  # of `n_rows`

    def add_rows(self, receipt: FileReceipt, config: str, split: Split) -> None:
        """Note a file of rows that trainers read."""
        self.files.append(receipt)
        self.data_files.append(CardEntry(config, split, receipt.name))
        self.n_rows += receipt.rows
        self.n_validation += receipt.rows if split == "validation" else 0

    def refuse(self, row: ExportRow, reason: str) -> None:
        self.refusals.append(Refusal(row.dataset, row.row_index, reason))


@dataclass(frozen=True, slots=True)
class Job:
    """What a layout works on. `rows` and `read_texts` start from the beginning at every call; `originals` are the
    source files (by sha256) that are still where they were imported from, unchanged; `tokens` are those that the
    scores were computed on."""

    plan: ExportPlan
    folder: Path
    rows: Callable[[], Iterator[ExportRow]]
    read_texts: ReadTexts
    originals: Mapping[str, Path]
    tokens: ReadTokens

    @property
    def chat_template(self) -> str:
        """The text of the template that the scores were computed with; empty where it is not known."""
        return str(self.plan.facts.get("render", {}).get("chat_template", ""))

    @property
    def answer_ending(self) -> str:
        """The token that closes an answer in that template; empty where it is not known."""
        return str(self.plan.facts.get("render", {}).get("answer_ending", ""))

    @property
    def mask_rule(self) -> str:
        """Which answers were scored: "all" or "last"."""
        return str(self.plan.facts.get("render", {}).get("mask_rule", "") or "all")


Layout = Callable[[Job], Written]


@dataclass(frozen=True, slots=True)
class KindFile:
    """The file of one kind of sample: chats are `train` and `validation`, the others are named for what they are."""

    kind: SampleKind
    suffix: str
    split: Split = "train"

    @property
    def stem(self) -> str:
        if self.kind == "chat":
            return self.split
        return self.kind if self.split == "train" else f"{self.kind}-{self.split}"

    @property
    def name(self) -> str:
        return f"{self.stem}.{self.suffix}"
