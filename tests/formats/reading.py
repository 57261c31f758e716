"""A small file written and read: its records, and why lines of it are rejected."""

import json
from pathlib import Path

from lobass_core.formats.read_files import BadRecord, RawRecord, open_records

ROWS = [{"prompt": "2+2?", "completion": "4"}, {"prompt": "Größe 猫", "completion": "ok"}]


def write(tmp_path: Path, name: str, data: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def values(path: Path, encoding: str = "auto") -> list:
    return [record.value for record in open_records(path, encoding) if isinstance(record, RawRecord)]


def reasons(path: Path) -> list[tuple[int, int, str]]:
    return [(r.row_index, r.line, r.reason) for r in open_records(path) if isinstance(r, BadRecord)]


def lines_of(rows: list[dict], ending: str = "\n") -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + ending for row in rows)
