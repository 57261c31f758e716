"""The settings of an import, and of a change of domains after it."""

from dataclasses import dataclass
from typing import Literal

from lobass_core.errors import RequestError
from lobass_core.records import Role
from lobass_core.specs.base import Spec, check_choice

FormatName = Literal[
    "auto", "alpaca", "sharegpt", "messages", "prompt-completion", "preference", "text", "columns", "tree"
]
# Four million tokens, more than any model reads; published rows of 2 MB are known.
DEFAULT_RECORD_MB = 16
# A text of Python and a cell of Arrow's end at 2 GB.
MOST_RECORD_MB = 2047


@dataclass(frozen=True, slots=True)
class ImportSpec(Spec):
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
        check_choice("format", self.format, FormatName)
        for _, role in self.roles:
            check_choice("role", role, Role)
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
class SetDomainSpec(Spec):
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
