"""One file of a dataset, and what its name says: whether it holds rows, of which split, where it stands in order."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".tab", ".parquet", ".pq", ".arrow", ".feather")
PACKED = (".gz", ".zst")
# JSON that describes a dataset, an export or a checkpoint, and holds no rows of it.
_DESCRIPTIONS = frozenset(
    (
        "dataset_info.json",
        "dataset_infos.json",
        "dataset_dict.json",
        "state.json",
        "manifest.json",
        "croissant.json",
        "config.json",
    )
)
# `data/train_sft-00003-of-00012.parquet`, also with the fingerprint that `push_to_hub` adds.
_SHARD = re.compile(r"^(?P<split>.+?)-\d{3,}-of-\d{3,}\b")
_SPLIT_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
_WORDS = re.compile(r"[^A-Za-z0-9]+")
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file with its name in the dataset (`data/train.jsonl`), and the split and config that it belongs to."""

    path: Path
    name: str
    split: str = ""
    config: str = ""


def holds_rows(name: str) -> bool:
    """Whether a file of that name may hold rows."""
    plain = PurePosixPath(name).name.lower()
    if plain in _DESCRIPTIONS:
        return False
    for ending in PACKED:
        plain = plain.removesuffix(ending)
    return plain.endswith(ENDINGS)


def split_of(name: str) -> str:
    """The split that a file's name, or else the nearest folder above it, speaks of; "" for none.

    data/train_sft-00000-of-00002.parquet   train_sft
    test/part-1.jsonl                       test
    dev.json                                validation
    """
    file, *folders = reversed(PurePosixPath(name).parts)
    if shard := _SHARD.match(file):
        return shard["split"]
    for part in (file, *folders):
        for word in _WORDS.split(part.partition(".")[0] if part is file else part):
            if split := _SPLIT_WORDS.get(word.lower()):
                return split
    return ""


def natural_order(name: str) -> list[tuple[int, int, str]]:
    """A sort key in which `part-2` comes before `part-10`."""
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in _DIGITS.split(name) if part]
