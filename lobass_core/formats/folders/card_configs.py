"""What the README of a Hub dataset says about its files: the `configs` in its YAML head.

configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
"""

import glob
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from lobass_core.errors import InputFileError
from lobass_core.files.named_files import check_regular
from lobass_core.formats.folders.data_files import DataFile, holds_rows, natural_order, split_of

MAX_HEAD_CHARS = 1 << 20


@dataclass(frozen=True, slots=True)
class CardConfig:
    """One config with its files. `is_default`: it is what `load_dataset` opens unless told otherwise."""

    name: str
    is_default: bool
    files: tuple[DataFile, ...]


def card_configs(folder: Path, config: str = "") -> tuple[CardConfig, ...]:
    """The configs that name data files, all of them or the one asked for; none where the README has no such thing.

    Raises:
        InputFileError: a config names files that are not there, or that lie outside the folder.
    """
    entries = [entry for entry in _entries(folder) if "data_files" in entry or "data_dir" in entry]
    names = [_word(entry.get("config_name"), "default") for entry in entries]
    defaults = [bool(entry.get("default")) for entry in entries]
    if not any(defaults):
        defaults = [name == "default" for name in names]
    return tuple(
        CardConfig(name, is_default, tuple(_files(folder, name, entry)))
        for name, is_default, entry in zip(names, defaults, entries, strict=True)
        if config in ("", name)
    )


def config_names(folder: Path) -> list[str]:
    """The names of the configs that name data files."""
    named = [entry for entry in _entries(folder) if "data_files" in entry or "data_dir" in entry]
    return [_word(entry.get("config_name"), "default") for entry in named]


def _word(value: Any, otherwise: str) -> str:
    """A name in the YAML as text; anything else could be lists in lists, whose text has no end."""
    return str(value) if isinstance(value, str | int | float) else otherwise


def card_fault(folder: Path) -> str:
    """Why the configs that the README may name cannot be known; "" where it has none, or they can be read."""
    return _head(folder)[1]


def _entries(folder: Path) -> list[dict]:
    """The list under `configs`; empty where there is no README, or its head cannot be read (see `card_fault`)."""
    configs = _head(folder)[0].get("configs")
    return [entry for entry in configs if isinstance(entry, dict)] if isinstance(configs, list) else []


def _head(folder: Path) -> tuple[dict, str]:
    """The YAML head of the README, and what is wrong with it; neither where there is none."""
    try:
        check_regular(folder / "README.md")
        with (folder / "README.md").open(encoding="utf-8-sig") as file:
            text = file.read(MAX_HEAD_CHARS)
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        return {}, f"it cannot be read: {error.strerror}"
    except InputFileError as error:
        return {}, error.what
    except ValueError:
        return {}, "it is not UTF-8"
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---" or "configs" not in text:
        return {}, ""
    end = next((number for number, line in enumerate(lines[1:], 1) if line.strip() == "---"), 0)
    if not end:
        return {}, "its YAML head is not closed by a line ---"
    try:
        head = yaml.safe_load("\n".join(lines[1:end]))
    except yaml.MarkedYAMLError as error:
        at = f", line {error.problem_mark.line + 2:,}" if error.problem_mark else ""
        return {}, f"its head is not valid YAML{at}"
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, "its head is not valid YAML"
    if not isinstance(head, dict):
        return {}, "its head names no fields"
    return head, "" if isinstance(head.get("configs", []), list) else "its configs are not a list"


def _files(folder: Path, config: str, entry: dict) -> list[DataFile]:
    base = _inside(_word(entry.get("data_dir"), ""), folder)
    files: list[DataFile] = []
    if "data_files" not in entry:
        names = sorted(_matches(folder, f"{base}/**".lstrip("/")), key=natural_order)
        files = [DataFile(folder / name, name, split_of(name) or "train", config) for name in names]
    for split, pattern in _patterns(entry.get("data_files")):
        pattern = _inside(f"{base}/{pattern}" if base else pattern, folder)
        names = sorted(_matches(folder, pattern), key=natural_order)
        if not names:
            raise InputFileError(
                f"the README's config {config!r} names files that are not there: {pattern!r}",
                where=str(folder),
                do="Download the whole folder, or name the files: lobass import 'FOLDER/*.jsonl'.",
            )
        files += [DataFile(folder / name, name, split, config) for name in names]
    return files


def _matches(folder: Path, pattern: str) -> list[str]:
    """Files by their path in the folder; a pattern's match has to look like data, a plain name need not."""
    # Not Path.glob, which takes hidden files too.
    paths = glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207
    is_plain = not glob.has_magic(pattern)
    if is_plain and (folder / pattern).is_dir():
        paths = glob.glob(f"{glob.escape(pattern)}/**", root_dir=folder, recursive=True)  # noqa: PTH207
        is_plain = False
    names = [PurePosixPath(Path(name)).as_posix() for name in paths if not (folder / name).is_dir()]
    return [name for name in names if is_plain or holds_rows(name)]


def _patterns(value: Any) -> list[tuple[str, str]]:
    """(split, pattern) for each of the ways in which a card writes `data_files`."""
    if isinstance(value, str):
        return [("train", value)]
    if isinstance(value, dict):
        return [(_word(split, "train"), path) for split, paths in value.items() for path in _texts(paths)]
    patterns: list[tuple[str, str]] = []
    for item in value if isinstance(value, list) else []:
        if isinstance(item, dict):
            patterns += [(_word(item.get("split"), "train"), path) for path in _texts(item.get("path"))]
        elif isinstance(item, str):
            patterns.append(("train", item))
    return patterns


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, str)]


def _inside(pattern: str, folder: Path) -> str:
    """The pattern, once it is known to stay in the folder: a README comes from anyone."""
    pattern = pattern.removeprefix("./").rstrip("/")
    if pattern.startswith(("/", "~")) or "://" in pattern or ".." in PurePosixPath(pattern).parts:
        raise InputFileError(
            f"the README's configs name files outside the folder: {pattern!r}",
            where=str(folder),
            do="Name the files yourself: lobass import 'FOLDER/*.jsonl'.",
        )
    return pattern
