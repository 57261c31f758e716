"""What a plan costs, in words: on Score before the button, and on Select."""

from lobass_core.workflows.costs import Cost
from pages.components.view import Node, el


def of(cost: Cost) -> Node:
    """Passes over the pool, and the time that they take here."""
    return el("p", f"{cost.sentence} {cost.time_sentence}", cls="muted")
