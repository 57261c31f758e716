"""Write the sample rows as the files that people really have: Alpaca JSON and question/answer lines, with flaws."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lobass_core.demo_data.sample_rows import Domain, PlantedRow, sample_rows
from lobass_core.files.atomic_file import write_whole

# Records that a scraper or a hand edit spoiled; each is refused by the import, with its place and a reason.
_BROKEN_ALPACA = (
    '{"instruction": "Name three uses of baking soda.", "input": "", "planted": "broken"}',
    '{"instruction": "Translate into French.", "input": "Good morning", "output": null, "planted": "broken"}',
    '"Write a limerick about a cat."',
    '{"instruction": "List the planets in order.", "input": "", "output": {"text": 7}, "planted": "broken"}',
    '{"instruction": null, "input": null, "output": null, "planted": "broken"}',
)
_BROKEN_LINES = (
    '{"question": "A baker packs 6 buns in a box. How many buns are in 7 boxes?", "answer": "6 * 7 = 42',
    "# ---- part 2, exported 14 March ----",
    '{"question": "Ravi runs 3 km a day. How far does he run in a week?", "planted": "broken"}',
    '{"question": "Half of a number is 9. What is the number?", "answer": null, "planted": "broken"}',
    '{"question" "A pen costs $2. What do 5 pens cost?", "answer": "10"}',
)


@dataclass(frozen=True, slots=True)
class SampleFile:
    """One written file; `n_rows` of its records are sound, `n_broken` cannot be imported."""

    path: Path
    domain: Domain
    n_rows: int
    n_broken: int


def write_sample_files(folder: Path, seed: int, share: float = 1.0) -> tuple[SampleFile, SampleFile]:
    """Write `conversation.json` and `math.jsonl`, or a share of their rows; the same seed gives the same bytes.

    Every sound record carries the kind it was planted as under `planted`, a column that no format knows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    conversation, math = sample_rows("conversation", seed, share), sample_rows("math", seed, share)
    records = _scatter([_alpaca(row) for row in conversation], _BROKEN_ALPACA)
    lines = _scatter([_question(row) for row in math], _BROKEN_LINES)
    return (
        SampleFile(
            _write(folder / "conversation.json", "[\n" + ",\n".join(records) + "\n]\n"),
            "conversation",
            len(conversation),
            len(_BROKEN_ALPACA),
        ),
        SampleFile(_write(folder / "math.jsonl", "\n".join(lines) + "\n"), "math", len(math), len(_BROKEN_LINES)),
    )


def _alpaca(row: PlantedRow) -> str:
    exchange = row.exchange
    return _json(
        {
            "instruction": exchange.instruction,
            "input": exchange.input,
            "output": exchange.response,
            "planted": row.planted,
        }
    )


def _question(row: PlantedRow) -> str:
    return _json({"question": row.exchange.prompt, "answer": row.exchange.response, "planted": row.planted})


def _scatter(sound: list[str], broken: Sequence[str]) -> list[str]:
    """The sound records with the broken ones at even distances between them."""
    records, step = list(sound), len(sound) // (len(broken) + 1)
    for number, record in reversed(list(enumerate(broken, start=1))):
        records.insert(number * step, record)
    return records


def _json(record: dict) -> str:
    return json.dumps(record, ensure_ascii=False)


def _write(path: Path, text: str) -> Path:
    # An interrupted demo must not import half a file.
    write_whole(path, text)
    return path
