"""The one tree of errors that a user can meet."""


class LobassError(Exception):
    """Something the user can act on: says what happened, where, and what to do next.

    `exit_code` is what the command line returns: 1 for work that failed, 2 for a request that cannot be meant.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", do: str = "") -> None:
        self.what, self.where, self.do = what, where, do
        sentence = f"{what.rstrip('.')} ({where})." if where else f"{what.rstrip('.')}."
        super().__init__(f"{sentence} {do}".strip())

    def __reduce__(self) -> tuple:
        return _rebuild, (type(self), self.what, self.where, self.do)


def _rebuild(kind: type[LobassError], what: str, where: str, do: str) -> LobassError:
    return kind(what, where=where, do=do)


class RequestError(LobassError):
    """A setting, name or combination of settings that cannot be meant."""

    exit_code = 2


class ProjectError(LobassError):
    """The project folder is missing, foreign or damaged."""

    exit_code = 2


class InputFileError(LobassError):
    """A data file that is missing, unreadable, empty or in no known format."""


class StoreError(LobassError):
    """The project's database refused."""


class StoreLockedError(StoreError):
    """Another process holds the project's database; `where` names it and its PID."""


class RenderError(LobassError):
    """A template, tokenizer or conversation that cannot be turned into tokens with a known response span."""


class ModelError(LobassError):
    """A model or adapter that cannot be found, loaded or used with its partner."""


class IncomparableLossesError(LobassError):
    """Losses that were not computed over the same rendered tokens."""


class RunError(LobassError):
    """A worker's run failed, was cancelled, or is already running."""


class SelectionError(LobassError):
    """A selection that cannot be made, found or named so."""

    exit_code = 2


class ExportError(LobassError):
    """An export that could not be written, did not verify, or cannot be replayed."""
