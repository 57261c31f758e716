"""Fetch a dataset of the Hub into its local cache: its data files and its README, never its code."""

import re
from pathlib import Path

from lobass_core.errors import InputFileError
from lobass_core.files.hub_snapshot import fetch_snapshot
from lobass_core.formats.folders.data_files import ENDINGS, PACKED

# ORG/NAME as the Hub takes it.
HUB_ID = re.compile(r"[A-Za-z0-9][\w.\-]*/[A-Za-z0-9][\w.\-]*")
_FETCHED = ["README.md", *(f"*{ending}{packed}" for ending in ENDINGS for packed in ("", *PACKED))]
# (id, commit) -> folder of what this process has fetched whole: a commit never changes, so the Hub is not asked again.
_fetched: dict[tuple[str, str], Path] = {}


def is_hub_id(text: str) -> bool:
    """Whether a path that does not exist may name a dataset of the Hub: `org/name`, not a file's name."""
    plain = text.lower()
    for packed in PACKED:
        plain = plain.removesuffix(packed)
    return bool(HUB_ID.fullmatch(text)) and not plain.endswith(ENDINGS) and not Path(text).expanduser().exists()


def fetch_dataset(repo_id: str, revision: str = "") -> Path:
    """The local folder of a Hub dataset at a revision (branch, tag or commit; empty: the main branch).

    Raises:
        InputFileError: no such dataset or revision, no leave to read it, or the Hub cannot be reached and the local
            cache lacks it.
    """
    known = _fetched.get((repo_id, revision))
    if known is not None and known.is_dir():
        return known
    folder = fetch_snapshot("dataset", repo_id, revision, _FETCHED, InputFileError)
    _fetched[repo_id, folder.name] = folder
    return folder
