"""Filters of Browse for tests."""

from typing import Any

from lobass_core.workflows.browse_filter import BrowseFilter, Range


def ranged(*domains: str, more: dict[str, Any] | None = None, **ranges: Range) -> BrowseFilter:
    """Rows of these domains within ranges of measures, named with "_" for "-"; `more` are other fields."""
    limits = tuple((name.replace("_", "-"), found) for name, found in ranges.items())
    return BrowseFilter(domains=domains, ranges=limits, **(more or {}))
