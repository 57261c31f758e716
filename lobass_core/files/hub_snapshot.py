"""Fetch a model or dataset of the Hub into its local cache, or say in one sentence why that does not work."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from lobass_core.errors import LobassError, cause_of

_PLACES = {"model": "folder", "dataset": "file or folder"}


def fetch_snapshot(
    kind: Literal["model", "dataset"],
    repo_id: str,
    revision: str,
    patterns: Sequence[str],
    error_type: type[LobassError],
) -> Path:
    """The local folder of a Hub repository at a revision (branch, tag or commit; empty: the main branch).

    Raises:
        LobassError: of `error_type`: no such repository or revision, no leave to read it, or the Hub cannot be reached
            and the local cache lacks it.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RevisionNotFoundError,
    )

    place, named = _PLACES[kind], f"the Hub {kind} {repo_id!r}"
    at = f" at revision {revision!r}" if revision else ""
    try:
        return Path(
            snapshot_download(repo_id, repo_type=kind, revision=revision or None, allow_patterns=list(patterns))
        )
    except HFValidationError as error:
        raise error_type(f"there is no {place} {repo_id!r}, and it is not a Hub id", do="Check the path.") from error
    except LocalEntryNotFoundError as error:
        offline = os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
        raise error_type(
            f"there is no {place} {repo_id!r}, and the Hub {kind} of that name is not in the local cache{at}",
            where="HF_HUB_OFFLINE is set" if offline else "the Hub cannot be reached",
            do=f"Check the path, or download the {kind} while online.",
        ) from error
    except RevisionNotFoundError as error:
        raise error_type(
            f"{named} has no revision {revision!r}", do="Use one of its branches, tags or commits."
        ) from error
    except GatedRepoError as error:
        raise error_type(
            f"{named} is gated", do="Accept its terms on its page, and set HF_TOKEN to a token of that account."
        ) from error
    except HfHubHTTPError as error:
        raise error_type(
            f"{repo_id!r} is neither a {place} nor a Hub {kind} that can be read{at}",
            do=f"Check the name; for a private {kind} set HF_TOKEN.",
        ) from error
    except (OSError, ValueError) as error:
        raise error_type(f"{named} could not be downloaded: {cause_of(error)}") from error
