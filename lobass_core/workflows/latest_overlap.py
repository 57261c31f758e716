"""The comparison with evaluation files that was recorded last. To compare: workflows/overlap.py, which loads more."""

from lobass_core.errors import SelectionError
from lobass_core.project import Project
from lobass_core.store.overlaps import OverlapCheck, is_checked, latest_check


def latest_overlap(project: Project) -> OverlapCheck | None:
    """The comparison that was recorded last, None where there was none."""
    with project.store() as store:
        return latest_check(store.cursor())


def check_recorded(project: Project) -> None:
    """Refuse a gate that would exclude nothing, because nothing has been compared.

    Raises:
        SelectionError: no comparison with evaluation files has been recorded.
    """
    with project.store() as store:
        if is_checked(store.cursor()):
            return
    raise SelectionError(
        "the rows have not been compared with evaluation files yet",
        do="Run lobass overlap FILE first, or remove the gate --exclude-overlap.",
    )
