"""Read the project while the browser still loads, so that the first page of the day comes as fast as the next.

A million rows take about two seconds to read and sort, and the libraries behind the charts another half. What is read
is kept where the pages look for it; a page that asks meanwhile waits for the same work instead of doing it twice.
"""

import importlib

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.workflows import browse, cut, explore
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.frame import frame
from pages.components import state

# Streamlit brings them in when a page first draws a table or a chart.
LIBRARIES = ("pandas", "plotly.graph_objects", "plotly.io")


def warm_up() -> None:
    """Load what every page needs; whatever goes wrong, the page that needs it will say."""
    try:
        project = state.open_project()
        if project is not None:
            _read(project)
    except LobassError:
        pass
    for name in LIBRARIES:
        importlib.import_module(name)


def _read(project: Project) -> None:
    # Nobody waits here for a store that another program holds.
    with project.store(wait_seconds=0.0):
        browse.find(project, BrowseFilter())
        if len(frame(project).scorings) == 1:
            explore.distribution(explore.scored(project))
            cut.pool(cut.open_cut(project, SelectionSpec()))
        # The other way round needs an order of its own.
        browse.find(project, BrowseFilter(descending=False))
