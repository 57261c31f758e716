"""What a worker says of itself while it runs, in one small file that is replaced whole."""

from dataclasses import asdict, dataclass, fields
from typing import Literal, Self

RunState = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]


@dataclass(frozen=True, slots=True)
class ErrorNote:
    """A failure in the words of `LobassError`."""

    what: str
    where: str = ""
    do: str = ""


@dataclass(frozen=True, slots=True)
class ModelProgress:
    """How far one model has come; counts are losses."""

    name: str
    part: str
    n_done: int
    n_total: int


@dataclass(frozen=True, slots=True)
class Progress:
    """A worker's state; times are ISO 8601 in UTC, rates are over the last minute or so."""

    state: RunState = "queued"
    phase: str = ""
    n_done: int = 0
    n_total: int = 0
    n_tokens_done: int = 0
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

    def to_dict(self) -> dict:
        """A plain dict for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> Self:
        """Inverse of `to_dict`; keys of a newer version are passed over."""
        known = {field.name for field in fields(cls)}
        values = {key: value for key, value in values.items() if key in known}
        values["models"] = tuple(ModelProgress(**model) for model in values.get("models") or ())
        values["error"] = ErrorNote(**values["error"]) if values.get("error") else None
        return cls(**values)
