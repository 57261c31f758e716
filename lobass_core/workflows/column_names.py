"""Which names a new score column can have: they are used in commands, links, pages and exported files."""

import re
from collections.abc import Collection

from lobass_core.errors import RequestError
from lobass_core.learnability.measures import check_column_name


def check_new_name(name: str, taken: Collection[str]) -> None:
    """Refuse a name that a score column cannot have.

    Raises:
        RequestError: it is no name, or means the same as that of a measure, a fixed column or another score column.
    """
    check_column_name(name)
    # Files and spreadsheets do not part names by case and separators.
    check_column_name(file_column(name))
    if ".." in name:
        raise RequestError(
            f"a score column cannot be called {name!r}: '..' has a meaning in links", do="Use another name."
        )
    alike = next((other for other in taken if file_column(other) == file_column(name)), "")
    if alike:
        raise RequestError(
            f"{name!r} and the score column {alike!r} would have the same name in files", do="Use another name."
        )


def file_column(name: str) -> str:
    """The name as it stands over a column of a file, where case and separators do not part names."""
    return re.sub(r"[\W_]+", "_", name).casefold()
