"""Projects that no model has scored: rows, and a score column that was brought for most of them."""

from pathlib import Path

from lobass_core.project import Project
from lobass_core.specs import ImportSpec, ScoreFileSpec
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.import_scores import import_scores
from tests.scored_files import write_jsonl

N_CHAT, N_MATH = 24, 16
# The last rows of chat have no value.
N_WITHOUT = 4


def rows_of(name: str, n_rows: int) -> list[dict]:
    return [{"instruction": f"{name} question {n}", "output": f"{name} answer {n}"} for n in range(n_rows)]


def unscored_project(folder: Path, *, higher_is_better: bool = True) -> Project:
    """24 rows of chat with the values 0 to 19 and four without, and 16 of math with 0.5 to 15.5, as `quality`."""
    project = Project.create(folder / "project")
    for name, n_rows in (("chat", N_CHAT), ("math", N_MATH)):
        import_file(project, ImportSpec(str(write_jsonl(folder / f"{name}.jsonl", rows_of(name, n_rows))), domain=name))
    lines = [{"dataset": "chat", "row": n, "quality": n} for n in range(N_CHAT - N_WITHOUT)]
    lines += [{"dataset": "math", "row": n, "quality": n + 0.5} for n in range(N_MATH)]
    add_column(project, write_jsonl(folder / "quality.jsonl", lines), "quality", higher_is_better=higher_is_better)
    return project


def add_column(project: Project, path: Path, name: str, *, higher_is_better: bool = True) -> None:
    """Bring a file whose lines name dataset and row."""
    spec = ScoreFileSpec(str(path), name, key="row", column=name, unit="points", higher_is_better=higher_is_better)
    import_scores(project, spec)
