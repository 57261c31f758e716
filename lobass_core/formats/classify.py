"""Which format one row speaks for, by the names of its columns and, where those leave it open, by its values."""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lobass_core.formats.turn_lists import is_turn_list

# An object of many thousand members is no row.
MAX_CACHED_NAMES = 200

# A row may be read by a sibling's mapping when files mix schemas; across families it would be a guess.
FAMILIES = {
    "alpaca": "pair",
    "prompt-completion": "pair",
    "columns": "pair",
    "sharegpt": "chat",
    "messages": "chat",
    "preference": "preference",
    "text": "text",
    "tree": "tree",
}
_INPUTS = ("input", "question", "query", "context")
_OUTPUTS = ("output", "response", "answer", "completion", "target")
_PROMPTS = ("prompt", "question", "query", "problem", "inputs", "user", "human")
# `solution` before `answer`: MATH has both, and the worked solution is what one trains on.
_COMPLETIONS = ("completion", "response", "solution", "canonical_solution", "answer", "output", "targets", "assistant")
_AFTER_NAME = re.compile(r"[,:;(\[]")
_SYSTEMS = ("system", "system_prompt")
_PAIR_PROMPTS = ("prompt", "conversations", "messages", "question", "instruction", "input")

Reading = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class _Candidates:
    """What a row's keys alone speak for. `lists`: columns that decide where their value is a list of turns."""

    preference: Reading | None
    lists: tuple[tuple[str, Reading], ...]
    tree: tuple[str, Reading] | None
    rest: Reading | None


def classify(row: Any) -> Reading | None:
    """Format and mapping that one row's keys speak for; None if no format fits."""
    if not isinstance(row, dict):
        return None
    names = tuple(row)
    candidates = _candidates(names) if len(names) <= MAX_CACHED_NAMES else _candidates.__wrapped__(names)
    if candidates.preference is not None:
        return candidates.preference
    for column, reading in candidates.lists:
        if is_turn_list(row[column]):
            return reading
    if candidates.tree is not None and isinstance(root := row[candidates.tree[0]], dict) and "replies" in root:
        return candidates.tree[1]
    return candidates.rest


# The rows of a file have a few sets of names; telling the format for every row took a quarter of their reading.
@functools.lru_cache(maxsize=4096)
def _candidates(names: tuple[str, ...]) -> _Candidates:
    keys = {name.lower(): name for name in names}
    preference: Reading | None = None
    if "chosen" in keys and "rejected" in keys:
        preference = (
            "preference",
            _named(keys, chosen=("chosen",), rejected=("rejected",), prompt=_PAIR_PROMPTS, system=_SYSTEMS),
        )
    lists: list[tuple[str, Reading]] = []
    if "messages" in keys:
        mapping = _named(keys, messages=("messages",), system=_SYSTEMS, tools=("tools",))
        lists.append((keys["messages"], ("messages", mapping)))
    for name in ("conversations", "conversation", "dialogue", "dialog"):
        if name in keys:
            mapping = _named(keys, conversations=(name,), system=_SYSTEMS, tools=("tools",))
            lists.append((keys[name], ("sharegpt", mapping)))
    tree = (keys["prompt"], ("tree", (("tree", keys["prompt"]),))) if "prompt" in keys else None
    return _Candidates(preference, tuple(lists), tree, _of_texts(keys) or _of_texts(_short_names(names)))


def _of_texts(keys: Mapping[str, str]) -> Reading | None:
    if "instruction" in keys and (output := _first(keys, _OUTPUTS)):
        return "alpaca", _named(
            keys, instruction=("instruction",), input=_INPUTS, output=(output,), system=_SYSTEMS, history=("history",)
        )
    return _classify_pair(keys)


def _short_names(names: Iterable[str]) -> dict[str, str]:
    """The keys by what stands before a comma, colon, semicolon or bracket: "Prompt (English)", "prompt, as asked"."""
    short = {_AFTER_NAME.split(name, maxsplit=1)[0].strip().lower(): name for name in names if _AFTER_NAME.search(name)}
    return {**short, **{name.lower(): name for name in names}} if short else {}


def _classify_pair(keys: Mapping[str, str]) -> Reading | None:
    if {"body", "question", "answer"} <= keys.keys():
        return "columns", (("prompt", f"{keys['body']}+{keys['question']}"), ("response", keys["answer"]))
    prompt, completion = _first(keys, _PROMPTS), _first(keys, _COMPLETIONS)
    if prompt and completion:
        return "prompt-completion", _named(keys, prompt=(prompt,), completion=(completion,), system=_SYSTEMS)
    if {"input", "output"} <= keys.keys():
        return "prompt-completion", _named(keys, prompt=("input",), completion=("output",), system=_SYSTEMS)
    if {"text", "code"} <= keys.keys():
        return "prompt-completion", _named(keys, prompt=("text",), completion=("code",))
    if "text" in keys:
        return "text", _named(keys, text=("text",))
    return None


def _first(keys: Mapping[str, str], names: Iterable[str]) -> str:
    return next((name for name in names if name in keys), "")


def _named(keys: Mapping[str, str], **fields: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """(field, column) for each field of which one of the names is a column of the row."""
    pairs = ((field, _first(keys, names)) for field, names in fields.items())
    return tuple((field, keys[name]) for field, name in pairs if name)
