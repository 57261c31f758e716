"""Open Assistant's trees: each message with its ranked replies, read as the conversation that people ranked first."""

from collections.abc import Mapping
from typing import Any

from lobass_core.formats import messages
from lobass_core.formats.record_format import ParsedSample, RecordFormat, rest_of
from lobass_core.formats.row_errors import RowError
from lobass_core.formats.turns import check_has_response, field_of, turn_of
from lobass_core.records import Sample, Turn


def parse(row: dict[str, Any], mapping: Mapping[str, str]) -> ParsedSample:
    """The best path from the root: at each message the reply of least rank, else the first; never a deleted one.

    The path ends with the assistant: a last question that nobody answered is left off.
    """
    column = mapping.get("tree", "prompt")
    message = field_of(row, column)
    turns: list[Turn] = []
    while message is not None:
        if not isinstance(message, dict):
            raise RowError(f"message {len(turns) + 1} of the tree is not an object")
        turn = turn_of({key: message.get(key) for key in ("role", "text")}, f"message {len(turns) + 1} of the tree")
        turns.append(turn)
        message = _best(message.get("replies") or [])
    while turns and not turns[-1].is_answer:
        turns.pop()
    check_has_response(tuple(turns))
    return ParsedSample(Sample.of(turns), rest_of(row, column))


def _best(replies: Any) -> dict[str, Any] | None:
    if not isinstance(replies, list):
        raise RowError("the replies of a message are not a list")
    kept = [reply for reply in replies if isinstance(reply, dict) and not reply.get("deleted")]
    ranks = [rank if isinstance(rank := reply.get("rank"), int) else len(replies) for reply in kept]
    return kept[ranks.index(min(ranks))] if kept else None


def build(sample: Sample, extra: Mapping[str, Any]) -> dict[str, Any]:
    """One path is no tree any more: it leaves as messages."""
    return messages.build(sample, extra)


FORMAT = RecordFormat(
    "tree", "Conversation tree", ("tree",), ("tree",), parse, build, {"prompt": "tree", "messages": "tree"}
)
