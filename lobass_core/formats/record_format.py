"""What every format is: a name, a way in and a way out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lobass_core.records import Sample


@dataclass(frozen=True, slots=True)
class ParsedSample:
    """A row as a sample, and the row's own keys that the sample did not take up."""

    sample: Sample
    extra: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordFormat:
    """A published format. `parse(row, mapping)` and `build(sample, extra)` raise RowError where one does not fit.

    `fields` are the names that a mapping may use, the required ones first; `aliases` are other words for them, so that
    `prompt=` and `response=` mean something in every format.
    """

    name: str
    label: str
    fields: tuple[str, ...]
    required: tuple[str, ...]
    parse: Callable[[dict[str, Any], Mapping[str, str]], ParsedSample]
    build: Callable[[Sample, Mapping[str, Any]], dict[str, Any]]
    aliases: Mapping[str, str]


def rest_of(row: Mapping[str, Any], *taken: str) -> dict[str, Any]:
    """The row without the columns that became the sample."""
    return {key: value for key, value in row.items() if key not in taken}
