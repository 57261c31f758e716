"""Pipes, devices and sockets never end, or never begin: wherever a person names a file they are refused unopened."""

import contextlib
import os
import signal
import socket
from pathlib import Path

import pytest

from lobass_core.errors import ExportError, InputFileError, LobassError, ModelError
from lobass_core.exporting.destination import inspect, read_manifest
from lobass_core.files.named_files import read_small
from lobass_core.formats.folders.file_set import find_files
from lobass_core.formats.read_files import file_sha256, open_records
from lobass_core.specs import ImportSpec
from lobass_core.workflows.preview_import import preview
from lobass_core.workflows.recipes import read_recipe

GOOD = '{"prompt": "a", "response": "b"}\n'


@pytest.fixture(autouse=True)
def _alarm():
    """A read that waits for ever fails the test."""

    def ring(*_):
        raise TimeoutError("the file was opened, and never ends")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def endless(folder: Path, kind: str, name: str) -> Path:
    path = folder / name
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "socket":
        # A socket's path may have 108 characters.
        with contextlib.chdir(folder), socket.socket(socket.AF_UNIX) as listener:
            listener.bind(name)
    else:
        os.mkfifo(folder / "behind")
        path.symlink_to("behind")
    return path


KINDS = {"pipe": r"a pipe \(FIFO\)", "device": "a device", "socket": "a socket", "link": r"a pipe \(FIFO\)"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_import_refuses_them_alone_in_a_folder_and_in_a_pattern(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.jsonl").write_text(GOOD)
    path = endless(folder, kind, "b.jsonl")

    for named in (path, folder, folder / "*.jsonl"):
        with pytest.raises(InputFileError, match=f"this is {KINDS[kind]}, not a file.*(b.jsonl|behind|zero)"):
            preview(None, ImportSpec(path=str(named), domain="x"))
    for read in (open_records, file_sha256, read_small):
        with pytest.raises(InputFileError, match=f"this is {KINDS[kind]}, not a file"):
            read(path)
    found = preview(None, ImportSpec(path=str(folder), domain="x", exclude=("b*",)))
    assert len(found.rows) == 1


def test_a_file_of_proc_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").symlink_to("/proc/self/environ")

    with pytest.raises(InputFileError, match="the file is empty"):
        open_records(tmp_path / "a.jsonl")


def test_what_describes_a_folder_is_no_pipe(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(GOOD)
    os.mkfifo(tmp_path / "README.md")
    os.mkfifo(tmp_path / "state.json")
    os.mkfifo(tmp_path / "dataset_info.json")

    assert [file.name for file in find_files([str(tmp_path)]).files] == ["a.jsonl"]


def test_a_recipe_and_a_manifest_are_no_pipes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "recipe.json")
    os.mkfifo(tmp_path / "manifest.json")

    with pytest.raises(ModelError, match="this is a pipe"):
        read_recipe(tmp_path)
    with pytest.raises(ExportError, match="this is a pipe"):
        read_manifest(tmp_path / "manifest.json")
    assert inspect(tmp_path) is None


def test_names_in_a_readme_are_texts(tmp_path: Path) -> None:
    """Lists of lists of lists, each named once, whose text has 10^9 words."""
    levels = "\n".join(f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 10))
    config = "- config_name: *l9\n  data_dir: *l9\n  data_files: [{split: *l9, path: a.jsonl}]"
    bomb = f"---\nlevels:\n  l0: &l0 lol\n{levels}\nconfigs:\n{config}\n---\n"
    (tmp_path / "README.md").write_text(bomb)
    (tmp_path / "a.jsonl").write_text(GOOD)

    (file,) = find_files([str(tmp_path)]).files

    assert (file.name, file.split, file.config) == ("a.jsonl", "train", "default")


def test_a_file_that_is_read_whole_has_a_limit(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"x" * 11)

    assert read_small(tmp_path / "a.json", 11) == b"x" * 11
    with pytest.raises(LobassError, match="larger than 10 bytes"):
        read_small(tmp_path / "a.json", 10)
