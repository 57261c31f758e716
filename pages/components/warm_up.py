"""Read the project while Streamlit starts and the browser loads, so that the first page opens fast.

A million rows take over a second to read and sort, and the libraries behind tables and charts half of one. What is read
is kept where the pages look for it; a page that asks meanwhile waits for the same work instead of doing it twice.

Nothing here imports Streamlit: its own start goes on beside this.
"""

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.workflows import browse, cut, explore, select
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.outline import read_outline
from lobass_core.workflows.serve import served_root

# Streamlit brings them in when a page first draws a table or a chart.
LIBRARIES = ("pandas", "plotly.graph_objects", "plotly.io")
# Longest that a step waits for pages that are being drawn: one that asks for what it would read must not wait for it.
WAY_SECONDS = 5.0


class Drawing:
    """The pages that are being drawn now; what they may not need is not begun beside them."""

    def __init__(self) -> None:
        self._none = threading.Condition()
        self._n = 0

    @contextmanager
    def page(self) -> Iterator[None]:
        """A page is drawn in this block."""
        with self._none:
            self._n += 1
        try:
            yield
        finally:
            with self._none:
                self._n -= 1
                self._none.notify_all()

    def make_way(self, seconds: float = WAY_SECONDS) -> None:
        """Wait until no page is drawn, so long at most."""
        with self._none:
            self._none.wait_for(lambda: self._n == 0, seconds)


drawing = Drawing()


def warm_up() -> None:
    """Load what every page needs; whatever goes wrong, the page that needs it will say."""
    for step in (_read_rows, _sort_for_the_cut, _sort_the_other_way):
        drawing.make_way()
        with suppress(LobassError):
            project = Project.open(served_root())
            # Nobody waits here for a store that another program holds.
            with project.store(wait_seconds=0.0):
                step(project)
    for name in LIBRARIES:
        drawing.make_way()
        importlib.import_module(name)


def _read_rows(project: Project) -> None:
    browse.find(project, BrowseFilter())
    if _has_one_measure(project):
        rows = explore.scored(project)
        explore.distribution(rows)
        if rows.scoring:
            explore.total(rows)
            explore.doubts(rows)
        else:
            explore.value_summaries(rows, explore.usual(rows), "all")


def _sort_for_the_cut(project: Project) -> None:
    if _has_one_measure(project):
        cut.pool(cut.open_cut(project, select.usual_spec(explore.scored(project))))


def _has_one_measure(project: Project) -> bool:
    """Whether the pages know what to show without a choice: one scoring, or score columns alone."""
    outline = read_outline(project)
    return len(outline.scorings) == 1 or (outline.has_measures and not outline.scorings)


def _sort_the_other_way(project: Project) -> None:
    browse.find(project, BrowseFilter(descending=False))
