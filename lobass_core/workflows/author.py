"""Whose decisions these are: the name that stands with each decision, tag and note."""

import getpass
import os

from lobass_core.errors import RequestError

VARIABLE = "LOBASS_AUTHOR"
LONGEST_AUTHOR = 100


def author_name() -> str:
    """`LOBASS_AUTHOR`, else the login name; empty where the system knows none.

    Raises:
        RequestError: `LOBASS_AUTHOR` is too long, or holds control characters.
    """
    if named := os.environ.get(VARIABLE, "").strip():
        if fault := author_fault(named):
            raise RequestError(fault, where=VARIABLE, do=f"Set {VARIABLE} to your name.")
        return named
    try:
        login = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user without a name
        return ""
    return "" if author_fault(login) else login


def author_fault(name: str) -> str:
    """What is wrong with the name of an author; empty if nothing is."""
    if len(name) > LONGEST_AUTHOR:
        return f"the author's name has {len(name):,} characters; the limit is {LONGEST_AUTHOR}"
    return "" if name.isprintable() else "the author's name contains control characters"
