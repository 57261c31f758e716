"""Where the models stopped reading a truncated sample: in which turn, after how many characters."""

from collections.abc import Sequence
from dataclasses import dataclass

from lobass_core.workflows.token_heat import TokenLosses


@dataclass(frozen=True, slots=True)
class ReadTo:
    """The models read `at` characters of the content of turn `turn` and nothing after; None: the place is not known."""

    turn: int
    at: int | None


def read_to(losses: TokenLosses, contents: Sequence[str], scored: Sequence[bool]) -> ReadTo | None:
    """Find the end of the last token in the turns; None where no response token was kept.

        rendered   <user> Hi <assistant> The answer is 4 .
        tokens     [------------------------------]          the end is cut
        contents   Hi                The answer is 4 .
        read_to                       ~~~~~~~~~~~~~ turn 1, after 13 characters

    A template may strip a content; one that it changes otherwise is not found, and the place within it is not known.
    """
    starts = _run_starts(losses)
    turns = [turn for turn, flag in enumerate(scored) if flag]
    if not starts or not turns:
        return None
    last = min(len(starts), len(turns)) - 1
    content = contents[turns[last]]
    stripped = content.strip()
    place = losses.text.find(stripped, starts[last])
    if not stripped or place < 0:
        return ReadTo(turns[last], None)
    n_read = max(losses.ends) - place
    if n_read >= len(stripped):
        return ReadTo(turns[last], len(content))
    return ReadTo(turns[last], len(content) - len(content.lstrip()) + n_read if n_read > 0 else 0)


def _run_starts(losses: TokenLosses) -> list[int]:
    """First character of each run of response tokens: a run is a scored turn."""
    before = (False, *losses.response[:-1])
    return [start for start, now, was in zip(losses.starts, losses.response, before, strict=True) if now and not was]
