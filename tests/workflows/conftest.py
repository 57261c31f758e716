"""A project with scores and saved selections, as exports are tested on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lobass_core.project import Project
from lobass_core.store.connection import release
from tests.copied_project import copied
from tests.exported_project import CHAT, MATH
from tests.scored_files import import_and_score, select_all, select_best, write_jsonl


@pytest.fixture(scope="session")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """What `filled` is a copy of."""
    folder = tmp_path_factory.mktemp("filled")
    project = Project.create(folder / "project")
    import_and_score(
        project,
        (write_jsonl(folder / "math.jsonl", MATH), "math"),
        (write_jsonl(folder / "chat.jsonl", CHAT), "conversation"),
    )
    select_all(project)
    select_best(project, 5)
    return project


@pytest.fixture
def filled(filled_once: Project, tmp_path: Path) -> Iterator[Project]:
    """Six maths rows and four chats, scored; the later the better. Selections `all` and `best` (the upper half)."""
    project = copied(filled_once, tmp_path)
    yield project
    release(project.store_path)
