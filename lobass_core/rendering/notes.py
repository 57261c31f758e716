"""What a person should know of rows that were rendered all the same, counted over many and said in sentences."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from lobass_core.records import Sample
from lobass_core.rendering.messages import passed_keys, unread_thoughts
from lobass_core.words.loss_words import which_side_is_scored
from lobass_core.words.plural import plural

NoteKind = Literal["pair", "passed", "unread"]
Note = tuple[NoteKind, str]


def notes_of(sample: Sample, keys: frozenset[str] | None) -> tuple[Note, ...]:
    """Notes of one sample under a template that reads these keys of its messages."""
    if sample.kind == "text":
        return ()
    pair: tuple[Note, ...] = (("pair", ""),) if sample.kind == "preference" else ()
    passed: list[Note] = [("passed", key) for key in sorted(passed_keys(sample, keys))]
    unread: list[Note] = [("unread", key) for key in sorted(unread_thoughts(sample, keys))]
    return (*pair, *passed, *unread)


def counted(notes: Iterable[tuple[Note, ...]]) -> Counter[Note]:
    """How many samples each note is about."""
    return Counter(note for of_one in notes for note in of_one)


def sentences(counts: Counter[Note]) -> list[str]:
    """One sentence a note, pairs first."""
    return [_sentence(kind, key, counts[kind, key]) for kind, key in sorted(counts)]


def _sentence(kind: NoteKind, key: str, n: int) -> str:
    samples = plural(n, "sample")
    match kind:
        case "pair":
            return which_side_is_scored(n)
        case "passed":
            return (
                f"{samples} with the field {key!r} on a turn, which the template reads. "
                "Samples that differ only in this field count as one."
            )
        case "unread":
            return (
                f"{samples} with reasoning in the field {key!r}, which the template does not read. "
                "It is in neither the prompt nor the response."
            )
