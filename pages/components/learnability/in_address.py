"""What Learnability shows, in its address: view, measure, limits and brush.

/learnability?view=distributions&measure=base-loss&form=count
/learnability?view=loss-plane&domain=math&score=0.1..0.4      # a brush is written as Browse writes its filter
"""

from collections.abc import Collection

import streamlit as st

from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.workflows import explore
from lobass_core.workflows.browse_filter import SHORT_NAMES, BrowseFilter
from lobass_core.workflows.scored import Scored
from pages.components import address
from pages.components.address import Query
from pages.components.learnability import brush, distributions_view, limits, plane_view

VIEW, PLANE = "learnability.view", "Loss plane"
BRUSH = ("domain", *SHORT_NAMES, "range")
NAMES = ("view", "measure", "form", limits.PARAMETER, "against-reference", *BRUSH)


def slug(view: str) -> str:
    """A view's name in the address: "loss-plane"."""
    return view.lower().replace(" ", "-")


def follow(views: tuple[str, ...], measures: Collection[str], usual: str) -> None:
    """Take over what the address asks for, where somebody came by it; `views` begin with the one shown at first.

    `usual` is the measure that is drawn where the address names none.
    """
    asked = address.asked(NAMES)
    if asked is None:
        return
    by_slug = {slug(name): name for name in views}
    st.session_state[VIEW] = by_slug.get(address.one(asked, "view", by_slug), views[0])
    st.session_state[distributions_view.MEASURE] = address.one(asked, "measure", measures) or usual
    st.session_state[distributions_view.FORM] = address.one(asked, "form", distributions_view.FORMS) or "density"
    if st.session_state[VIEW] == PLANE:
        for text in limits.adopt(asked.get(limits.PARAMETER, [])):
            address.say(f"Invalid value in the address, ignored: {limits.PARAMETER}={text}.")
    st.session_state[plane_view.AGAINST] = address.one(asked, "against-reference", ("yes",)) == "yes"
    brush.put(_brushed(asked, measures))


def _brushed(asked: Query, measures: Collection[str]) -> BrowseFilter | None:
    try:
        brushed = BrowseFilter.from_query({name: asked[name] for name in BRUSH if name in asked})
        if gone := [name for name, _ in brushed.ranges if name not in measures]:
            raise RequestError(f"there is no measure {', '.join(gone)}")
        return brushed
    except RequestError as error:
        address.say(f"{error.what[:1].upper()}{error.what[1:]}; the brush in the address is ignored.")
        return None


def write(view: str, project: Project, rows: Scored) -> None:
    """Make the address that of what is shown; what does not show in this view is left out."""
    query: dict[str, str | list[str]] = {"view": slug(view)}
    session = st.session_state
    if view == "Distributions":
        query["measure"] = session.get(distributions_view.MEASURE) or explore.usual(rows)
        query["form"] = session.get(distributions_view.FORM) or "density"
    if view == PLANE and rows.scoring:
        placed = limits.placed(rows, limits.working_cuts(project), limits.moved())
        query[limits.PARAMETER] = [text for one in placed if (text := one.parameter())]
        if session.get(plane_view.AGAINST):
            query["against-reference"] = "yes"
    address.write(query | brush.query(brush.box(), ()), NAMES)
