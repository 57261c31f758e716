"""A project that is made once and copied for each test: a copy takes a tenth of what its imports and scores take."""

import shutil
from pathlib import Path

import duckdb

from lobass_core.jobs.former_places import keep_place
from lobass_core.project import Project
from lobass_core.store.connection import release

MARKS_OF_ITS_OWN = """
UPDATE meta SET value = split_part(value, '-', 1) || '-' || left(uuid()::VARCHAR, 8)
WHERE name IN ('content', 'revision')
"""


def copied(project: Project, to: Path) -> Project:
    """The project and the files beside it in the folder `to`, as if they had been made there.

    What is kept in this process for one of the two is not taken for the other.
    """
    release(project.store_path)
    made = project.root.parent
    shutil.copytree(made, to, dirs_exist_ok=True)
    root = to / project.root.name
    with duckdb.connect(root / project.store_path.name) as connection:
        for table in ("datasets", "dataset_files"):
            connection.execute(f"UPDATE {table} SET path = replace(path, $1, $2)", [f"{made}/", f"{to}/"])
        connection.execute(MARKS_OF_ITS_OWN)
    (root / "runs" / ".places").unlink(missing_ok=True)
    keep_place(root)
    return Project.open(root)
