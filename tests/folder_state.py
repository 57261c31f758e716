"""What a folder holds, byte for byte, to compare before and after."""

import hashlib
from pathlib import Path


def folder_state(folder: Path) -> dict[str, str]:
    """Every path below the folder with the sha256 of its bytes; "folder" for folders, where they lead for links."""
    return {path.relative_to(folder).as_posix(): _state(path) for path in sorted(folder.rglob("*"))}


def _state(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    return "folder" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
