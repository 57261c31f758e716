"""A small project that is really scored: 80 rows of two domains under two random models."""

from dataclasses import dataclass
from pathlib import Path

from lobass_core.project import Project
from lobass_core.specs import Gates, SelectionSpec
from lobass_core.workflows.references import score_spec
from lobass_core.workflows.score import ingest_finished, prepare_run
from lobass_core.workflows.select import save
from tests.filled_project import Row, import_rows
from tests.models import tiny_llama
from tests.worker.runs import work

N_A_DOMAIN = 40
WORDS = ("apple", "river", "stone", "cloud", "lamp", "wheel", "bread", "glass", "horse", "field", "spoon", "tower")


@dataclass(frozen=True)
class ScoredProject:
    """The project, its base, and the ids of its samples."""

    project: Project
    base: Path
    sample_ids: tuple[str, ...]


def _answer(number: int) -> str:
    return " ".join(f"{WORDS[number * step % 12]}{number}" for step in range(1, 3 + number % 7))


def scored_project(folder: Path) -> ScoredProject:
    """Import, score in this process, and save the best fifth under the name best."""
    project = Project.create(folder / "project")
    rows = [
        Row(f"Ask {domain} {number}?", f"{domain} {_answer(number)}", domain)
        for domain in ("chat", "math")
        for number in range(N_A_DOMAIN)
    ]
    ids = import_rows(project, rows)
    base, reference = (tiny_llama(folder / name, seed=seed) for seed, name in enumerate(("base", "reference")))
    spec = score_spec(project, base=str(base), reference=str(reference), device="cpu", dtype="float32")
    run = prepare_run(project, "score", spec)
    assert work(run) == 0
    ingest_finished(project, run)
    save(project, "best", SelectionSpec(value=0.2, gates=Gates(exclude_worse_than_chance=False)))
    return ScoredProject(project, base, tuple(ids))
