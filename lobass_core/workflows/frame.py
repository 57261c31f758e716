"""What stands around every page: which pairs of models are scored, which datasets and domains there are."""

from collections.abc import Collection
from dataclasses import dataclass

from lobass_core.project import Project
from lobass_core.store.counts import count_pairs, count_samples, rows_by_dataset, rows_by_domain
from lobass_core.store.datasets import list_datasets
from lobass_core.store.scorings import Scoring, list_scorings
from lobass_core.workflows.recent import Recent

_frames: Recent["Frame"] = Recent(4)


@dataclass(frozen=True, slots=True)
class Frame:
    """Scorings latest first; datasets in order of import; domains alphabetical; `n_samples` are those of the rows."""

    scorings: tuple[Scoring, ...]
    datasets: tuple[str, ...]
    domains: tuple[str, ...]
    n_rows: int
    n_samples: int
    n_pairs: int
    content: str
    rows_by_dataset: tuple[tuple[str, int], ...] = ()

    def rows_in(self, datasets: Collection[str]) -> int:
        """Rows of these datasets; of all where none is named."""
        return sum(n for name, n in self.rows_by_dataset if name in datasets) if datasets else self.n_rows


def frame(project: Project) -> Frame:
    """Read anew when rows or losses change: after a decision every open tab asks for it, and it is what it was."""
    with project.store() as store:
        content = store.content()

        def read() -> Frame:
            cursor = store.cursor()
            domains, datasets, n_rows = rows_by_domain(cursor), list_datasets(cursor), rows_by_dataset(cursor)
            return Frame(
                scorings=tuple(list_scorings(cursor)),
                datasets=tuple(dataset.name for dataset in datasets),
                domains=tuple(domains),
                n_rows=sum(domains.values()),
                n_samples=count_samples(cursor),
                n_pairs=count_pairs(cursor),
                content=content,
                rows_by_dataset=tuple((item.name, n_rows.get(item.dataset_id, 0)) for item in datasets),
            )

        return _frames.get((project.store_path, content), read)
