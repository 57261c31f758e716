"""Text with marks that show where a response lies: marks put around a content, and the spans between marks."""

import re
from collections.abc import Sequence

from lobass_core.rendering.chat_jinja import RESPONSE_END, RESPONSE_START, without_marks

Span = tuple[int, int]


def wrap_whole(content: str) -> str:
    """Marks around all of the content."""
    return f"{RESPONSE_START}{content}{RESPONSE_END}"


def wrap_core(content: str) -> str:
    """Marks inside the outer white space, which many templates trim."""
    core = content.strip()
    start = content.index(core) if core else len(content)
    return f"{content[:start]}{RESPONSE_START}{core}{RESPONSE_END}{content[start + len(core) :]}"


def spans_between(marked: str, opening: str, closing: str) -> list[Span] | None:
    """Spans in the text without marks; None where the marks do not alternate or there are none."""
    spans, position, start = [], 0, -1
    for piece in re.split(f"([{opening}{closing}])", marked):  # the other marks take no room
        if piece == opening and start < 0:
            start = position
        elif piece == closing and start >= 0:
            spans.append((start, position))
            start = -1
        elif piece in (opening, closing):
            return None
        else:
            position += len(without_marks(piece))
    return spans if spans and start < 0 else None


def joined(spans: Sequence[Span]) -> list[Span]:
    """The spans, those that touch as one."""
    merged: list[Span] = []
    for start, end in spans:
        if merged and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged
