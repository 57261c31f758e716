"""Three lines above the demo's Overview: what this is, what the numbers mean, what to do next."""

from lobass_core.plural import plural
from lobass_core.project import Project
from lobass_core.workflows import demo
from lobass_core.workflows.project_status import ProjectStatus
from pages.components import parts
from pages.components.view import Node, el

CLICK = "guide"


def lines(project: Project, found: ProjectStatus) -> Node | None:
    """The lines over a finished demo, None over any other project; clicks are "guide-PAGE"."""
    if not demo.is_ready(project.root) or found.scoring is None:
        return None
    domains = plural(len(found.domains), "domain")
    return el(
        "div",
        el(
            "div",
            el("b", "This is the demo."),
            f" {found.n_rows:,} sample rows in {domains}, scored by the base model {found.scoring.base_name} and "
            "by a reference that was fine-tuned on them.",
        ),
        el(
            "div",
            "Learnability is the share of the base loss that the reference removes. Rows with a high share are worth "
            "training on",
            f"; the {found.selection.n_kept:,} selected ones are teal." if found.selection else ".",
        ),
        el("div", el("b", "Next:"), " ", *_next(found)),
        cls="notice kept",
        role="note",
        aria_label="About this demo",
    )


def _next(found: ProjectStatus) -> list[Node]:
    nodes: list[Node] = [
        parts.link("move the cut", f"{CLICK}-select"),
        " and export the rows it keeps, or ",
        parts.link("read the rows", f"{CLICK}-browse"),
        " behind the scores",
    ]
    if found.selection:
        nodes += [", or ", parts.link(f"export {found.selection.name}", f"{CLICK}-export"), " now"]
    return [*nodes, "."]
