"""One line on Select: what matters most of what is known about these scores, and the way to the page Trust."""

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.workflows import explore
from lobass_core.workflows.cut import Cut
from lobass_core.workflows.headline import headline
from lobass_core.workflows.planted_report import PlantedReport, latest_report
from pages.components import parts, state, view
from pages.components.selection import draft
from pages.components.view import el


def self_test(project: Project) -> PlantedReport | None:
    """What the last self-test of these scores found; asked once a run of the page, not while the cut moves."""
    try:
        return latest_report(project, explore.scored(project, state.chosen_run()))
    except LobassError:
        # The page itself says what is wrong with the scores.
        return None


def show(cut: Cut, report: PlantedReport | None) -> None:
    """Draw the line, or nothing where there is nothing to say."""
    sentence = headline(cut, report)
    if not sentence:
        return
    node = el("div", parts.notice(sentence, link=("Look at Trust", "trust")), cls="notices")
    if view.show(node, key="select-trust", label="Most important finding"):
        name = draft.name()
        state.go("trust", **({"selection": name} if name and not draft.is_changed() else {}))
