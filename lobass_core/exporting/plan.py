"""What an export is made of: sources, picks and provenance; everything that decides its bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal, Protocol

import pyarrow as pa

from lobass_core.errors import ExportError
from lobass_core.records import Sample
from lobass_core.specs import ExportFormat, ExportOrder

Split = Literal["train", "validation"]
SPLITS: tuple[Split, ...] = ("train", "validation")

# One pick a row: in the order of the files, dataset by dataset, or by rank. The numbers travel in the manifest, so that
# a replay writes the same scores even after the losses behind them are gone.
PICKS_SCHEMA = pa.schema(
    [
        ("source", pa.int32()),  # index into `ExportPlan.sources`
        ("row_index", pa.int64()),
        ("sample_id", pa.string()),
        ("domain", pa.string()),
        ("rank", pa.int32()),  # 1 is the best
        ("reason", pa.string()),
        ("score", pa.float64()),  # by the selection's own method
        ("learnability", pa.float64()),
        ("base_loss", pa.float64()),  # mean nats per response token
        ("reference_loss", pa.float64()),
        ("n_response_tokens", pa.int32()),
        ("n_prompt_tokens", pa.int32()),
        ("flags", pa.string()),
    ]
)
# Columns that manifests of before have not: bytes of the response (null where unknown), and what only exports with a
# validation split have.
BYTES_FIELD = pa.field("n_response_bytes", pa.int32())
SPLIT_FIELD = pa.field("split", pa.string())
LATER_FIELDS = (BYTES_FIELD, SPLIT_FIELD)
# Computed from the picks where they are written.
BITS_COLUMNS = ("base_bits_per_byte", "reference_bits_per_byte")


def measure_field(name: str) -> pa.Field:
    """The column of a measure that not every manifest has: one that was added later, or a score column."""
    return pa.field(name, pa.float64())


def measure_columns(picks: pa.Table) -> list[str]:
    """The columns of such measures among these picks."""
    known = {*PICKS_SCHEMA.names, *(field.name for field in LATER_FIELDS)}
    return [name for name in picks.schema.names if name not in known]


DROPPED_SCHEMA = pa.schema(
    [
        ("source", pa.int32()),
        ("row_index", pa.int64()),
        ("sample_id", pa.string()),
        ("domain", pa.string()),
        ("reason", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One imported file: what it is called and how it was read.

    `file_name` is relative to the folder that a dataset's files share, or has none: a manifest may travel. Rows are
    numbered through the files of a dataset; this one's begin at `first_row`. `format_asked`: the format was named
    rather than told from the rows; None in manifests of versions that did not write it down.
    """

    dataset: str
    file_name: str
    sha256: str
    n_rows: int
    n_rejected: int
    format: str
    mapping: dict[str, str]
    container: str
    encoding: str
    first_row: int = 0
    format_asked: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ExportPlan:
    """Everything that decides the bytes of an export, and nothing that depends on when or where it is written.

    `facts` is the rest of the provenance as plain JSON: models, render, formula, selection, quotas, decisions, counts
    of what was left out. `picks` follows PICKS_SCHEMA, with those of LATER_FIELDS and of further measures that it has;
    `dropped` follows DROPPED_SCHEMA and is there when the dropped rows are to be written too. `validation` rows are set
    aside, drawn from `seed`; `weighted` rows have a column `weight`.
    """

    format: ExportFormat
    selection: str
    sources: tuple[SourceFile, ...]
    picks: pa.Table
    facts: dict
    with_dropped: bool = False
    dropped: pa.Table | None = None
    license: str = ""
    languages: tuple[str, ...] = ()
    order: ExportOrder = "file"
    validation: float = 0.0
    seed: int = 0
    weighted: bool = False

    @property
    def splits(self) -> list[Split]:
        """The split of each pick."""
        if SPLIT_FIELD.name not in self.picks.schema.names:
            return ["train"] * self.picks.num_rows
        return self.picks[SPLIT_FIELD.name].to_pylist()

    @property
    def n_validation(self) -> int:
        """Picks that are set aside."""
        return self.splits.count("validation")

    def __post_init__(self) -> None:
        if self.picks.num_rows == 0:
            raise ExportError(
                f"selection {self.selection!r} keeps no rows",
                do="Save a selection with a larger budget, and export that one.",
            )


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One picked record on its way out: the sample it reads as, and what else its row held."""

    dataset: str
    row_index: int
    domain: str
    sample: Sample
    extra: dict
    split: Split = "train"


class ReadTexts(Protocol):
    """Yields the untouched text of the records that a table's `source` and `row_index` columns name, in their order.

    Called once a pass. Raises ExportError for a record that the project does not hold.
    """

    def __call__(self, wanted: pa.Table) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class ScoredTokens:
    """A sample as the models read it: cut where it was too long; `response_mask` marks the tokens that were scored."""

    input_ids: list[int]
    response_mask: list[bool]


class ReadTokens(Protocol):
    """Yields the scored tokens of samples in their order, None for a sample whose tokens are not on disk."""

    def __call__(self, sample_ids: Sequence[str]) -> Iterator[ScoredTokens | None]: ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """A picked row that the format cannot hold."""

    dataset: str
    row_index: int
    reason: str


@dataclass(frozen=True, slots=True)
class FileReceipt:
    """One file on disk. `name` is relative to the export's folder; `rows` is 0 for files that hold no rows."""

    name: str
    holds: str
    n_bytes: int
    sha256: str
    rows: int = 0


@dataclass(frozen=True, slots=True)
class ExportReceipt:
    """What an export wrote, checked by reading it back."""

    folder: str
    format: ExportFormat
    selection: str
    n_selected: int
    n_written: int
    n_bytes: int
    files: tuple[FileReceipt, ...]
    manifest_sha256: str
    n_validation: int = 0  # of the rows written
    not_written: dict[str, int] = field(default_factory=dict)  # reason -> rows of the selection that do not fit
    refusals: tuple[Refusal, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)  # reason -> rows that were not selected
    notes: tuple[str, ...] = ()

    def with_note(self, note: str) -> "ExportReceipt":
        """The receipt with one more note."""
        return replace(self, notes=(*self.notes, note))

    def to_dict(self) -> dict:
        return asdict(self)
