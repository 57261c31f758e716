"""A number with its noun: 1 row, 2 rows."""


def plural(n: int, one: str, many: str = "") -> str:
    """The number before the words for one or for several; `many` is `one` with an s unless it is given."""
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"
