"""Folders that `save_to_disk` of the `datasets` library wrote: their state names the files, in their order."""

import json
from pathlib import Path
from typing import Any

from lobass_core.errors import InputFileError
from lobass_core.files.named_files import read_small
from lobass_core.formats.folders.data_files import DataFile

STATE, DICT = "state.json", "dataset_dict.json"


def is_saved(folder: Path) -> bool:
    """Whether the folder is one saved dataset, or several splits of one."""
    return (folder / DICT).is_file() or _is_one(folder)


def saved_files(folder: Path, root: Path) -> list[DataFile]:
    """The files of the saved dataset, named by their path from `root`; splits in the order they were saved in.

    Raises:
        InputFileError: what describes the dataset is damaged, or a file that it names is missing.
    """
    if not (folder / DICT).is_file():
        return _files_of(folder, root, "")
    splits = _read(folder / DICT).get("splits")
    if not isinstance(splits, list) or not splits:
        raise _damaged(folder / DICT)
    return [file for split in splits for file in _files_of(folder / _plain(split, folder / DICT), root, split)]


def _is_one(folder: Path) -> bool:
    return (folder / STATE).is_file() and (folder / "dataset_info.json").is_file()


def _files_of(folder: Path, root: Path, split: str) -> list[DataFile]:
    state = folder / STATE
    entries = _read(state).get("_data_files")
    if not isinstance(entries, list) or not entries:
        raise _damaged(state)
    names = [_plain(entry.get("filename") if isinstance(entry, dict) else None, state) for entry in entries]
    for name in names:
        if not (folder / name).is_file():
            raise InputFileError(
                f"the file {name!r} of the saved dataset is missing",
                where=str(folder),
                do="Copy the whole folder, or save the dataset again.",
            )
    return [DataFile(folder / name, (folder / name).relative_to(root).as_posix(), split) for name in names]


def _plain(name: Any, where: Path) -> str:
    """A name that stays in its folder."""
    if not isinstance(name, str) or name != Path(name).name or name in ("", "..", "."):
        raise _damaged(where)
    return name


def _read(path: Path) -> dict:
    try:
        value = json.loads(read_small(path).decode("utf-8"))
    except (OSError, ValueError, RecursionError, InputFileError):
        raise _damaged(path) from None
    if not isinstance(value, dict):
        raise _damaged(path)
    return value


def _damaged(path: Path) -> InputFileError:
    return InputFileError(
        "the file that describes a saved dataset is damaged",
        where=str(path),
        do="Save the dataset again, or name its data files: lobass import 'FOLDER/*.arrow'.",
    )
