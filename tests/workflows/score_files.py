"""Files of scores for a small project: written, imported, and their values read back."""

import math
from pathlib import Path

import numpy as np

from lobass_core.project import Project
from lobass_core.specs import ImportSpec, ScoreFileSpec
from lobass_core.store.score_columns import column_values, find_column
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.import_scores import (
    ImportedScores,
    import_scores,
)
from tests.scored_files import write_jsonl

NAN = math.nan


def row(n: int, answer: str = "", **more: object) -> dict:
    return {"prompt": f"question {n}", "completion": answer or f"answer {n}", "id": f"q{n}", **more}


def four_rows(project: Project, folder: Path) -> Path:
    """Four rows, imported as the dataset `a`."""
    path = write_jsonl(folder / "a.jsonl", [row(n) for n in range(4)])
    import_file(project, ImportSpec(str(path), domain="math"))
    return path


def ids(project: Project) -> list[str]:
    """The sample id of each row."""
    with project.store() as store:
        sql = "SELECT sample_id FROM rows JOIN samples USING (sample_key) ORDER BY row_key"
        return [one for (one,) in store.cursor().execute(sql).fetchall()]


def values(project: Project, name: str = "quality") -> list[float]:
    """One value a row, by key."""
    with project.store() as store:
        return column_values(store.cursor(), find_column(store.cursor(), name).column_id).tolist()


def bring(project: Project, path: Path, rows: list[dict], **asked: object) -> ImportedScores:
    """Import these lines as the column `quality`."""
    file = write_jsonl(path.parent / "quality.jsonl", rows)
    return import_scores(project, ScoreFileSpec(**{"path": str(file), "name": "quality", "key": "row", **asked}))


def same(found: list[float], wanted: list[float]) -> bool:
    return np.array_equal(found, wanted, equal_nan=True)


def counts(found: ImportedScores) -> dict[str, int]:
    """The counts that are not 0."""
    kinds = ("matched", "unmatched", "missing", "not_number", "non_finite", "repeated", "held", "unreadable")
    return {kind: n for kind in kinds if (n := getattr(found, f"n_{kind}"))}
