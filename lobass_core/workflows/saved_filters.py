"""Keep filters of Browse under names, for the page and the command line.

    saved_filters.save(project, "hard maths", BrowseFilter(domains=("math",), score=(0.4, None)))
    saved_filters.load(project, "hard maths")

What stands in a filter is checked when it is used: a dataset or selection that is gone is then named.
"""

from urllib.parse import parse_qs, urlencode

from lobass_core.project import Project
from lobass_core.store import saved_filters as saved
from lobass_core.store.saved_filters import SavedFilter
from lobass_core.workflows.browse_filter import BrowseFilter


def list_filters(project: Project) -> list[SavedFilter]:
    """Saved filters by name."""
    with project.store() as store:
        return saved.list_filters(store.cursor())


def load(project: Project, name: str) -> BrowseFilter:
    """The filter of that name.

    Raises:
        RequestError: there is none, or a later version saved it with conditions that this one does not know.
    """
    with project.store() as store:
        filter = saved.find_filter(store.cursor(), name)
    return BrowseFilter.from_query(parse_qs(filter.query))


def save(project: Project, name: str, asked: BrowseFilter, *, replace: bool = False) -> None:
    """Save a filter under a name.

    Raises:
        RequestError: the name is empty or too long, or taken and `replace` is not asked.
    """
    query = urlencode(asked.to_query(), doseq=True)
    with project.store() as store, store.transaction() as cursor:
        saved.save_filter(cursor, name.strip(), query, replace=replace)


def rename(project: Project, name: str, new_name: str) -> None:
    """Give a filter another name.

    Raises:
        RequestError: there is no such filter, or the new name is empty, too long or taken.
    """
    with project.store() as store, store.transaction() as cursor:
        saved.rename_filter(cursor, name, new_name.strip())


def delete(project: Project, name: str) -> None:
    """Delete a filter; the rows and decisions stay.

    Raises:
        RequestError: there is no such filter.
    """
    with project.store() as store, store.transaction() as cursor:
        saved.delete_filter(cursor, name)
