"""A project: one folder with its store, runs, models and exports."""

import zipfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from lobass_core.errors import ProjectError
from lobass_core.store.access import may_write, read_only_error
from lobass_core.store.connection import WAIT_SECONDS, OnWait, Store, lease

STORE_NAME = "store.duckdb"


@dataclass(frozen=True, slots=True)
class Project:
    """An existing project folder."""

    root: Path

    @classmethod
    def create(cls, root: Path | str) -> "Project":
        """Make an empty project.

        Raises:
            ProjectError: the folder holds a project, or other files.
        """
        root = Path(root).expanduser().resolve()
        if (root / STORE_NAME).exists():
            raise ProjectError(
                "a project already exists here", where=str(root), do="Use that project, or another folder."
            )
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise ProjectError("the folder is not empty", where=str(root), do="Use a new or empty folder.")
        for folder in (root, root / "runs", root / "models", root / "exports"):
            folder.mkdir(parents=True, exist_ok=True)
        project = cls(root)
        with project.store():
            pass
        return project

    @classmethod
    def open(cls, root: Path | str) -> "Project":
        """Open an existing project.

        Raises:
            ProjectError: the folder holds none.
        """
        root = Path(root).expanduser().resolve()
        if root.is_file() and zipfile.is_zipfile(root):
            raise ProjectError(
                "this is a file, not a project folder",
                where=str(root),
                do=f"Open a bundle with lobass unbundle {root} FOLDER",
            )
        if not (root / STORE_NAME).is_file():
            raise ProjectError("there is no project here", where=str(root), do=f"Create one with lobass init {root}")
        return cls(root)

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def store_path(self) -> Path:
        return self.root / STORE_NAME

    @property
    def is_read_only(self) -> bool:
        """Whether its folder or its store may not be written by this user."""
        return not may_write(self.store_path)

    def require_writable(self) -> None:
        """Raises ReadOnlyError where the project can only be read."""
        if self.is_read_only:
            raise read_only_error(self.store_path)

    def require_outside(self, path: Path) -> None:
        """Raises ReadOnlyError for a file or folder to write inside of a project that can only be read."""
        if path.expanduser().resolve().is_relative_to(self.root):
            self.require_writable()

    @property
    def runs_dir(self) -> Path:
        return self.root / "runs"

    @property
    def models_dir(self) -> Path:
        return self.root / "models"

    @property
    def exports_dir(self) -> Path:
        return self.root / "exports"

    @property
    def validation_dir(self) -> Path:
        """Finished arms of experiments, and their reports; made by the first."""
        return self.root / "validation"

    def store(
        self, *, wait_seconds: float = WAIT_SECONDS, on_wait: OnWait | None = None
    ) -> AbstractContextManager[Store]:
        """Hold the store for the length of a `with` block (see `store.connection.lease`)."""
        return lease(self.store_path, wait_seconds=wait_seconds, on_wait=on_wait)
