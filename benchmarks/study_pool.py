"""The rows of the study: a pool, the rows held out, and the same pool with bad rows in it."""

import hashlib
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lobass_core.formats import alpaca
from lobass_core.records import Sample, Turn
from lobass_core.rendering.render import Renderer
from lobass_core.similarity.near_duplicates import duplicate_groups

MAX_TOKENS = 256
N_POOL, N_HELD_OUT, N_FURTHER = 500, 100, 30
POOL, HELD_OUT, FURTHER = "pool", "held out", "further"
CONVERSATION, MATHEMATICS = "conversation", "mathematics"
DAMAGE = ("swapped", "cut", "other language", "shuffled")
DAMAGED_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class StudyRow:
    """A row with the set that its losses are shown in, what it serves for, and how it was damaged, if it was."""

    sample: Sample
    set_name: str
    part: str
    damage: str = ""
    stands_for: str = ""


def study_rows(data: Path, renderer: Renderer) -> list[StudyRow]:
    """Pool, held-out and further rows, none of them a near duplicate of a pool row outside of the pool.

    Each file's rows are taken in an order drawn from their ids, those of more than `MAX_TOKENS` tokens left out.
    """
    files = {
        CONVERSATION: (_alpaca(data / "conversation" / "alpaca_random_9k.json"), N_POOL + N_HELD_OUT + N_FURTHER),
        MATHEMATICS: (_gsm8k(data / "math" / "gsm8k_train.jsonl"), N_POOL + N_HELD_OUT + N_FURTHER),
        "gsm8k_test": (_gsm8k(data / "math" / "gsm8k_test.jsonl"), N_HELD_OUT),
        "dolly_3k": (_alpaca(data / "conversation" / "dolly_3k.json"), N_HELD_OUT),
    }
    # A tenth more than is wanted, for the near duplicates that are passed over.
    short = {name: _short(samples, renderer, n + n // 10) for name, (samples, n) in files.items()}
    every = [sample for samples in short.values() for sample in samples]
    groups = dict(zip((one.sample_id for one in every), duplicate_groups([_text(one) for one in every]), strict=True))
    rows: list[StudyRow] = []
    taken: set[str] = set()
    closed: set[int] = set()

    def take(name: str, part: str, n: int) -> None:
        free = (one for one in short[name] if one.sample_id not in taken and groups[one.sample_id] not in closed)
        chosen = [one for one, _ in zip(free, range(n), strict=False)]
        if len(chosen) < n:
            raise SystemExit(f"{name} has only {len(chosen)} of the {n} rows that are wanted")
        taken.update(one.sample_id for one in chosen)
        rows.extend(StudyRow(one, name, part) for one in chosen)

    for name in files:
        take(name, HELD_OUT, N_HELD_OUT)
    for name in (CONVERSATION, MATHEMATICS):
        take(name, FURTHER, N_FURTHER)
    closed.update(int(groups[sample_id]) for sample_id in taken)
    for name in (CONVERSATION, MATHEMATICS):
        take(name, POOL, N_POOL)
    return rows


def with_bad_rows(pool: Sequence[StudyRow], data: Path) -> list[StudyRow]:
    """The pool with 30 % of each domain damaged, a quarter of them each way; the others as they are.

    swapped: the answer of another row of the domain; cut: the first half of the answer; other language: an answer of
    alpaca_zh_demo; shuffled: the answer's words in another order.
    """
    foreign = [one.turns[-1].content for one in _alpaca(data / "messy" / "alpaca_zh_demo.json")]
    foreign = [text for text in sorted(foreign, key=_place) if text.strip()]
    damaged: dict[str, StudyRow] = {}
    for domain in (CONVERSATION, MATHEMATICS):
        rows = sorted(
            (row for row in pool if row.set_name == domain), key=lambda row: _place("bad", row.sample.sample_id)
        )
        n_a_way = round(DAMAGED_SHARE * len(rows)) / len(DAMAGE)
        edges = [round(number * n_a_way) for number in range(len(DAMAGE) + 1)]
        parts = {way: rows[edges[number] : edges[number + 1]] for number, way in enumerate(DAMAGE)}
        answers = {
            "swapped": _rotated([_answer(row) for row in parts["swapped"]]),
            "cut": [_first_half(_answer(row)) for row in parts["cut"]],
            "other language": [foreign.pop() for _ in parts["other language"]],
            "shuffled": [_shuffled(_answer(row), row.sample.sample_id) for row in parts["shuffled"]],
        }
        for way, chosen in parts.items():
            for row, answer in zip(chosen, answers[way], strict=True):
                damaged[row.sample.sample_id] = _with_answer(row, answer, way)
    return [damaged.get(row.sample.sample_id, row) for row in pool]


def _with_answer(row: StudyRow, answer: str, damage: str) -> StudyRow:
    turns = (*row.sample.turns[:-1], replace(row.sample.turns[-1], content=answer))
    return replace(row, sample=Sample.of(turns), damage=damage, stands_for=row.sample.sample_id)


def _answer(row: StudyRow) -> str:
    return row.sample.turns[-1].content


def _rotated(texts: list[str]) -> list[str]:
    return [*texts[1:], *texts[:1]]


def _first_half(text: str) -> str:
    return text[: max(1, len(text) // 2)]


def _shuffled(text: str, sample_id: str) -> str:
    words = text.split()
    random.Random(sample_id).shuffle(words)
    return " ".join(words)


def _alpaca(path: Path) -> list[Sample]:
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [alpaca.parse(row, {}).sample for row in rows if row["instruction"].strip() and row["output"].strip()]


def _gsm8k(path: Path) -> list[Sample]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Sample.of([Turn("user", row["question"]), Turn("assistant", row["answer"])]) for row in rows]


def _short(samples: Iterable[Sample], renderer: Renderer, n: int) -> list[Sample]:
    """The first `n` different samples, in the order of their draw, that fit the limit whole."""
    ordered = sorted({one.sample_id: one for one in samples}.values(), key=lambda one: _place("study", one.sample_id))
    found: list[Sample] = []
    for start in range(0, len(ordered), n):
        chunk = ordered[start : start + n]
        found += [one for one, item in zip(chunk, renderer.render(chunk), strict=True) if item.status == "ok"]
        if len(found) >= n:
            break
    return found[:n]


def _text(sample: Sample) -> str:
    return "\n".join(turn.content for turn in sample.turns)


def _place(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
