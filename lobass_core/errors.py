"""The one tree of errors that a user can meet, and what a library's exception says in one sentence."""

import re


class LobassError(Exception):
    """Something the user can act on: says what happened, where, and what to do next.

    `exit_code` is what the command line returns: 1 for work that failed, 2 for an invalid request.
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
    """An invalid setting, name or combination of settings."""

    exit_code = 2


class ProjectError(LobassError):
    """The project folder is missing, foreign or damaged."""

    exit_code = 2


class InputFileError(LobassError):
    """A data file that is missing, unreadable, empty or in no known format."""


class EmptyFileError(InputFileError):
    """A data file with nothing in it: no error where it is one of several, as shards may be empty."""


class StoreError(LobassError):
    """The project's database refused a statement or cannot be opened."""


class StoreLockedError(StoreError):
    """Another process holds the project's database; `where` names it and its PID."""


class DamagedStoreError(StoreError):
    """The project's database, or a part of it, cannot be read."""


class ReadOnlyError(StoreError):
    """The project can be looked at and not changed."""

    exit_code = 2


class RenderError(LobassError):
    """A template, tokenizer or conversation that cannot be turned into tokens with a known response span."""


class ModelError(LobassError):
    """A model or adapter that cannot be found, loaded or used with its partner."""


class MemoryShortError(ModelError):
    """A model, or a step of its training, that the free memory does not hold; another moment or device may."""


class IncomparableLossesError(LobassError):
    """Losses that were not computed over the same rendered tokens."""


class RunError(LobassError):
    """A worker's run failed, was cancelled, or is already running."""


class SelectionError(LobassError):
    """A selection that cannot be made, found or named so."""

    exit_code = 2


class ExportError(LobassError):
    """An export that could not be written, did not verify, or cannot be replayed."""


MOST_CHARACTERS = 300
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# Lines of advice and of traces, which are for whoever wrote the code and stand in the run's log.
_ADVICE = re.compile(
    r"(tip|note|hint|warning|please|you may|you can|you should|you might|consider|for debugging|for more|if you|"
    r"compile with|see |try |cuda kernel errors|search for|exception raised from|traceback|file |frame #|at |debug)",
    re.IGNORECASE,
)
_POINTS_ELSEWHERE = re.compile(r"\b(above|below|following|report)\b|:$", re.IGNORECASE)
_SENTENCES = re.compile(r"(?<=[.!])\s+(?=[A-Z])")
_SIZES = re.compile(
    r"size mismatch for (\S+): copying a param with shape torch\.Size\(\[([\d, ]*)\]\) from checkpoint, "
    r"the shape in current model is torch\.Size\(\[([\d, ]*)\]\)"
)


def cause_of(error: BaseException) -> str:
    """What a library's exception says, as part of one sentence: the cause, without advice, traces or line breaks."""
    said = _said_by(error)
    inner = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if inner is not None and (not said or _POINTS_ELSEWHERE.search(said)):
        deeper = cause_of(inner)
        plain = " ".join(part for part in _SENTENCES.split(said) if not _POINTS_ELSEWHERE.search(part)) or said
        said = f"{plain.rstrip(':. ')}: {deeper}" if said and deeper not in said else deeper
    said = said or type(error).__name__
    return said if len(said) <= MOST_CHARACTERS else f"{said[: MOST_CHARACTERS - 3].rsplit(' ', 1)[0]}..."


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the host or on a GPU; torch has no class of its own for the host."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    words = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, RuntimeError) and any(part in str(error).lower() for part in words)


def size_mismatches(error: BaseException) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """Name, size in the file and size in the model of each tensor that torch could not load."""
    listed = _SIZES.findall(str(error))
    return [(name, *(tuple(map(int, size.split(","))) for size in sizes)) for name, *sizes in listed]  # type: ignore


def _said_by(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"the Python package {error.name} is not installed"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if isinstance(error, KeyError) and len(error.args) == 1:
        return f"{error.args[0]!r} is missing"
    text = _COLOURS.sub("", str(error))
    if wrong := _SIZES.search(text):
        name, ours, theirs = wrong.groups()
        return f"{name} has the size {_times(ours)} in the file and {_times(theirs)} in the model"
    lines = [line.strip(" \t-*|=") for line in text.splitlines()]
    lines = [line for line in lines if line]
    kept = lines[:1]
    for line in lines[1:]:
        if _ADVICE.match(line):
            break
        kept.append(line)
    sentences = _SENTENCES.split(" ".join(kept))
    said = " ".join([*sentences[:1], *(sentence for sentence in sentences[1:] if not _ADVICE.match(sentence))])
    return "".join(character if character.isprintable() else " " for character in said).strip()


def _times(size: str) -> str:
    return " x ".join(part.strip() for part in size.split(","))
