"""A project with scores and saved selections, as exports are tested on."""

from pathlib import Path

import pytest

from lobass_core.project import Project
from tests.exported_project import CHAT, MATH
from tests.scored_files import import_and_score, select_all, select_best, write_jsonl


@pytest.fixture
def filled(project: Project, tmp_path: Path) -> Project:
    """Six maths rows and four chats, scored; the later the better. Selections `all` and `best` (the upper half)."""
    import_and_score(
        project,
        (write_jsonl(tmp_path / "math.jsonl", MATH), "math"),
        (write_jsonl(tmp_path / "chat.jsonl", CHAT), "conversation"),
    )
    select_all(project)
    select_best(project, 5)
    return project
