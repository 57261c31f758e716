"""A filter of Browse in words: one chip per condition, or all in one line."""

import functools
from collections.abc import Callable

from lobass_core.learnability.measures import label_of
from lobass_core.workflows.browse_filter import LISTS, QUEUE, SELECTIONS, BrowseFilter, Range

SELECTION_WORDS = {
    "in_selections": "in",
    "not_in_selections": "not in",
}
# What a chip says, the end of its key, and the way to the filter without it.
Condition = tuple[str, str, Callable[[BrowseFilter], BrowseFilter]]


def conditions(asked: BrowseFilter) -> list[Condition]:
    """Every condition of the filter, in the order of the chips."""
    listed: list[Condition] = []
    if asked.text:
        scope = "" if asked.scope == "any" else f" in {asked.scope}"
        listed.append(_condition(f"“{_short(asked.text)}”{scope}", "text", "scope", "match_case"))
    for name, field in LISTS.items():
        if values := getattr(asked, field):
            is_code = field in ("statuses", "flags", "review")
            words = ", ".join(value.replace("_", " ") if is_code else value for value in values)
            if field == "review" and values == tuple(sorted(QUEUE)):
                words = "all reasons"
            listed.append(_condition(f"{name}: {_short(words)}", field))
    if asked.cuts:
        by = "" if asked.cut_by == "learnability" else f" by {label_of(asked.cut_by)}"
        cuts = ", ".join(f"{domain} {cut:.4g}".strip() for domain, cut in asked.cuts)
        listed.append(_condition(f"cut{by}: {_short(cuts)}", "cuts", "review"))
    for name, limits in asked.ranges:
        rest = functools.partial(BrowseFilter.with_range, name=name, limits=None)
        listed.append((f"{label_of(name)} {range_words(limits)}", f"range.{name}", rest))
    for field in SELECTIONS.values():
        # A selection is a condition by itself, so each has a chip of its own.
        for name in getattr(asked, field):
            rest = functools.partial(BrowseFilter.without_selection, field=field, name=name)
            listed.append((f"{SELECTION_WORDS[field]} {_short(name)}", f"{field}.{name}", rest))
    return listed


def _condition(words: str, *fields: str) -> Condition:
    return words, fields[0], lambda asked: asked.without(*fields)


def range_words(limits: Range) -> str:
    """0.1 – 0.4, from 0.1, up to 0.4; four digits are enough to recognise a range by."""
    low, high = (None if limit is None else f"{limit:.4g}".replace("-", "−") for limit in limits)
    if low is not None and high is not None:
        return low if low == high else f"{low} – {high}"
    return f"from {low}" if high is None else f"up to {high}"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def in_words(asked: BrowseFilter) -> str:
    """All conditions as their chips say them; empty where there is none."""
    return " · ".join(words for words, _, _ in conditions(asked))
