"""Fetch a dataset of the Hub into its local cache: its data files and its README, never its code."""

import os
import re
from pathlib import Path

from lobass_core.errors import InputFileError, cause_of
from lobass_core.formats.folders.data_files import ENDINGS, PACKED

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.\-]*/[A-Za-z0-9][\w.\-]*")
_FETCHED = ["README.md", *(f"*{ending}{packed}" for ending in ENDINGS for packed in ("", *PACKED))]
# (id, commit) -> folder of what this process has fetched whole: a commit never changes, so the Hub is not asked again.
_fetched: dict[tuple[str, str], Path] = {}


def is_hub_id(text: str) -> bool:
    """Whether a path that does not exist may name a dataset of the Hub: `org/name`, not a file's name."""
    plain = text.lower()
    for packed in PACKED:
        plain = plain.removesuffix(packed)
    return bool(_HUB_ID.fullmatch(text)) and not plain.endswith(ENDINGS) and not Path(text).expanduser().exists()


def fetch_dataset(repo_id: str, revision: str = "") -> Path:
    """The local folder of a Hub dataset at a revision (branch, tag or commit; empty: the main branch).

    Raises:
        InputFileError: no such dataset or revision, no leave to read it, or the Hub cannot be reached and the local
            cache lacks it.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RevisionNotFoundError,
    )

    at = f" at revision {revision!r}" if revision else ""
    known = _fetched.get((repo_id, revision))
    if known is not None and known.is_dir():
        return known
    try:
        folder = Path(
            snapshot_download(repo_id, repo_type="dataset", revision=revision or None, allow_patterns=_FETCHED)
        )
    except HFValidationError:
        raise InputFileError(
            f"there is no file or folder {repo_id!r}, and it is not a Hub id", do="Check the path."
        ) from None
    except LocalEntryNotFoundError as error:
        offline = os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
        raise InputFileError(
            f"there is no file or folder {repo_id!r}, and the Hub dataset of that name is not in the local cache{at}",
            where="HF_HUB_OFFLINE is set" if offline else "the Hub cannot be reached",
            do="Check the path, or fetch the dataset while online.",
        ) from error
    except RevisionNotFoundError as error:
        raise InputFileError(
            f"the Hub dataset {repo_id!r} has no revision {revision!r}", do="Give a branch, tag or commit of it."
        ) from error
    except GatedRepoError as error:
        raise InputFileError(
            f"the Hub dataset {repo_id!r} is gated",
            do="Accept its terms on its page, and set HF_TOKEN to a token of that account.",
        ) from error
    except HfHubHTTPError as error:
        raise InputFileError(
            f"{repo_id!r} is neither a file or folder nor a Hub dataset that can be read{at}",
            do="Check the name; for a private dataset set HF_TOKEN.",
        ) from error
    except (OSError, ValueError) as error:
        raise InputFileError(f"the Hub dataset {repo_id!r} could not be fetched: {cause_of(error)}") from error
    _fetched[repo_id, folder.name] = folder
    return folder
