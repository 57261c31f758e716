"""A rendered sample as the models read it: the prompt grey, scored tokens tinted, special tokens boxed."""

import re
from collections.abc import Sequence

from lobass_core.jobs.run_results import PreviewRow
from pages.components import parts, theme
from pages.components.view import Node, el

SPECIAL = re.compile(r"<\|?[^<>\s]{1,40}\|?>|\[/?[A-Z_]{2,20}\]|<</?[A-Z]+>>")
# A page of text; the rest is counted.
MOST_TOKENS = 420
# Prompt tokens in front of the response that stay in sight when a prompt is long.
PROMPT_IN_SIGHT = 120


def examples(preview: Sequence[PreviewRow]) -> dict[str, PreviewRow]:
    """Rows to look at by name, from those that the preflight rendered; the same row is offered once."""
    rows = [row for row in preview if row.tokens]
    if not rows:
        return {}
    by_length = sorted(rows, key=lambda row: len(row.tokens))
    by_name = {
        "Typical": by_length[len(by_length) // 2],
        "Shortest": by_length[0],
        "Longest": by_length[-1],
        "Multi-turn": max(rows, key=_n_responses),
    }
    if _n_responses(by_name["Multi-turn"]) < 2:
        del by_name["Multi-turn"]
    chosen: dict[str, PreviewRow] = {}
    for name, row in by_name.items():
        if row.sample_id not in {other.sample_id for other in chosen.values()}:
            chosen[name] = row
    return chosen


def _n_responses(row: PreviewRow) -> int:
    """Separate runs of scored tokens."""
    masks = [token.response for token in row.tokens]
    return sum(now and not before for before, now in zip([False, *masks], masks, strict=False))


def legend(row: PreviewRow) -> Node:
    """How to read it, with counts."""
    scored = sum(token.response for token in row.tokens)
    rest = len(row.tokens) - scored
    return el(
        "div",
        el("span", el("span", cls="key-scored"), f"scored: {theme.count(scored)} tokens"),
        el("span", f"grey, not scored: {theme.count(rest)}", cls="muted"),
        el("span", f"sample {row.sample_id[:8]} · {row.domain}", cls="end muted"),
        cls="row",
    )


def tokens(row: PreviewRow) -> Node:
    """The tokens in order; a long prompt loses its beginning, a long response its end, both counted."""
    spans = row.tokens
    first = next((i for i, token in enumerate(spans) if token.response), 0)
    start = max(first - PROMPT_IN_SIGHT, 0) if len(spans) > MOST_TOKENS else 0
    shown = spans[start : start + MOST_TOKENS]
    nodes: list[Node] = []
    if start:
        nodes.append(el("span", f"{theme.count(start)} earlier tokens", cls="tag"))
    place = shown[0].start if shown else 0
    for token in shown:
        # Offsets may leave out spaces, and several byte tokens may share one character.
        text = row.text[place : max(token.end, place)]
        place = max(token.end, place)
        if text:
            nodes.append(_token(text, token.response))
    if start + len(shown) < len(spans):
        nodes.append(el("span", f"{theme.count(len(spans) - start - len(shown))} more tokens", cls="tag"))
    return el("div", *nodes, cls="tokens", dir="auto")


def _token(text: str, scored: bool) -> Node:
    special = "special " if SPECIAL.fullmatch(text.strip()) else ""
    if not (special or scored):
        return el("span", *parts.visible(text))
    return el("span", *parts.visible(text), cls=f"{special}{'scored' if scored else ''}".strip())


def mask_sentence(rule: str) -> str:
    """The mask rule in words."""
    turns = "the last assistant turn" if rule == "last" else "assistant turns"
    return f"{turns} with their end token; never the prompt"
