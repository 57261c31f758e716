"""What the list component is given: pages of rows, acknowledgements, token losses; plain numbers and text only."""

import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from lobass_core.learnability.flags import FLAG_NAMES
from lobass_core.learnability.measures import BUILT_IN, Measure
from lobass_core.records import response_turns, turns_from_json
from lobass_core.workflows.browse import BrowseRow
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.read_part import read_to
from lobass_core.workflows.row_table import DomainShape
from lobass_core.workflows.token_heat import TokenLosses
from pages.components import theme
from pages.serving.identity import SERVER_ID

# A page of fifty rows stays under a megabyte whatever is in it; the rest of a long turn is fetched when asked for.
LONGEST_TURN = 6_000
LONGEST_SAMPLE = 20_000
LEARNABILITY, BASE_LOSS = BUILT_IN["learnability"], BUILT_IN["base-loss"]
REFERENCE_LOSS = BUILT_IN["reference-loss"]
LOSS_PAIRS = (
    ((BASE_LOSS, REFERENCE_LOSS), (f"{BASE_LOSS.label} ", f"{REFERENCE_LOSS.label} "), ""),
    (
        (BUILT_IN["base-bits-per-byte"], BUILT_IN["reference-bits-per-byte"]), ("", ""),
        "The same losses per byte of the response. Use this unit to compare models with different tokenizers.",
    ),
)  # fmt: skip
BY_COLUMN = {one.column: one for one in BUILT_IN.values()}
KNOWN_FLAGS = frozenset(FLAG_NAMES.values())
# Letters around a hit that lies beyond what is sent: enough for a line of the list at any width.
BEFORE_HIT, AFTER_HIT = 300, 500
# Where a search first finds something in a text, by the text; texts that it does not find are not in it.
Hits = Mapping[str, int]


def row(
    browse_row: BrowseRow, *, mask_rule: str, whole: bool = False, hits: Hits | None = None, review: Sequence[str] = (),
    measures: Mapping[str, Measure] = BY_COLUMN, ranked_by: Measure = LEARNABILITY,
) -> dict:  # fmt: skip
    """One row as the component reads it; `whole` leaves no text out, `review` says why it is in the queue.

    `measures` are those of the project by the names that they have in files; the rows are ranked by one of them.
    """
    stored = browse_row.stored
    return {
        "key": stored.row_key,
        "sample_key": stored.sample_key,
        "sample_id": stored.sample_id,
        "rank": browse_row.rank,
        "rank_in_domain": browse_row.rank_in_domain,
        "score": browse_row.values.get(ranked_by.column),
        "numbers": _numbers(browse_row.values, measures),
        "n_tokens": browse_row.n_tokens,
        "n_prompt_tokens": browse_row.n_prompt_tokens,
        "n_chars": stored.n_chars,
        "domain": stored.domain,
        "dataset": stored.dataset,
        "row_index": stored.row_index,
        "is_duplicate": stored.is_duplicate,
        # Where no row is scored, it is nothing to mark a row with.
        "flags": [
            name
            for name in browse_row.flags
            if name in KNOWN_FLAGS - ({"not_scored"} if ranked_by.is_column else set())
        ],
        "kind": stored.kind,
        "review": list(review),
        "turns": _turns(browse_row, mask_rule, whole, hits or {}),
        "tools": stored.tools or "",
        "verdict": stored.verdict,
        "reason": stored.reason,
        "tags": list(stored.tags),
        "note": stored.note,
        "history": [[act.kind, act.text, act.reason, act.author, act.made_at, act.ended_at] for act in stored.history],
    }


def _numbers(values: Mapping[str, float | None], measures: Mapping[str, Measure]) -> list[dict[str, str]]:
    """The measures of a row in words, and what each is; losses of one unit stand together."""
    left, shown = dict(values), []
    score = left.pop(LEARNABILITY.column)
    if score is not None:
        shown.append({"text": f"{LEARNABILITY.label} {theme.number(score)}", "about": LEARNABILITY.formula})
    for pair, labels, about in LOSS_PAIRS:
        numbers = [left.pop(one.column) for one in pair]
        if any(number is not None for number in numbers):
            words = [f"{label}{theme.number(number, 2)}" for label, number in zip(labels, numbers, strict=True)]
            shown.append({"text": f"{' → '.join(words)} {pair[0].unit}", "about": about})
    shown += [_in_words(value, measures[name]) for name, value in left.items() if value is not None]
    return shown


def _in_words(value: float, measure: Measure) -> dict[str, str]:
    text = f"{measure.label} {value:.4g} {measure.unit}".rstrip()
    better = "higher" if measure.higher_is_better else "lower"
    about = f"from {measure.source}; {better} is better" if measure.is_column else measure.formula
    return {"text": text, "about": about}


def long_texts(browse_row: BrowseRow) -> list[str]:
    """The texts of a row that may not be sent whole."""
    if browse_row.stored.n_chars <= LONGEST_TURN:
        return []
    turns = turns_from_json(browse_row.stored.turns)
    return [text for turn in turns for text in (*turn.thoughts.values(), turn.content) if text]


def _excerpt(text: str, sent: str, hits: Hits) -> str:
    """The text around its first hit where that is not in what is sent; empty otherwise."""
    hit = hits.get(text)
    # The hit may begin in what is sent and end beyond it: a text that was cut is asked for from there on.
    if hit is None or len(sent) == len(text) or hit + AFTER_HIT <= len(sent):
        return ""
    return text[max(0, hit - BEFORE_HIT) : hit + AFTER_HIT]


def _turns(browse_row: BrowseRow, mask_rule: str, whole: bool, hits: Hits) -> list[dict]:
    stored = browse_row.stored
    turns = turns_from_json(stored.turns)
    rejected = turns_from_json(stored.rejected) if stored.rejected else ()
    scored = (
        response_turns(turns, stored.kind, mask_rule)
        if browse_row.values[BASE_LOSS.column] is not None
        else [False] * len(turns)
    )
    left = LONGEST_SAMPLE
    shown = []
    for number, turn in enumerate((*turns, *rejected)):
        limit = len(turn.content) if whole else min(LONGEST_TURN, left)
        text = turn.content[:limit]
        left = max(0, left - len(text))
        is_cut = len(text) < len(turn.content)
        thoughts = []
        for key, whole_thought in turn.thoughts.items():
            thought = whole_thought if whole else whole_thought[: min(LONGEST_TURN, left)]
            left = max(0, left - len(thought))
            excerpt = _excerpt(whole_thought, thought, hits)
            is_cut |= len(thought) < len(whole_thought)
            thoughts.append({"key": key, "text": thought, "n_chars": len(whole_thought), "excerpt": excerpt})
        shown.append(
            {
                "role": turn.role,
                "thoughts": thoughts,
                "content": text,
                "excerpt": _excerpt(turn.content, text, hits),
                "n_chars": len(turn.content),
                "is_cut": is_cut,
                "scored": number < len(turns) and scored[number],
                "name": turn.name or "",
                "tool_calls": _pretty(turn.tool_calls),
                "rejected": number >= len(turns),
            }
        )
    return shown


def _pretty(tool_calls: str | None) -> str:
    if not tool_calls:
        return ""
    try:
        return json.dumps(json.loads(tool_calls), ensure_ascii=False, indent=2)
    except ValueError:
        return tool_calls


def shapes(domains: Iterable[DomainShape], label: str = LEARNABILITY.label) -> dict[str, dict]:
    """The ridge of each domain; `label` says of what."""
    return {
        shape.domain: {
            "n_scored": shape.n_scored,
            "low": shape.low,
            "high": shape.high,
            "counts": list(shape.counts),
            "label": label,
        }
        for shape in domains
    }


def tokens(browse_row: BrowseRow, losses: TokenLosses, *, mask_rule: str) -> dict:
    """Tokens of one sample with offsets as the browser counts them, in UTF-16 units.

    `read_to` says of a truncated one where the models stopped reading it.
    """
    starts, ends = _utf16(losses.text, losses.starts), _utf16(losses.text, losses.ends)
    return {
        "key": browse_row.stored.row_key,
        "sample_id": losses.sample_id,
        "read_to": _read_to(browse_row, losses, mask_rule) if "truncated" in browse_row.flags else None,
        "text": losses.text,
        "ids": list(losses.token_ids),
        "starts": starts,
        "ends": ends,
        "response": [bool(scored) for scored in losses.response],
        "base": _rounded(losses.base),
        "reference": _rounded(losses.reference),
    }


def _read_to(browse_row: BrowseRow, losses: TokenLosses, mask_rule: str) -> dict | None:
    turns = turns_from_json(browse_row.stored.turns)
    contents = [turn.content for turn in turns]
    end = read_to(losses, contents, response_turns(turns, browse_row.stored.kind, mask_rule))
    if end is None:
        return None
    return {"turn": end.turn, "at": None if end.at is None else _utf16(contents[end.turn], [end.at])[0]}


def no_tokens(row_key: int, reason: str) -> dict:
    """Why there are none."""
    return {"key": row_key, "error": reason}


def _rounded(losses: Sequence[float | None]) -> list[float | None]:
    return [None if loss is None else round(loss, 4) for loss in losses]


def _utf16(text: str, offsets: Sequence[int]) -> list[int]:
    """Character offsets as UTF-16 units: a letter beyond U+FFFF counts twice in JavaScript."""
    letters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    units = np.concatenate([[0], np.cumsum(1 + (letters > 0xFFFF))])
    return units[np.asarray(offsets, np.int64)].tolist() if len(offsets) else []


def data(
    *,
    project: str,
    seq: int,
    trouble: str,
    view: str,
    n_found: int,
    n_rows: int,
    n_decided: int,
    asked: BrowseFilter,
    page_rows: int,
    page: int,
    row_key: int | None,
    pages: Mapping[int, list[dict]],
    slots: Mapping[str, int],
    ridges: Mapping[str, dict],
    tags: Sequence[str],
    author: str,
    is_scored: bool,
    acked: Sequence[str],
    failed: Sequence[tuple[str, str]],
    changed: Mapping[str, Sequence[tuple[int, str]]],
    token_losses: dict | None,
    full: dict | None,
) -> dict[str, object]:
    """The whole message: `seq` is the browser's last one that was read, `trouble` why acts could not be written.

    No numpy number, bytes or NaN may be in it: each would turn it into a string, or stop it.
    """
    return {
        "project": project,
        "server": SERVER_ID,
        "seq": seq,
        "trouble": trouble,
        "view": view,
        "n": n_found,
        "total": n_rows,
        "decided": n_decided,
        "search": {"text": asked.text, "scope": asked.scope, "match_case": asked.match_case},
        "page_rows": page_rows,
        "page": page,
        "row": row_key,
        "pages": {str(number): rows for number, rows in pages.items()},
        "slots": dict(slots),
        "shapes": dict(ridges),
        "tags": list(tags),
        "author": author,
        "scored": is_scored,
        "acked": list(acked),
        "failed": [list(item) for item in failed],
        "changed": {act_id: [list(item) for item in verdicts] for act_id, verdicts in changed.items()},
        "tokens": token_losses,
        "full": full,
    }
