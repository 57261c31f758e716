"""Write what the last `pytest -m trainers` found into docs/exports.md: `python -m tests.trainers.table`."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.trainers.cells import Cell
from tests.trainers.environments import ENVIRONMENTS, FOLDER, NAMES
from tests.trainers.exports import FORMATS
from tests.trainers.shapes import SHAPES

PAGE = Path(__file__).parents[2] / "docs" / "exports.md"
BEGIN, END = "<!-- trainers: begin -->", "<!-- trainers: end -->"
UNCHECKED = "unchecked"
INTRODUCTION = """\
## What the trainers keep

`make trainers` installs each trainer in an environment of its own, with the oldest and the newest `datasets` that it
allows (Axolotl 0.19 asks for one version), lets its own data path read every export, and writes these tables.
*Exported*: rows written, of those selected. *Promised*: rows that `lobass export --dry-run` says are left, at 512
tokens where the rows are long. *Kept*: rows that the trainer trains on. *Learns*: what it learns of them, compared
token for token with what was scored. TRL also trains two steps on the plain rows and the pairs.
"""


def read_cells(folder: Path) -> dict[tuple[str, str, str, str], Cell]:
    """(trainer, datasets, shape, format) -> the cell."""
    cells = [Cell(**json.loads(path.read_text(encoding="utf-8"))) for path in folder.glob("*.json")]
    return {(cell.trainer, cell.datasets, cell.shape, cell.format): cell for cell in cells}


def table(cells: dict[tuple[str, str, str, str], Cell]) -> str:
    """One table a trainer: a row a shape and format, a column of rows kept for each version of `datasets`."""
    return "\n".join([INTRODUCTION, *(_of_trainer(trainer, cells) for trainer in FORMATS), ""])


def _of_trainer(trainer: str, cells: dict[tuple[str, str, str, str], Cell]) -> str:
    versions = [one.datasets for one in ENVIRONMENTS if one.trainer == trainer]
    head = ["rows", "format", "exported", "promised", *(f"kept, `datasets` {one}" for one in versions), "learns"]
    lines = [f"### {NAMES[trainer]}", "", _line(head), _line(["---"] * len(head))]
    for shape in SHAPES:
        for format in FORMATS[trainer]:
            found = [cells.get((trainer, version, shape, format)) for version in versions]
            first = next((cell for cell in found if cell), None)
            if first:
                lines.append(_line([shape, f"`{format}`", *_counts(first, found), _learns([c for c in found if c])]))
    return "\n".join([*lines, ""])


def _counts(first: Cell, found: Sequence[Cell | None]) -> list[str]:
    written = f"{first.n_written:,}"
    exported = written if first.n_written == first.n_selected else f"{written} of {first.n_selected:,}"
    promised = f"{first.n_promised:,}" + (f", {first.n_unknown:,} not known" if first.n_unknown else "")
    return [exported, promised, *(f"{cell.n_kept:,}" if cell else UNCHECKED for cell in found)]


def _learns(cells: Sequence[Cell]) -> str:
    """The same under every version of `datasets`, or each by itself."""
    said = list(dict.fromkeys(map(_of_cell, cells)))
    return said[0] if len(said) == 1 else "; ".join(f"{cell.datasets}: {_of_cell(cell)}" for cell in cells)


def _of_cell(cell: Cell) -> str:
    if cell.n_as_scored == cell.n_kept:
        return "what was scored"
    if cell.format in ("llama-factory", "alpaca", "sharegpt"):
        return "in a template of its own" + ("" if "long" in cell.shape else ", the same answers")
    parts = []
    if cell.n_as_scored:
        parts.append(f"{cell.n_as_scored:,} as scored")
    if cell.n_and_break:
        parts.append(f"{_rows(cell.n_and_break, cell)}the line break after the answer too")
    n_last = cell.n_same_tokens - cell.n_as_scored - cell.n_and_break
    if n_last:
        parts.append(f"{_rows(n_last, cell)}the last answer alone, and the line break after it")
    n_otherwise = cell.n_kept - cell.n_same_tokens
    if n_otherwise:
        parts.append(f"{_rows(n_otherwise, cell)}rendered otherwise, as the export says")
    return "; ".join(parts)


def _rows(n: int, cell: Cell) -> str:
    return "" if n == cell.n_kept else f"{n:,} "


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{table(read_cells(FOLDER / 'cells'))}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
