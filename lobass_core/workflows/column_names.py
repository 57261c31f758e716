"""What a new score column may be called: it stands beside the measures in commands, links, pages and exported files."""

import re
from collections.abc import Collection

from lobass_core.errors import RequestError

LONGEST_NAME = 60
_NAME = re.compile(r"\w[\w. -]*")
# A link writes a sort as NAME-desc or NAME-asc, and a range as low..high.
_IN_LINKS = re.compile(r"-(asc|desc)$|\.\.")


def check_new_name(name: str, taken: Collection[str]) -> None:
    """Refuse a name that a score column cannot have.

    Raises:
        RequestError: it is empty, too long, has characters other than letters, digits, spaces and `_ . -`, or means the
            same as that of a measure, a fixed column or another score column.
    """
    if not 0 < len(name) <= LONGEST_NAME or not _NAME.fullmatch(name) or name != name.strip():
        raise RequestError(
            f"{name[:LONGEST_NAME]!r} cannot be the name of a score column",
            do=f"Use 1 to {LONGEST_NAME} letters, digits, spaces or any of _ . -, starting with a letter or digit.",
        )
    if found := _IN_LINKS.search(name):
        raise RequestError(
            f"{name!r} cannot be the name of a score column: {found[0]!r} has a meaning in links",
            do="Use another name.",
        )
    alike = next((other for other in taken if file_column(other) == file_column(name)), "")
    if alike:
        raise RequestError(
            f"{name!r} and the score column {alike!r} would have the same name in files", do="Use another name."
        )


def file_column(name: str) -> str:
    """The name as it stands over a column of a file, where case and separators do not part names."""
    return re.sub(r"[\W_]+", "_", name).casefold()
