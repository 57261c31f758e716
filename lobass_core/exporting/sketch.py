"""What an export would look like, from a few of its rows: its files with their sizes, and the first record."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from lobass_core.exporting import row_facts as fact
from lobass_core.exporting.plan import ExportPlan, ReadTexts, ReadTokens
from lobass_core.exporting.row_facts import RowFacts
from lobass_core.exporting.write import write
from lobass_core.formats.read_files import open_records

# Sizes hold within some per cent, and writing them takes milliseconds.
SKETCH_ROWS = 60


@dataclass(frozen=True, slots=True)
class SketchedFile:
    """A file that the export would have. `about_bytes` is reckoned from the rows of the sketch."""

    name: str
    holds: str
    about_bytes: int


@dataclass(frozen=True, slots=True)
class Sketch:
    """`first_record` is the first row as JSON text."""

    files: tuple[SketchedFile, ...]
    first_record: str


def sketch(plan: ExportPlan, facts: RowFacts, read_texts: ReadTexts, tokens: ReadTokens) -> Sketch:
    """Write a few rows of every shape into a temporary folder and look at what is there.

    Raises:
        ExportError: none of the rows fits the format.
    """
    places = sketch_places(facts, plan.picks.num_rows)
    few = replace(plan, picks=plan.picks.take(pa.array(places)), dropped=None, with_dropped=False)
    growth = plan.picks.num_rows / len(places)
    with TemporaryDirectory() as folder:
        receipt, _ = write(few, read_texts, Path(folder) / "sketch", tokens=tokens)
        files = [
            # The manifest lists every pick, so it grows with the rows as the data do.
            SketchedFile(one.name, one.holds, round(one.n_bytes * (growth if _grows(one.name, one.rows) else 1)))
            for one in receipt.files
        ]
        first = next(iter(open_records(Path(folder) / "sketch" / receipt.files[0].name)))
    return Sketch(tuple(files), json.dumps(getattr(first, "value", None), ensure_ascii=False))


def _grows(name: str, n_rows: int) -> bool:
    return bool(n_rows) or name == "manifest.json"


def sketch_places(facts: RowFacts, n_rows: int) -> np.ndarray:
    """int64, ascending: rows spread over the selection, and the first of each shape that decides on a file."""
    spread = np.linspace(0, n_rows - 1, min(n_rows, SKETCH_ROWS)).round().astype(np.int64)
    shapes = [
        facts.places(bits)[:1]
        for bits in (fact.PAIR, fact.TEXT, fact.WEIGHT_ZERO, fact.PARALLEL_RESULTS, fact.THOUGHTS)
    ]
    more = [] if facts.more_targets is None else [facts.more_targets]
    return np.unique(np.concatenate([spread, *shapes, np.array(more, np.int64)]))
