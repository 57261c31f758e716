"""A bundle: a zip archive of the files that a colleague needs to look at a project, and a list of them.

    bundle.json                              format, project, files with their sizes and checksums
    store.duckdb                             rows, decisions, tags, notes, losses, selections
    runs/r-0001/spec.json, result.json ...   what ran, and the tokens and token losses that Browse shows
    models/NAME/recipe.json ...              how a reference was trained; no weights
    validation/r-0007.md, arms/KEY.json ...  what experiments found

Both sides know the names that may be in one. Nothing else is packed, and nothing else is unpacked.
"""

import re
from dataclasses import dataclass

import msgspec

FORMAT = 1
LIST = "bundle.json"
STORE = "store.duckdb"
MOST_LIST_BYTES = 64 << 20
# Every file gets the same time, so that the same project gives the same bytes; zip knows none before 1980.
TIME = (1980, 1, 1, 0, 0, 0)

_TABLE = r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.parquet(?:\.sha256)?"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
# A reference of several seeds, folds or kept epochs has a folder for each.
_MODEL = rf"models/{_NAME}/(?:(?:seed|fold|epoch)-[0-9.]{{1,19}}/){{0,3}}"
_NAMES = re.compile(
    "|".join(
        (
            r"store\.duckdb(?:\.wal)?",
            r"runs/\.(?:last-run|project|places)",
            r"runs/r-\d{4,12}/(?:(?:spec|result|progress|products)\.json|log)",
            r"runs/r-\d{4,12}/(?:folds(?:-[a-z0-9.-]{1,60})?|trained_on|arms|measured|pairs)\.parquet(?:\.sha256)?",
            rf"runs/r-\d{{4,12}}/(?:shards|tokens)/{_TABLE}",
            rf"{_MODEL}recipe\.json",
            r"validation/(?:arms|rows)/[0-9a-f]{16}\.json",
            # Not the figure: an SVG from elsewhere may hold scripts, and the report draws it again.
            r"validation/r-\d{4,12}\.(?:md|json)",
            rf"{_MODEL}(?:folds|trained_on|held_out|first_steps)\.parquet(?:\.sha256)?",
        )
    )
)


@dataclass(frozen=True, slots=True)
class BundledFile:
    """One file by its path in the project."""

    name: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BundleList:
    """bundle.json. `schema_version` is the store's."""

    format: int
    project: str
    program: str
    schema_version: int
    files: tuple[BundledFile, ...]

    def to_json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


def may_be_bundled(name: str) -> bool:
    """Whether a file of that path in the project is part of a bundle."""
    return _NAMES.fullmatch(name) is not None and ".." not in name
