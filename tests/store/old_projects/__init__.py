"""Projects that older versions of the program left behind, packed; the script beside each says what is in it."""

import json
import tarfile
from pathlib import Path

from lobass_core.project import STORE_NAME, Project


def unpack(name: str, folder: Path) -> tuple[Project, dict]:
    """The project of that archive under `folder`, not opened yet, and what its own version read from it."""
    with tarfile.open(Path(__file__).with_name(f"{name}.tar.xz")) as packed:
        packed.extractall(folder, filter="data")
    assert (folder / "project" / STORE_NAME).is_file()
    return Project(folder / "project"), json.loads((folder / "facts.json").read_text(encoding="utf-8"))
