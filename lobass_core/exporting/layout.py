"""What the layouts of all formats share: the job they are given, what they report, and the names of their files."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lobass_core.exporting.plan import ExportPlan, ExportRow, FileReceipt, ReadTexts, Refusal
from lobass_core.exporting.read_rows import read_rows
from lobass_core.records import SampleKind


@dataclass(slots=True)
class Written:
    """What a layout wrote. `splits` are (configuration, path) of the files that hold rows, for the data card."""

    files: list[FileReceipt] = field(default_factory=list)
    splits: list[tuple[str, str]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    n_rows: int = 0

    def refuse(self, row: ExportRow, reason: str) -> None:
        self.refusals.append(Refusal(row.dataset, row.row_index, reason))


@dataclass(frozen=True, slots=True)
class Job:
    """What a layout works on. `rows` and `read_texts` start from the beginning at every call; `originals` are the
    source files (by sha256) that are still where they were imported from, unchanged."""

    plan: ExportPlan
    folder: Path
    read_texts: ReadTexts
    originals: Mapping[str, Path]

    def rows(self) -> Iterator[ExportRow]:
        return read_rows(self.plan, self.read_texts)


Layout = Callable[[Job], Written]


@dataclass(frozen=True, slots=True)
class KindFile:
    """The file of one kind of sample: chats are `train`, the others are named for what they are."""

    kind: SampleKind
    suffix: str

    @property
    def stem(self) -> str:
        return "train" if self.kind == "chat" else self.kind

    @property
    def name(self) -> str:
        return f"{self.stem}.{self.suffix}"
