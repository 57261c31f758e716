"""What a project says of its score columns, and rows counted by dataset and domain."""

from collections.abc import Mapping
from typing import TypeVar

from lobass_core.store.score_columns import StoredColumn
from lobass_core.store.scored_rows import Coverage
from lobass_core.workflows.project_status import ColumnStatus

# Rows by dataset_id and domain.
Counts = dict[tuple[int, str], int]
Key = TypeVar("Key")


def of_datasets(counts: Mapping[Key, Counts], dataset_ids: set[int]) -> dict[Key, Counts]:
    """The counts of these datasets alone."""
    return {key: {at: n for at, n in parts.items() if at[0] in dataset_ids} for key, parts in counts.items()}


def as_coverage(counts: Counts) -> list[Coverage]:
    """The rows that have a value of a score column, as those that are scored; nobody has counted their tokens."""
    return [Coverage(dataset_id, domain, n_rows, 0) for (dataset_id, domain), n_rows in counts.items()]


def column_status(column: StoredColumn, counts: Mapping[str, Counts]) -> ColumnStatus:
    """A score column with its rows as counted."""
    return ColumnStatus(
        name=column.name,
        unit=column.unit,
        higher_is_better=column.higher_is_better,
        source=column.source,
        n_rows=sum(counts[column.name].values()),
        made_at=column.made_at,
        made_by=column.made_by,
    )
