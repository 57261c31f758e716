"""Change the domain of rows of an imported dataset, and undo it."""

from lobass_core.project import Project
from lobass_core.specs import SetDomainSpec
from lobass_core.store.counts import rows_by_domain
from lobass_core.store.datasets import find_dataset
from lobass_core.store.domain_changes import DomainChange, add_domain_change, first_columns, undo_domain_change
from lobass_core.workflows.author import author_name


def set_domain(project: Project, dataset: str, spec: SetDomainSpec) -> DomainChange:
    """Change domains by a rule that also holds for rows of later updates; scores and saved selections stay.

    Raises:
        RequestError: no such dataset or column, too many domains, or no row would get another one.
    """
    with project.store() as store, store.transaction() as cursor:
        return add_domain_change(cursor, find_dataset(cursor, dataset), spec, author_name())


def undo_set_domain(project: Project, dataset: str) -> DomainChange:
    """Take back the latest change of a dataset's domains; `n_rows` of the result got their former domain.

    Raises:
        RequestError: no such dataset, or nothing to take back.
    """
    with project.store() as store, store.transaction() as cursor:
        return undo_domain_change(cursor, find_dataset(cursor, dataset))


def record_columns(project: Project, dataset: str) -> tuple[str, ...]:
    """The columns of the first records of a dataset, in the order of first appearance.

    Raises:
        RequestError: no such dataset.
    """
    with project.store() as store:
        cursor = store.cursor()
        return first_columns(cursor, find_dataset(cursor, dataset).dataset_id)


def domain_counts(project: Project, dataset: str) -> dict[str, int]:
    """Rows of a dataset by domain, by name.

    Raises:
        RequestError: no such dataset.
    """
    with project.store() as store:
        cursor = store.cursor()
        return rows_by_domain(cursor, find_dataset(cursor, dataset).dataset_id)
