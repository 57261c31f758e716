"""What every format is: a name, a way in and a way out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lobass_core.records import Sample

# Columns of an index that a table was saved with: they say nothing of the row.
INDEX_COLUMNS = frozenset(
    ["", "Unnamed: 0", "Unnamed: 0.1", "Unnamed: 0.2", "Unnamed: 0.1.1", "Unnamed: 1", "Unnamed: 2"]
    + [f"__index_level_{level}__" for level in range(4)]
)


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
    """The row without the columns that became the sample, and without those of a table's index."""
    return {key: value for key, value in row.items() if key not in taken and key not in INDEX_COLUMNS}
