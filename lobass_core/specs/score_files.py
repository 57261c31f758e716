"""The settings of an import of scores."""

from dataclasses import dataclass
from typing import Literal, get_args

from lobass_core.errors import RequestError
from lobass_core.specs.base import Spec
from lobass_core.specs.checks import check_path

IfNamed = Literal["refuse", "replace", "add"]
LONGEST_UNIT = 40


@dataclass(frozen=True, slots=True)
class ScoreFileSpec(Spec):
    """A file with one number a line, and what its numbers become: the score column `name`.

    `key` says how a line names its row: "sample-id" (the column sample_id), "row" (the column row_index or row, else
    the line's own place in the file, counted from 0), or a column that the imported records have too. `column` holds
    the values; empty: the one called `name`, else the only one left. A name with points leads into nested records.

    `path` may be a dataset of the Hub, at `revision`; `split` and `config` choose of what a folder has several of.

    `if_named` says what happens where there is a score column of that name: "replace" removes it first, "add" keeps its
    values and adds those of rows that have none.
    """

    path: str
    name: str
    key: str = "sample-id"
    dataset: str = ""
    column: str = ""
    unit: str = ""
    higher_is_better: bool = True
    if_named: IfNamed = "refuse"
    split: str = ""
    config: str = ""
    revision: str = ""

    def __post_init__(self) -> None:
        check_path("file with scores", self.path)
        if not self.key:
            raise RequestError("no key given", do="Use --key sample-id, --key row or --key COLUMN.")
        if len(self.unit) > LONGEST_UNIT or not self.unit.isprintable():
            raise RequestError(
                f"{self.unit[:LONGEST_UNIT]!r} cannot be a unit", do=f"The limit is {LONGEST_UNIT} characters."
            )
        if self.if_named not in get_args(IfNamed):
            raise RequestError(f"unknown choice {self.if_named!r}", do=f"Choose from: {', '.join(get_args(IfNamed))}.")
