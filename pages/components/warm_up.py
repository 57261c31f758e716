"""Read the project while Streamlit starts and the browser loads, so that the first page comes as fast as the next.

A million rows take over a second to read and sort, and the libraries behind tables and charts half of one. What is read
is kept where the pages look for it; a page that asks meanwhile waits for the same work instead of doing it twice.

Nothing here imports Streamlit: its own start goes on beside this.
"""

import importlib
from contextlib import suppress

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.workflows import browse, cut, explore
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.frame import frame
from lobass_core.workflows.serve import served_root

# Streamlit brings them in when a page first draws a table or a chart.
LIBRARIES = ("pandas", "plotly.graph_objects", "plotly.io")


def warm_up() -> None:
    """Load what every page needs; whatever goes wrong, the page that needs it will say."""
    with suppress(LobassError):
        _read(Project.open(served_root()))
    for name in LIBRARIES:
        importlib.import_module(name)


def _read(project: Project) -> None:
    # Nobody waits here for a store that another program holds.
    with project.store(wait_seconds=0.0):
        browse.find(project, BrowseFilter())
        if len(frame(project).scorings) == 1:
            rows = explore.scored(project)
            explore.distribution(rows)
            explore.total(rows)
            explore.doubts(rows)
            cut.pool(cut.open_cut(project, SelectionSpec()))
        # The other way round needs an order of its own.
        browse.find(project, BrowseFilter(descending=False))
