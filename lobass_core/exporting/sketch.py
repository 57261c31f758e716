"""What an export would look like, from a few of its rows: its files with their sizes, and the first record."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from lobass_core.exporting import row_facts as fact
from lobass_core.exporting.plan import SPLITS, ExportPlan, FileReceipt, ReadTexts, ReadTokens, Split
from lobass_core.exporting.row_facts import RowFacts
from lobass_core.exporting.write import write
from lobass_core.formats.read_files import open_records
from lobass_core.formats.record_limits import UNLIMITED

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
    places = sketch_places(facts, plan)
    picks = plan.picks.take(pa.array(places))
    picks = picks.sort_by("rank") if plan.order == "rank" else picks
    few = replace(plan, picks=picks, dropped=None, with_dropped=False)
    n_all, n_few = Counter(plan.splits), Counter(few.splits)
    growth = {split: n_all[split] / n_few[split] for split in n_few}
    with TemporaryDirectory() as folder:
        receipt, _ = write(few, read_texts, Path(folder) / "sketch", tokens=tokens)
        files = [
            # The manifest lists every pick, so it grows with the rows as the data do.
            SketchedFile(one.name, one.holds, round(one.n_bytes * _growth(one, growth)))
            for one in receipt.files
        ]
        first = next(iter(open_records(Path(folder) / "sketch" / receipt.files[0].name, limits=UNLIMITED)))
    return Sketch(tuple(files), json.dumps(getattr(first, "value", None), ensure_ascii=False))


def _growth(file: FileReceipt, growth: Mapping[Split, float]) -> float:
    if not file.rows:
        return growth["train"] if file.name == "manifest.json" else 1.0
    return growth["validation" if "validation" in growth and Path(file.name).stem.endswith("validation") else "train"]


def sketch_places(facts: RowFacts, plan: ExportPlan) -> np.ndarray:
    """int64, ascending: rows spread over the selection, and the first of each shape and split that decides on a file.

    By rank, the best row is among them.
    """
    n_rows = plan.picks.num_rows
    spread = np.linspace(0, n_rows - 1, min(n_rows, SKETCH_ROWS)).round().astype(np.int64)
    shapes = [
        facts.places(bits)[:1]
        for bits in (fact.PAIR, fact.TEXT, fact.WEIGHT_ZERO, fact.PARALLEL_RESULTS, fact.THOUGHTS)
    ]
    more = [] if facts.more_targets is None else [facts.more_targets]
    more += [plan.splits.index(split) for split in SPLITS if split in plan.splits]
    if plan.order == "rank":
        more.append(int(np.argmin(plan.picks["rank"].to_numpy())))
    return np.unique(np.concatenate([spread, *shapes, np.array(more, np.int64)]))
