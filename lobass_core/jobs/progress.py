"""What a worker says of itself while it runs, in one small file that is replaced whole."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

RunState = Literal["queued", "running", "done", "failed", "cancelled", "interrupted", "damaged", "foreign"]


@dataclass(frozen=True, slots=True)
class ErrorNote:
    """A failure in the words of `LobassError`; a final one comes again however often the run is resumed."""

    what: str
    where: str = ""
    do: str = ""
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class ModelProgress:
    """How far one model has come; counts are losses."""

    name: str
    part: str
    n_done: int
    n_total: int


@dataclass(frozen=True, slots=True)
class Progress:
    """A worker's state; times are ISO 8601 in UTC, rates are over the last minute or so.

    `n_carried` of the `n_done` losses were carried over from runs under another rendering; this worker itself read
    `n_samples_done` samples with `n_tokens_done` tokens, which says how fast it is.
    """

    state: RunState = "queued"
    phase: str = ""
    n_done: int = 0
    n_total: int = 0
    n_tokens_done: int = 0
    n_samples_done: int = 0
    n_carried: int = 0
    samples_per_second: float | None = None
    tokens_per_second: float | None = None
    seconds_left: float | None = None
    peak_bytes: int | None = None
    memory_total_bytes: int | None = None
    device: str = ""
    padding_share: float | None = None
    models: tuple[ModelProgress, ...] = ()
    message: str = ""
    error: ErrorNote | None = None
    started_at: str | None = None
    heartbeat_at: str | None = None
    finished_at: str | None = None

    def __post_init__(self) -> None:
        for moment in (self.started_at, self.heartbeat_at, self.finished_at):
            check_time(moment)


def check_time(moment: str | None) -> None:
    """Raises ValueError where a text is no ISO 8601 time with its zone."""
    if moment is not None and datetime.fromisoformat(moment).tzinfo is None:
        raise ValueError(f"the time {moment!r} has no time zone")
