"""The outline of a project that every page needs: its scorings, score columns, datasets, domains and counts."""

from collections.abc import Collection
from dataclasses import dataclass

from lobass_core.project import Project
from lobass_core.store.counts import count_pairs, count_samples, rows_by_dataset, rows_by_domain
from lobass_core.store.datasets import list_datasets
from lobass_core.store.score_columns import column_names
from lobass_core.store.scorings import Scoring, list_scorings
from lobass_core.workflows.recent import Recent

_outlines: Recent["Outline"] = Recent(4)


@dataclass(frozen=True, slots=True)
class Outline:
    """Scorings latest first; datasets in order of import; domains alphabetical; `n_samples` are those of the rows.

    `columns` are the names of the score columns.
    """

    scorings: tuple[Scoring, ...]
    datasets: tuple[str, ...]
    domains: tuple[str, ...]
    n_rows: int
    n_samples: int
    n_pairs: int
    content: str
    rows_by_dataset: tuple[tuple[str, int], ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def has_measures(self) -> bool:
        """Whether rows can be ranked by anything."""
        return bool(self.scorings or self.columns)

    def rows_in(self, datasets: Collection[str]) -> int:
        """Rows of these datasets; of all where none is named."""
        return sum(n for name, n in self.rows_by_dataset if name in datasets) if datasets else self.n_rows


def read_outline(project: Project) -> Outline:
    """Read anew when rows or losses change: after a decision every open tab asks for it, and it is what it was."""
    with project.store() as store:
        content = store.content()

        def read() -> Outline:
            cursor = store.cursor()
            domains, datasets, n_rows = rows_by_domain(cursor), list_datasets(cursor), rows_by_dataset(cursor)
            return Outline(
                scorings=tuple(list_scorings(cursor)),
                datasets=tuple(dataset.name for dataset in datasets),
                domains=tuple(domains),
                n_rows=sum(domains.values()),
                n_samples=count_samples(cursor),
                n_pairs=count_pairs(cursor),
                content=content,
                rows_by_dataset=tuple((item.name, n_rows.get(item.dataset_id, 0)) for item in datasets),
                columns=tuple(column_names(cursor)),
            )

        return _outlines.get((project.store_path, content), read)
