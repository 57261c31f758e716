"""How much of a file is held in memory at once, so that a small file which unpacks to gigabytes harms nobody."""

import os
from dataclasses import dataclass

from lobass_core.errors import InputFileError, RequestError
from lobass_core.files.named_files import size_text
from lobass_core.specs import DEFAULT_RECORD_MB, MOST_RECORD_MB

VARIABLE = "LOBASS_MAX_RECORD_MB"
# Some containers must be held whole: a JSON object, a page of a Parquet file, a batch of an Arrow file.
_RECORDS_HELD = 16
# Text packs 3 to 20 times, rows that repeat each other 100 times; gzip can pack zeros 1,000 times, zstd 30,000 times.
MAX_RATIO = 200
RATIO_FROM_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """`record_bytes`: the longest record, as UTF-8. `look_bytes`: how much of a file is looked at to tell its encoding,
    for a preview; None for all of it."""

    record_bytes: int = DEFAULT_RECORD_MB << 20
    look_bytes: int | None = None

    @property
    def held_bytes(self) -> int:
        """The most that a container may make us hold at once."""
        return self.record_bytes * _RECORDS_HELD

    @property
    def too_long(self) -> str:
        """Why a record that is longer is set aside."""
        return f"is longer than {size_text(self.record_bytes)}, the limit for one record (--max-record-mb)"

    def is_over(self, text: str) -> bool:
        """Whether the text is longer than a record may be."""
        if len(text) * 4 <= self.record_bytes:
            return False
        return len(text) > self.record_bytes or len(text.encode("utf-8", "surrogatepass")) > self.record_bytes

    def unheld(self, what: str, where: str, do: str) -> InputFileError:
        """The refusal of a file of which more than `held_bytes` would have to be held at once."""
        return InputFileError(
            f"{what} is larger than {size_text(self.held_bytes)}, and would have to be held in memory at once",
            where=where,
            do=f"{do} Or raise --max-record-mb: {_RECORDS_HELD} times that much may be held.",
        )


def check_ratio(n_unpacked: int, n_packed: int, where: str) -> None:
    """Refuse what unpacks to far more than any text does.

    Raises:
        InputFileError: it does.
    """
    if n_unpacked > max(MAX_RATIO * n_packed, RATIO_FROM_BYTES):
        raise InputFileError(
            f"{size_text(n_packed)} of the file decompress to {size_text(n_unpacked)} or more, over {MAX_RATIO} "
            "times as much, which no real dataset does",
            where=where,
            do="If the file is what you expect, decompress it first and import the result.",
        )


def read_limits(max_record_mb: int = 0) -> ReadLimits:
    """The limits for records of so many megabytes; 0: as the environment says, else the default.

    Raises:
        RequestError: the environment says no whole number of megabytes.
    """
    if max_record_mb:
        return ReadLimits(max_record_mb << 20)
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return ReadLimits()
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 0 < int(text) <= MOST_RECORD_MB):
        raise RequestError(f"{VARIABLE} is {text!r}", do=f"Use a whole number of megabytes, 1 to {MOST_RECORD_MB:,}.")
    return ReadLimits(int(text) << 20)


# For files that the program wrote itself, of records that it has read before.
UNLIMITED = ReadLimits(1 << 50)
