"""Open the project of a command, and add to it what ended runs hold and nobody has added yet."""

from pathlib import Path

from lobass_core.cli.output import stderr
from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.store.connection import WAIT_SECONDS
from lobass_core.workflows.collect import collect


def open_project(folder: Path, *, waits: bool = True) -> Project:
    """The project in that folder; what was added is said on stderr.

    With `waits` False a store that is in use is left alone, for commands that do without it.

    Raises:
        ProjectError: there is no project.
    """
    project = Project.open(folder)
    try:
        collected = collect(project, WAIT_SECONDS if waits else 0.0)
    except LobassError:
        # A command that needs the store fails on it in its own words; the next one adds what there is.
        return project
    for sentence in collected.sentences:
        stderr.print(sentence, markup=False)
    return project
