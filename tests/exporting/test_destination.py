"""All of an export or nothing, and never over somebody's work."""

import errno
import json
import os
from pathlib import Path

import pytest

from lobass_core.errors import ExportError
from lobass_core.exporting.data_file import file_sha256
from lobass_core.exporting.destination import Claim, check, inspect, read_manifest, staging

CLAIM = Claim("best", "messages")


def _export(to: Path, text: str, claim: Claim = CLAIM) -> None:
    with staging(to, claim) as folder:
        (folder / "data").mkdir()
        (folder / "data" / "train.jsonl").write_text(text)
        n_bytes, sha256 = file_sha256(folder / "data" / "train.jsonl")
        entry = {"name": "data/train.jsonl", "bytes": n_bytes, "sha256": sha256}
        made = {"selection": claim.selection, "format": claim.format}
        (folder / "manifest.json").write_text(json.dumps({"lobass_manifest": 1, "export": made, "files": [entry]}))


def _left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_new_empty_and_nested_folders_are_taken(tmp_path):
    (tmp_path / "empty").mkdir()
    for to in (tmp_path / "new", tmp_path / "empty", tmp_path / "a" / "b"):
        _export(to, "one\n")
        assert _left(to) == ["data/train.jsonl", "manifest.json"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_an_earlier_export_is_replaced(tmp_path):
    to = tmp_path / "out"
    _export(to, "one\n")
    _export(to, "two\n")
    assert (to / "data" / "train.jsonl").read_text() == "two\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("other", [Claim("all", "messages"), Claim("best", "trl")])
def test_another_export_is_replaced_only_when_that_is_said(tmp_path, other):
    to = tmp_path / "out"
    _export(to, "one\n", other)
    named = f"another export, of selection '{other.selection}' as {other.format}"
    with pytest.raises(ExportError, match=named):
        _export(to, "two\n")
    assert (to / "data" / "train.jsonl").read_text() == "one\n"
    _export(to, "two\n", Claim("best", "messages", replace=True))
    assert (to / "data" / "train.jsonl").read_text() == "two\n"


def test_replace_never_takes_what_somebody_changed(tmp_path):
    to = tmp_path / "out"
    _export(to, "one\n")
    (to / "data" / "train.jsonl").write_text("one, mended by hand\n")
    with pytest.raises(ExportError, match="changed since it was written"):
        _export(to, "two\n", Claim("best", "messages", replace=True))


def test_what_is_not_ours_is_refused(tmp_path):
    to = tmp_path / "thesis"
    to.mkdir()
    (to / "chapter.tex").write_text("years of work")
    with pytest.raises(ExportError, match="not empty and does not contain"):
        _export(to, "one\n")
    assert (to / "chapter.tex").read_text() == "years of work"


def test_a_file_is_no_destination(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ExportError, match="destination is a file"):
        check(tmp_path / "file", CLAIM)


def test_files_beside_an_earlier_export_are_kept(tmp_path):
    to = tmp_path / "out"
    _export(to, "one\n")
    (to / "notes.txt").write_text("mine")
    with pytest.raises(ExportError, match=r"also contains notes\.txt"):
        _export(to, "two\n")
    assert (to / "data" / "train.jsonl").read_text() == "one\n"


def test_an_edited_export_is_kept(tmp_path):
    to = tmp_path / "out"
    _export(to, "one\n")
    (to / "data" / "train.jsonl").write_text("one, mended by hand\n")
    found = inspect(to)
    assert found is not None and found.changed == ("data/train.jsonl",) and not found.matches_disk
    with pytest.raises(ExportError, match="changed since it was written"):
        _export(to, "two\n")
    assert (to / "data" / "train.jsonl").read_text() == "one, mended by hand\n"


def test_a_manifest_cannot_name_files_outside(tmp_path):
    to = tmp_path / "out"
    to.mkdir()
    (tmp_path / "secret").write_text("x")
    entry = {"name": "../secret", "bytes": 1, "sha256": file_sha256(tmp_path / "secret")[1]}
    made = {"selection": "best", "format": "messages"}
    (to / "manifest.json").write_text(json.dumps({"lobass_manifest": 1, "export": made, "files": [entry]}))
    found = inspect(to)
    assert found is not None and found.missing == ()
    _export(to, "two\n")
    assert (tmp_path / "secret").read_text() == "x"


def test_a_failure_leaves_the_earlier_export(tmp_path):
    to = tmp_path / "out"
    _export(to, "one\n")
    with pytest.raises(ValueError, match="halfway"), staging(to, CLAIM) as folder:
        (folder / "train.jsonl").write_text("half")
        raise ValueError("halfway")
    assert (to / "data" / "train.jsonl").read_text() == "one\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EDQUOT, "disk is full"),
        (errno.EROFS, "is not writable"),
        (errno.EIO, "Input/output"),
    ],
)
def test_errors_of_the_disk_are_told(tmp_path, number, message):
    with pytest.raises(ExportError, match=message), staging(tmp_path / "out", CLAIM):
        raise OSError(number, os.strerror(number))
    assert list(tmp_path.iterdir()) == []


def test_the_swap_that_fails_halfway_is_taken_back(tmp_path, monkeypatch):
    to = tmp_path / "out"
    _export(to, "one\n")
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if Path(target) == to and self.name.endswith(".lobass") and ".old" not in self.name:
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(ExportError, match="Input/output"):
        _export(to, "two\n")
    assert (to / "data" / "train.jsonl").read_text() == "one\n"


def test_what_a_killed_process_left_is_cleared_and_what_a_living_one_writes_is_not(tmp_path):
    dead, living = tmp_path / ".out.999999999.0badcafe.lobass", tmp_path / f".out.{os.getpid()}.0badcafe.lobass"
    for folder in (dead, living):
        folder.mkdir()
    _export(tmp_path / "out", "one\n")
    assert not dead.exists() and living.exists()


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    _export(tmp_path / "link", "one\n")
    assert (tmp_path / "link").is_symlink()
    assert _left(tmp_path / "real") == ["data/train.jsonl", "manifest.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"lobass_manifest": "x"}', "not json"])
def test_what_is_no_manifest_is_refused(tmp_path, text):
    path = tmp_path / "manifest.json"
    path.write_text(text)
    with pytest.raises(ExportError, match="manifest"):
        read_manifest(path)


def test_a_missing_manifest_says_what_to_give(tmp_path):
    with pytest.raises(ExportError, match=r"no such manifest .* Use the manifest\.json"):
        read_manifest(tmp_path / "manifest.json")
