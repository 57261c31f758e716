"""Fetch a model from the hub into its local cache, or say why that does not work."""

import os
from pathlib import Path

from lobass_core.errors import ModelError, cause_of

# Pickled weights (.bin, .pt) run code when they are loaded; they are never fetched.
_FETCHED = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")


def fetch_from_hub(repo_id: str, revision: str, *, with_code: bool) -> Path:
    """The local folder of a hub model at a revision (branch, tag or commit; empty: the main branch).

    Raises:
        ModelError: no such model or revision, or the hub cannot be reached and the local cache lacks it.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RevisionNotFoundError,
    )

    patterns = [*_FETCHED, "*.py"] if with_code else [*_FETCHED]
    at = f" at revision {revision!r}" if revision else ""
    try:
        return Path(snapshot_download(repo_id, revision=revision or None, allow_patterns=patterns))
    except HFValidationError as error:
        raise ModelError(f"there is no model folder {repo_id!r}, and it is not a hub id", where=repo_id) from error
    except LocalEntryNotFoundError as error:
        offline = os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
        raise ModelError(
            f"there is no folder {repo_id!r}, and the hub model of that name is not in the local cache{at}",
            where="HF_HUB_OFFLINE is set" if offline else "the hub cannot be reached",
            do="Give a model folder, or fetch the model while online.",
        ) from error
    except RevisionNotFoundError as error:
        raise ModelError(
            f"the hub model {repo_id!r} has no revision {revision!r}",
            where="huggingface.co",
            do="Give a branch, tag or commit of it.",
        ) from error
    except HfHubHTTPError as error:
        raise ModelError(
            f"neither a folder nor a hub model that can be read: {repo_id!r}{at}",
            where=type(error).__name__,
            do="Check the name; for a gated model set HF_TOKEN.",
        ) from error
    except OSError as error:
        raise ModelError(
            f"the hub model {repo_id!r} could not be fetched: {cause_of(error)}", where="huggingface.co"
        ) from error
