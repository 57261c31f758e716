"""A project with something on every page, one with nothing, and one with texts that are hard to show."""

from pathlib import Path

from lobass_core.project import Project
from lobass_core.specs import ExportSpec, SelectionSpec
from lobass_core.store.connection import release
from lobass_core.workflows import browse, decide
from lobass_core.workflows import select as selections
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.export import export
from tests.filled_project import Row, fill
from tests.pages.projects import HOSTILE, add_scores, scored_project
from tests.validation.experiments import finished_experiment

MARKED_UP = """\
## Two ways

Use **both** of them, as $x^2 + y^2 = z^2$ says:

- `first`, then
- second

```python
print("hello")
```

| a | b |
|---|---|
| 1 | 2 |
"""
PROGRAM = "import math\n\ndef area(r):\n    return math.pi * r ** 2\n"
ARABIC = "مرحبا بالعالم"


def empty(root: Path) -> Project:
    """A project that nothing was ever done in."""
    return Project.create(root)


def filled(root: Path) -> Project:
    """Three domains, two references, two selections, an export, an experiment, decisions and tags."""
    project = scored_project(root, {"code": 40, "conversation": 90, "math": 60}, hostile=True)
    second = add_scores(project, seed=1, reference_name="ref-3ep", reference_fp="4ef0000000000003")
    selections.save(project, "natural", SelectionSpec(value=0.2), second.run_id)
    selections.save(project, "equal", SelectionSpec(value=0.2, balance="equal"), second.run_id)
    export(project, ExportSpec(selection="natural", to=str(root / "exports" / "natural"), check=False))
    effects = {"base": 0.9, "full": -0.1, "learnability": -0.2, "longest": 0.2}
    finished_experiment(project, effects, run_id=second.run_id)
    found = browse.find(project, BrowseFilter(), second.run_id)
    first = [row.stored.sample_id for row in browse.read_page(project, found)[:4]]
    decide.decide(project, first[:2], "keep", "reads well")
    decide.decide(project, first[2:3], "drop", "too short")
    decide.act_on(project, first[:1], "tag", "worth a look")
    decide.act_on(project, first[:1], "note", "Ask about the table.")
    release(project.store_path)
    return project


def texts(root: Path) -> Project:
    """Texts that are hard to show, with their tokens on disk."""
    project = Project.create(root)
    fill(
        project,
        [
            Row("Explain it with a table", MARKED_UP, domain="conversation", base=3.2, reference=0.4),
            Row("The area of a circle in Python", PROGRAM, domain="code", base=3.0, reference=0.5),
            Row(ARABIC, "A long answer. " * 200, domain="conversation", base=3.0, reference=0.6, status="truncated"),
            Row(HOSTILE, HOSTILE, base=2.5, reference=1.0),
            Row("Which?", "This one", domain="conversation", thoughts="Either", rejected="That one"),
            Row("Nothing learnt", "Worse after training", base=1.0, reference=1.9),
        ],
    )
    release(project.store_path)
    return project
