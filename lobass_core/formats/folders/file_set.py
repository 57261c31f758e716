"""What a person names, a file, several, a pattern or a folder, as the ordered files of one dataset."""

import fnmatch
import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lobass_core.errors import InputFileError, RequestError
from lobass_core.formats.folders.card_configs import card_configs, card_fault, config_names
from lobass_core.formats.folders.data_files import DataFile, holds_rows, natural_order, split_of
from lobass_core.formats.folders.saved_folders import is_saved, saved_files

MAX_FILES = 10_000
SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class FileSet:
    """The files in the order of their rows, under the folder that they share. `name` is what was named, for people.

    `left_out` says in words what of the folder is not read.
    """

    root: Path
    name: str
    files: tuple[DataFile, ...]
    left_out: tuple[str, ...] = ()

    def columns_of(self, file: DataFile) -> tuple[tuple[str, str], ...]:
        """The columns that say where a row of that file stood: its split and config, where the files differ in them."""
        columns = (("split", file.split, self.splits), ("config", file.config, self.configs))
        return tuple((column, value) for column, value, all_values in columns if value and len(all_values) > 1)

    @property
    def splits(self) -> list[str]:
        """The splits in their order, each once; "" for files of no split."""
        return list(dict.fromkeys(file.split for file in self.files))

    @property
    def configs(self) -> list[str]:
        """The configs in their order, each once."""
        return list(dict.fromkeys(file.config for file in self.files))


def find_files(paths: Sequence[str], config: str = "", split: str = "", exclude: Sequence[str] = ()) -> FileSet:
    """The files that the paths name, natural order within each folder and pattern, a file named twice once.

    A path that names nothing stands for itself: opening it says what is wrong. `exclude` holds names or patterns of
    files to leave out. A folder of several configs is read as its README's default config, else all of it.

    Raises:
        InputFileError: a folder or pattern without data, or one that is damaged.
        RequestError: no such config or split, or nothing is left.
    """
    data_files: list[DataFile] = []
    left_out: list[str] = []
    roots: list[Path] = []
    for text in paths:
        path = Path(text).expanduser()
        if path.is_dir():
            files, others = _folder(path.resolve(), config)
            roots.append(path.resolve())
        elif not path.exists() and glob.has_magic(text):
            files, others = _pattern(path)
            roots.append(Path(os.path.commonpath([file.path.parent for file in files])))
        else:
            files, others = [_named(path)], []
            roots.append(path.resolve().parent)
        data_files += files
        left_out += others
    if config and not any(file.config for file in data_files):
        raise RequestError(f"there is no config {config!r}", where=str(roots[0]), do="Remove --config.")
    root = roots[0] if len(roots) == 1 else Path(os.path.commonpath(roots))
    unique = {file.path: replace(file, name=_name_in(root, file)) for file in reversed(data_files)}
    kept = _chosen([unique[path] for path in dict.fromkeys(file.path for file in data_files)], root, split, exclude)
    name = (
        root.name
        if len(paths) > 1 or len(data_files) != 1 or Path(paths[0]).expanduser().is_dir()
        else kept[0].path.name
    )
    return FileSet(root, name, tuple(kept), tuple(left_out))


def _named(path: Path) -> DataFile:
    resolved = path.resolve()
    return DataFile(resolved, resolved.name, split_of(resolved.name))


def _name_in(root: Path, file: DataFile) -> str:
    # A link may lead anywhere, as those of the Hub's cache do; then the name stays what the folder calls it.
    return file.path.relative_to(root).as_posix() if file.path.is_relative_to(root) else file.name


def _chosen(files: list[DataFile], root: Path, split: str, exclude: Sequence[str]) -> list[DataFile]:
    unused = [pattern for pattern in exclude if not any(_fits(file, pattern) for file in files)]
    if unused:
        raise RequestError(f"no file matches --exclude {unused[0]!r}", where=str(root), do="Check the file name.")
    kept = [file for file in files if not any(_fits(file, pattern) for pattern in exclude)]
    if split:
        splits = [name for name in dict.fromkeys(file.split for file in kept) if name]
        kept = [file for file in kept if file.split == split]
        if not kept:
            raise RequestError(
                f"there is no split {split!r}",
                where=str(root),
                do=f"The splits are {', '.join(splits)}."
                if splits
                else "No file name contains a split: remove --split.",
            )
    if not kept:
        raise RequestError("--exclude leaves no file", where=str(root), do="Exclude fewer files.")
    if len(kept) > MAX_FILES:
        raise InputFileError(
            f"there are more than {MAX_FILES:,} files", where=str(root), do="Join them, or import them in parts."
        )
    return kept


def _fits(file: DataFile, pattern: str) -> bool:
    return fnmatch.fnmatchcase(file.name, pattern) or fnmatch.fnmatchcase(Path(file.name).name, pattern)


def _pattern(pattern: Path) -> tuple[list[DataFile], list[str]]:
    matches = sorted(glob.glob(str(pattern), recursive=True), key=natural_order)  # noqa: PTH207 (hidden files stay out)
    paths = [Path(match).absolute() for match in matches if not Path(match).is_dir()]
    files = [DataFile(path, path.name, split_of(path.name)) for path in paths if holds_rows(path.name)]
    if not files:
        raise InputFileError(
            "no data file matches the pattern", where=str(pattern), do="Check it, and quote it: 'a*.json'."
        )
    root = Path(os.path.commonpath([file.path.parent for file in files]))
    files = [replace(file, split=split_of(file.path.relative_to(root).as_posix())) for file in files]
    return files, _listed([path.name for path in paths if not holds_rows(path.name)])


def _folder(folder: Path, config: str) -> tuple[list[DataFile], list[str]]:
    """The files of a folder: as `save_to_disk` or the README say, else all that look like data."""
    if is_saved(folder):
        return saved_files(folder, folder), []
    names = config_names(folder)
    if config and config not in names:
        do = f"Its configs are {', '.join(names)}." if names else "Its README names none: remove --config."
        raise RequestError(f"the folder has no config {config!r}", where=str(folder), do=do)
    if not names:
        files, others = _plain(folder)
        fault = card_fault(folder)
        return files, [f"the configs of README.md ({fault})", *others] if fault else others
    configs = card_configs(folder, config)
    defaults = [one for one in configs if one.is_default]
    if not config and len(configs) > 1 and len(defaults) == 1:
        others = [f"the config {one.name!r} (--config {one.name})" for one in configs if one not in defaults]
        return list(defaults[0].files), _listed(others)
    files = [file for one in configs for file in one.files]
    others = [f"the config {name!r} (--config {name})" for name in names if name not in [one.name for one in configs]]
    return files, _listed(others)


def _plain(folder: Path) -> tuple[list[DataFile], list[str]]:
    files: list[DataFile] = []
    others: list[str] = []
    n_hidden = 0
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        if any(part.startswith(".") for part in Path(name).parts):
            n_hidden += 1
        elif path.is_dir():
            files += saved_files(path, folder)
        elif holds_rows(name):
            files.append(DataFile(path, name, split_of(name)))
        else:
            others.append(name)
    if not files:
        raise InputFileError(
            "the folder contains no data file",
            where=str(folder),
            do="Data files are JSON, JSONL, CSV, TSV, Parquet and Arrow, plain or as .gz or .zst.",
        )
    files.sort(key=lambda file: natural_order(file.name))
    hidden = [f"{n_hidden:,} hidden file{'' if n_hidden == 1 else 's'}"] if n_hidden else []
    return files, [*_listed(sorted(others, key=natural_order)), *hidden]


def _walk(folder: Path) -> Iterator[Path]:
    """Every file under the folder; a dataset saved in it as its folder. Links to folders are not followed."""
    for place, folders, names in os.walk(folder):
        here = Path(place)
        saved = [name for name in folders if is_saved(here / name)]
        yield from (here / name for name in saved)
        folders[:] = [name for name in folders if name not in saved and name != ".git"]
        yield from (here / name for name in names)


def _listed(names: list[str]) -> list[str]:
    more = len(names) - SHOWN_NAMES
    return names if more <= 0 else [*names[:SHOWN_NAMES], f"{more:,} more"]
