"""One line on Select: whether rows chosen this way are known to train a better model, and the way to find out."""

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.workflows import explore
from lobass_core.workflows.evidence import Evidence, Reported, reported
from pages.components import parts, state, view
from pages.components.view import el


def experiments(project: Project) -> tuple[Reported, ...]:
    """The experiments on these scores; asked once a run of the page, not while the cut moves."""
    try:
        return reported(project, explore.scored(project, state.chosen_run()).run_id)
    except LobassError:
        # The page itself says what is wrong with the scores.
        return ()


def show(known: Evidence | None) -> None:
    """Draw the line, or nothing where nothing is known of the measure."""
    if known is None:
        return
    link = parts.link("See the report" if known.run_id else "Validate", "validate")
    if view.show(
        el("p", f"{known.sentence} ", link, cls="muted"), key="select-evidence", label="Does it train better?"
    ):
        state.go("validate", show=known.run_id or "new")
