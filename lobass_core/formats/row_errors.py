"""The reason why one row is no sample."""


class RowError(Exception):
    """A row that does not fit its format, or a sample that does not fit the one asked for; says why in few words."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
