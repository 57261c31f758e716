"""Keep an uploaded file, so that it can be read like any other."""

import hashlib
import re
from pathlib import Path

from lobass_core.errors import RequestError
from lobass_core.files.atomic_file import whole_file
from lobass_core.project import Project

MAX_UPLOAD_BYTES = 200 << 20


def upload_folder(sha256: str) -> str:
    """The name of the folder that holds an upload with these bytes."""
    return sha256[:16]


def keep_upload(project: Project, name: str, data: bytes) -> Path:
    """Write the bytes to the project's `uploads` folder, once a content, and return the file.

    Raises:
        RequestError: too large, or the disk refused.
        ReadOnlyError: the project can only be read.
    """
    project.require_writable()
    if len(data) > MAX_UPLOAD_BYTES:
        raise RequestError(
            f"the upload has {len(data) >> 20:,} MB; the limit in the browser is {MAX_UPLOAD_BYTES >> 20} MB",
            where=name,
            do="Copy the file to the server and use its path there.",
        )
    # The name comes from the browser: only its last part, and no character that a path could hold against us.
    safe = re.sub(r"[^\w.\- ]+", "_", Path(name.replace("\\", "/")).name).lstrip(".") or "upload"
    folder = project.root / "uploads" / upload_folder(hashlib.sha256(data).hexdigest())
    path = folder / safe[-120:]
    if not path.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as unfinished:
                unfinished.write_bytes(data)
        except OSError as error:
            raise RequestError(f"the upload cannot be saved: {error.strerror}", where=str(folder)) from None
    return path
