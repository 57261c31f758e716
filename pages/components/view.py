"""The read-only view: a tree of tags and text that Python describes and the browser patches in place.

    from pages.components import parts, view
    from pages.components.view import el

    clicked = view.show(
        [
            parts.key_numbers([parts.KeyNumber("Rows", "71,245", note="28 rejected", tinted=True)]),
            el("p", "Text of a sample: ", el("b", row.text), cls="muted"),
            parts.link("See the rows", on="rows"),
        ],
        key="overview-top",
    )
    if clicked == "rows":
        st.switch_page(...)

Text only ever becomes text nodes, so a sample full of tags shows its tags. Tags and attributes outside the lists below
are refused here and again in the browser. `on="id"` makes a node clickable (and reachable by keyboard); `show` returns
that id in the run that the click started, else None. Give each view its own `key`: with it the browser patches only
what changed (no flicker under `run_every`), without it every change would mount anew. Classes live in
view_assets/view.css; parts.py has builders for what pages usually need.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import streamlit as st

Node: TypeAlias = str | tuple[str, dict[str, object], list["Node"]]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


HTML_TAGS = _names(
    "div span p b em small sub sup code pre h1 h2 h3 ul ol li dl dt dd table thead tbody tr th td col colgroup caption"
    " button hr br section figure figcaption kbd"
)
SVG_TAGS = _names("svg g path rect line circle text tspan polyline polygon defs clipPath title")
ATTRIBUTES = _names(
    "class title role tabindex dir lang colspan rowspan scope disabled id viewBox preserveAspectRatio d x y x1 x2 y1 y2"
    " width height r cx cy rx ry dx dy points transform fill stroke stroke-width stroke-dasharray text-anchor"
    " dominant-baseline opacity clip-path vector-effect on style domain"
)
STYLES = _names(
    "width height left right top bottom flex grid-template-columns text-align max-width min-width max-height"
    " margin-top margin-bottom padding-left padding-right"
)

# 45 degrees, so that "left behind" never depends on colour alone; use it as fill="url(#hatch)".
_HATCH = (
    '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>'
    '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="hatch-ground" width="6" height="6"/><line class="hatch-line" x1="0" y1="0" x2="0" y2="6"/>'
    "</pattern></defs></svg>"
)
_ASSETS = Path(__file__).with_name("view_assets")
_SCRIPTS = ("domain_colours.js", "view_assets/view.js")
_MOUNT = st.components.v2.component(
    "lobass_view",
    html=_HATCH + '<div class="root"></div>',
    css=(_ASSETS / "view.css").read_text(encoding="utf-8"),
    js="\n".join(_ASSETS.parent.joinpath(name).read_text(encoding="utf-8") for name in _SCRIPTS),
)


def el(
    tag: str,
    *children: Node | None,
    cls: str = "",
    on: str = "",
    domain: int | None = None,
    style: Mapping[str, str] | None = None,
    **attributes: object,
) -> Node:
    """One element. `domain` is a colour slot of `theme.domain_slots`; None children are left out.

    Attribute names take `_` for `-` (`aria_label`, `stroke_width`); `style` knows sizes and columns only.
    """
    if tag not in HTML_TAGS and tag not in SVG_TAGS:
        raise ValueError(f"tag {tag!r} is not one that a view draws")
    attrs: dict[str, object] = {}
    if cls:
        attrs["class"] = cls
    if on:
        attrs["on"] = on
    if domain is not None:
        attrs["domain"] = int(domain)
    if style:
        unknown = set(style) - STYLES
        if unknown:
            raise ValueError(f"a view does not set the style {', '.join(sorted(unknown))}")
        attrs["style"] = dict(style)
    for name, value in attributes.items():
        known = name if name in ATTRIBUTES else name.replace("_", "-")
        if known not in ATTRIBUTES and not known.startswith("aria-"):
            raise ValueError(f"attribute {name!r} is not one that a view sets")
        if value is not None and value is not False:
            attrs[known] = value if isinstance(value, str) else _plain(value)
    return tag, attrs, [child for child in children if child is not None]


def _plain(value: object) -> object:
    """numpy numbers would turn the whole payload into a string on its way to the browser."""
    item = getattr(value, "item", None)
    return item() if callable(item) else value if isinstance(value, bool | int | float) else str(value)


def show(
    tree: Node | Sequence[Node | None],
    *,
    key: str,
    label: str = "",
    width: Literal["stretch", "content"] | int = "stretch",
    on_event: Callable[[], None] | None = None,
) -> str | None:
    """Draw the tree and return the `on` id that was just clicked, else None.

    `label` names the region for screen readers. `on_event` runs before the page does, like any widget's callback; read
    `view.clicked(key)` inside it.
    """
    # One node is a tuple, several are a list.
    nodes = [tree] if isinstance(tree, str | tuple) else [node for node in tree if node is not None]
    result = _MOUNT(
        key=key,
        data={"tree": nodes, "label": label},
        width=width,
        height="content",
        on_event_change=on_event or _nothing,
    )
    return result.event


def clicked(key: str) -> str | None:
    """Inside an `on_event` callback: the id that was clicked in the view of that key."""
    return getattr(st.session_state.get(key), "event", None)


def _nothing() -> None:
    """Streamlit hands out `result.event` only when the event has a callback."""
