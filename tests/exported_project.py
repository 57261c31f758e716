"""The rows that exports are tested on (the fixture `filled` of tests/workflows), and reading what was written."""

import json
from pathlib import Path
from typing import get_args

from lobass_core.specs import ExportFormat

FORMATS = get_args(ExportFormat)
MATH = [{"question": f"{n}+{n}?", "answer": str(2 * n), "level": n} for n in range(6)]
CHAT = [
    {
        "messages": [{"role": "user", "content": f"Hi {n}"}, {"role": "assistant", "content": f"Hello {n}"}],
        "id": f"c{n}",
    }
    for n in range(4)
]


def records_in(path: Path) -> list[dict]:
    """The records of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def contents_of(folder: Path) -> dict[str, bytes]:
    """The bytes of every file below a folder, by its path in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
