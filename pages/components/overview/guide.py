"""Three lines above the demo's Overview: what it is, what the numbers mean, what to do next."""

from lobass_core.project import Project
from lobass_core.words.plural import plural
from lobass_core.workflows import demo
from lobass_core.workflows.project_status import ProjectStatus
from pages.components import parts
from pages.components.view import Node, el

CLICK = "guide"


def lines(project: Project, status: ProjectStatus) -> Node | None:
    """The lines over a finished demo, None over any other project; clicks are "guide-PAGE"."""
    if not demo.is_ready(project.root) or status.scoring is None:
        return None
    domains = plural(len(status.domains), "domain")
    return el(
        "div",
        el(
            "div",
            el("b", "This is the demo."),
            f" {status.n_rows:,} sample rows in {domains}, scored by the base model {status.scoring.base_name} and "
            "by a reference that was fine-tuned on them.",
        ),
        el(
            "div",
            "Learnability is the share of the base loss that the reference removes. Rows with a high share are worth "
            "training on",
            f"; the {status.selection.n_kept:,} selected ones are teal." if status.selection else ".",
        ),
        el("div", el("b", "Next:"), " ", *_next(status)),
        cls="notice kept",
        role="note",
        aria_label="About this demo",
    )


def _next(status: ProjectStatus) -> list[Node]:
    nodes: list[Node] = [
        parts.link("move the cut", f"{CLICK}-select"),
        " and export the rows it keeps, or ",
        parts.link("read the rows", f"{CLICK}-browse"),
        " behind the scores",
    ]
    if status.selection:
        nodes += [", or ", parts.link(f"export {status.selection.name}", f"{CLICK}-export"), " now"]
    return [*nodes, "."]
