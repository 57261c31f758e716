"""Push an export to the Hub as a dataset: one commit, private by default, never over other content."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lobass_core.errors import ExportError, LobassError, RequestError, cause_of
from lobass_core.exporting.destination import MANIFEST_NAME, is_same_export
from lobass_core.exporting.plan import ExportReceipt
from lobass_core.words.plural import plural
from lobass_core.workflows.hub_dataset import HUB_ID

# Every repository has this one from its first day.
_HUB_OWN = (".gitattributes",)


@dataclass(frozen=True, slots=True)
class HubTarget:
    """A repository on the Hub as it was found: `head` is its last commit; empty where it is not there yet."""

    repo_id: str
    is_public: bool
    head: str = ""
    files: tuple[str, ...] = ()


def look_at_target(repo_id: str, selection: str, format: str, *, public: bool, replace: bool) -> HubTarget:
    """Look at a repository before anything is exported.

    Raises:
        RequestError: it is no name of a repository.
        ExportError: no token, no leave, the Hub cannot be reached, the repository is not as private as it should be, or
            it holds something else than an earlier export of that selection and format.
    """
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import RepositoryNotFoundError

    if not HUB_ID.fullmatch(repo_id):
        raise RequestError(f"{repo_id!r} is not the name of a dataset on the Hub", do="Use ORG/NAME.")
    with _explained(repo_id):
        if not get_token():
            raise ExportError(
                "pushing to the Hub needs a token",
                where=repo_id,
                do="Set HF_TOKEN to a token with write access, or run hf auth login.",
            )
        try:
            dataset = HfApi().dataset_info(repo_id)
        except RepositoryNotFoundError:
            return HubTarget(repo_id, public)
        if dataset.private == public:
            raise ExportError(
                f"the dataset on the Hub is {'private' if dataset.private else 'public'}",
                where=repo_id,
                do="Remove --public, or make the dataset public on its page."
                if public
                else "Use --public to make these rows public, or push to another name.",
            )
        target = HubTarget(
            repo_id, public, str(dataset.sha or ""), tuple(file.rfilename for file in dataset.siblings or ())
        )
        if not replace:
            _refuse_other_content(target, selection, format)
        return target


def push(target: HubTarget, receipt: ExportReceipt) -> str:
    """Commit the files of an export, and nothing beside them; returns the address of the dataset.

    A repository that holds the same files already is left as it is.

    Raises:
        ExportError: the Hub refuses, or cannot be reached. The export itself stays on disk.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    folder, api = Path(receipt.folder), HfApi()
    names = [file.name for file in receipt.files]
    gone = [name for name in target.files if name not in names and name not in _HUB_OWN]
    with _explained(target.repo_id, folder):
        if not target.head:
            api.create_repo(target.repo_id, repo_type="dataset", private=not target.is_public)
        api.create_commit(
            target.repo_id,
            [
                *(CommitOperationDelete(name) for name in gone),
                *(CommitOperationAdd(name, folder / name) for name in names),
            ],
            commit_message=f"{plural(receipt.n_written, 'row')} of selection {receipt.selection}, selected with LoBaSS",
            repo_type="dataset",
            parent_commit=target.head or None,
        )
    return f"{api.endpoint}/datasets/{target.repo_id}"


def _refuse_other_content(target: HubTarget, selection: str, format: str) -> None:
    """Raises ExportError where the repository holds anything but an earlier export of the selection and format."""
    from huggingface_hub import HfApi

    others = {name for name in target.files if name not in _HUB_OWN}
    if not others:
        return
    instead = "Push to another name, or use --replace to replace what is there."
    if MANIFEST_NAME not in others:
        raise ExportError("the dataset on the Hub contains other files", where=target.repo_id, do=instead)
    path = HfApi().hf_hub_download(target.repo_id, MANIFEST_NAME, repo_type="dataset", revision=target.head)
    try:
        manifest = json.loads(Path(path).read_text(encoding="utf-8"))
        listed = {str(file["name"]) for file in manifest["files"]} | {MANIFEST_NAME}
    except (ValueError, TypeError, KeyError):
        listed, manifest = set(), {}
    if not is_same_export(manifest, selection, format):
        raise ExportError("the dataset on the Hub contains another export", where=target.repo_id, do=instead)
    if others - listed:
        more = ", ".join(sorted(others - listed)[:3])
        raise ExportError(f"the dataset on the Hub also contains {more}", where=target.repo_id, do=instead)


@contextlib.contextmanager
def _explained(repo_id: str, folder: Path | None = None) -> Iterator[None]:
    """Turns what huggingface_hub raises into one sentence."""
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    kept = f" The export is in {folder}." if folder else ""
    try:
        yield
    except LobassError:
        raise
    except OfflineModeIsEnabled as error:
        raise ExportError(
            "the Hub cannot be reached: HF_HUB_OFFLINE is set", where=repo_id, do=f"Unset it and push again.{kept}"
        ) from error
    except HfHubHTTPError as error:
        what, do = _SAID.get(
            error.response.status_code, (f"the Hub refused the push: {cause_of(error)}", "Push again later.")
        )
        raise ExportError(what, where=repo_id, do=do + kept) from error
    except ValueError as error:
        raise ExportError(
            f"the Hub refused the push: {cause_of(error)}", where=repo_id, do=f"Fix the problem and push again.{kept}"
        ) from error
    except Exception as error:
        # Its HTTP library is another one from version to version, and so are the errors of a lost connection.
        raise ExportError(
            f"the request to the Hub failed: {cause_of(error)}",
            where=f"{repo_id} on {constants.ENDPOINT}",
            do=f"Push again.{kept}",
        ) from error


_NO_LEAVE = ("the token has no write access to this dataset", "Set HF_TOKEN to a token with write access.")
_SAID = {
    401: ("the Hub does not accept the token", "Set HF_TOKEN to a valid token with write access."),
    403: _NO_LEAVE,
    404: _NO_LEAVE,
    409: ("a dataset of that name was created in the meantime", "Push again."),
    412: ("the dataset on the Hub changed in the meantime", "Check it, and push again."),
}
