"""What a trained arm lost on each measured row: one small JSON an arm, found again by its content."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self, TypeVar

import msgspec
import numpy as np

from lobass_core.errors import RunError
from lobass_core.files.atomic_file import write_whole
from lobass_core.specs import TrainMethod

VERSION = 1
# Losses are kept in ten-thousandths of a nat, summed over a response: a mean of 100 tokens is then exact to 1e-6.
UNITS_A_NAT = 10_000
ID_DIGITS = 16

TRAIN_AGAIN = "Start or resume the experiment: it trains this arm again."

Document = TypeVar("Document", "ArmResult", "MeasuredRows")


@dataclass(frozen=True, slots=True)
class ArmRecipe:
    """How every arm of an experiment is trained.

    `steps_of` empty: each arm for `epochs` over its own rows. Else all arms take as many steps as `epochs` over the
    rows of that digest would.
    """

    method: TrainMethod = "lora"
    epochs: float = 1.0
    learning_rate: float = 0.0
    batch_tokens: int = 1024
    lora_rank: int = 16
    steps_of: str = ""


@dataclass(frozen=True, slots=True)
class ArmContent:
    """Everything that decides an arm's losses but the device: two arms of the same content are one training."""

    base: str
    render_fp: str
    recipe: ArmRecipe
    seed: int
    trained_on: str
    measured_on: str
    answered_on: str = ""

    @property
    def key(self) -> str:
        """16 hex digits that name the arm's file."""
        parts = asdict(self)
        if not self.answered_on:
            # As arms were named before they could answer.
            del parts["answered_on"]
        if self.trained_on == digest_of(()):
            # Nothing is trained: recipe and seed decide nothing.
            parts |= {"recipe": None, "seed": None}
        return hashlib.sha256(json.dumps([VERSION, parts], sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ArmResult:
    """Losses of one trained arm, in nats/`UNITS_A_NAT` summed over each response, in the order of the measured rows.

    `answers` are in the same order: 1 where the arm's own answer was right, 0 where it was wrong, -1 where it was not
    asked; empty where no row was.
    """

    content: ArmContent
    n_rows: int
    n_tokens_shown: int
    n_response_tokens: int
    n_steps: int
    train_seconds: float
    measure_seconds: float
    cpu_seconds: float
    device: str
    dtype: str
    losses: tuple[int, ...]
    answers: tuple[int, ...] = ()
    version: int = VERSION

    def loss_sums(self) -> np.ndarray:
        """float64[n]: nats summed over each response."""
        return np.array(self.losses, dtype=np.float64) / UNITS_A_NAT


@dataclass(frozen=True, slots=True)
class MeasuredRows:
    """The rows that arms are judged by, in the order of their ids: set (such as a domain) and response tokens each.

    `groups` numbers the near duplicates among them, empty where nobody looked for any.
    """

    sample_ids: tuple[str, ...]
    sets: tuple[str, ...]
    n_tokens: tuple[int, ...]
    groups: tuple[int, ...] = ()

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, int]]) -> Self:
        """Of (sample id, set, response tokens) in any order."""
        ordered = sorted((sample_id[:ID_DIGITS], name, int(n)) for sample_id, name, n in rows)
        ids, sets, n_tokens = zip(*ordered, strict=True) if ordered else ((), (), ())
        return cls(ids, sets, n_tokens)

    @property
    def digest(self) -> str:
        """16 hex digits that name the rows; the sets that they are shown in do not count."""
        return digest_of(self.sample_ids)


class ArmCache:
    """A folder of finished arms, each in a file that its content names, and of the rows that they were measured on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path_of(self, key: str) -> Path:
        """Where the arm of that key lies, or would."""
        return self.folder / "arms" / f"{key}.json"

    def has(self, content: ArmContent) -> bool:
        """Whether the arm is finished and its file whole; a damaged one is to be trained again."""
        return self.path_of(content.key).is_file() and not self.fault(content)

    def fault(self, content: ArmContent) -> str:
        """What is wrong with the arm's file; empty where it is whole, or not there."""
        try:
            self.read(content)
        except RunError as error:
            return error.what if self.path_of(content.key).exists() else ""
        return ""

    def read(self, content: ArmContent) -> ArmResult:
        """A finished arm.

        Raises:
            RunError: there is none, or its file is damaged or of another content than its name says.
        """
        return self.read_key(content.key)

    def read_key(self, key: str) -> ArmResult:
        """A finished arm by its key.

        Raises:
            RunError: there is none, or its file is damaged or of another content than its name says.
        """
        path = self.path_of(key)
        result = _read(path, ArmResult, TRAIN_AGAIN)
        if result.content.key != key:
            raise RunError(
                "the file of an arm contains a different arm than its name says", where=str(path), do=TRAIN_AGAIN
            )
        return result

    def write(self, result: ArmResult) -> Path:
        """Keep a finished arm, whole or not at all."""
        path = self.path_of(result.content.key)
        _write(path, result)
        return path

    def read_rows(self, digest: str) -> MeasuredRows:
        """The measured rows of that digest.

        Raises:
            RunError: they are not there, or damaged.
        """
        return _read(self._rows_path(digest), MeasuredRows, "Start the experiment again: it writes its rows again.")

    def has_rows(self, digest: str) -> bool:
        """Whether the measured rows of that digest can be read."""
        try:
            return self.read_rows(digest).digest == digest
        except RunError:
            return False

    def write_rows(self, rows: MeasuredRows) -> None:
        """Keep what each measured row is."""
        _write(self._rows_path(rows.digest), rows)

    def _rows_path(self, digest: str) -> Path:
        return self.folder / "rows" / f"{digest}.json"


def _write(path: Path, document: ArmResult | MeasuredRows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, msgspec.json.encode(document).decode() + "\n")


def _read(path: Path, kind: type[Document], do: str) -> Document:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError as error:
        raise RunError("a file of the experiment is missing", where=str(path), do=do) from error
    except (OSError, msgspec.MsgspecError) as error:
        raise RunError(f"a file of the experiment cannot be read: {error}", where=str(path), do=do) from error


def digest_of(sample_ids: Iterable[str]) -> str:
    """16 hex digits that name a set of samples, in whatever order."""
    short = sorted({sample_id[:ID_DIGITS] for sample_id in sample_ids})
    return hashlib.sha256("\n".join(short).encode()).hexdigest()[:16]
