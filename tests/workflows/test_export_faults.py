"""Exports that cannot be written, and what the log says of those that were."""

import contextlib
import errno
import shutil
import subprocess
from pathlib import Path

import pytest

from lobass_core.errors import ExportError, LobassError
from lobass_core.specs import ExportSpec
from lobass_core.workflows.export import export, past_exports
from tests.exported_project import FORMATS, contents_of

pytestmark = pytest.mark.usefixtures("no_checks")


def test_a_full_disk_leaves_no_half_file(filled, tmp_path, monkeypatch):
    from lobass_core.exporting.data_file import DataFile

    def full(self: DataFile, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    export(filled, ExportSpec(selection="all", to=str(tmp_path / "out")))
    before = contents_of(tmp_path / "out")
    monkeypatch.setattr(DataFile, "write", full)
    for format in FORMATS:
        with pytest.raises(ExportError, match="disk is full"):
            export(filled, ExportSpec(selection="best", to=str(tmp_path / "out"), format=format, replace=True))
    assert contents_of(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_export_that_cannot_be_logged_is_not_kept(filled, tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("lobass_core.workflows.export.log_export", full)
        with pytest.raises(LobassError, match="the disk is full"):
            export(filled, ExportSpec("all", str(tmp_path / "out")))
    assert (list(tmp_path.glob("out*")), list(tmp_path.glob(".out*")), past_exports(filled)) == ([], [], [])


def test_an_export_that_cannot_take_its_place_is_not_in_the_log(filled, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("lobass_core.exporting.destination._take_place", full)
        with pytest.raises(ExportError, match="the disk is full"):
            export(filled, ExportSpec("all", str(tmp_path / "out")))
    assert (list(tmp_path.glob("out*")), list(tmp_path.glob(".out*")), past_exports(filled)) == ([], [], [])
    assert export(filled, ExportSpec("all", str(tmp_path / "out"))).n_written
    assert len(past_exports(filled)) == 1


def test_bytes_that_the_disk_gives_back_wrong_are_noticed(filled, tmp_path, monkeypatch):
    from lobass_core.exporting import verify as verifying

    monkeypatch.setattr(verifying, "file_sha256", lambda path: (1, "0" * 64))
    with pytest.raises(ExportError, match="failed verification"):
        export(filled, ExportSpec(selection="all", to=str(tmp_path / "out")))
    assert not (tmp_path / "out").exists()


def test_destinations_that_the_project_needs_are_refused(filled):
    for folder in (filled.root, filled.exports_dir, filled.runs_dir, filled.models_dir):
        with pytest.raises(ExportError, match="project uses this folder"):
            export(filled, ExportSpec(selection="all", to=str(folder)))
    export(filled, ExportSpec(selection="all", to=str(filled.exports_dir / "one")))
    assert (filled.exports_dir / "one" / "train.jsonl").is_file()


def test_past_exports_know_what_became_of_their_files(filled, tmp_path):
    for name in ("kept", "edited", "replaced", "gone"):
        export(filled, ExportSpec(selection="all", to=str(tmp_path / name)))
    assert {entry.state for entry in past_exports(filled)} == {"matches disk"}
    with (tmp_path / "edited" / "train.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(ExportError, match="another export, of selection 'all' as messages"):
        export(filled, ExportSpec(selection="best", to=str(tmp_path / "replaced")))
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "replaced"), replace=True))
    for file in (tmp_path / "gone").iterdir():
        file.unlink()
    states = [
        (Path(entry.logged.folder).name, entry.logged.selection_name, entry.state) for entry in past_exports(filled)
    ]
    assert states == [
        ("replaced", "best", "matches disk"),
        ("gone", "all", "gone"),
        ("replaced", "all", "replaced"),
        ("edited", "all", "changed on disk"),
        ("kept", "all", "matches disk"),
    ]
    assert [entry.changed for entry in past_exports(filled)] == [(), (), (), ("train.jsonl",), ()]


def test_the_log_keeps_no_picks(filled, tmp_path):
    export(filled, ExportSpec(selection="all", to=str(tmp_path / "out"), with_dropped=True))
    (entry,) = past_exports(filled)
    assert "picks" not in entry.logged.manifest and "dropped" not in entry.logged.manifest
    assert entry.logged.manifest["counts"]["n_selected"] == 10 and entry.logged.n_rows == 10


def test_a_disk_that_is_really_full(filled, tmp_path):
    """A file system of 64 kB: the data do not fit, nothing is left, and the earlier export stands."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system can be mounted by root only")
    try:
        export(filled, ExportSpec(selection="best", to=str(disk / "out")))
        before = contents_of(disk / "out")
        with contextlib.suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(b"x" * 1024)
        (disk / "ballast").write_bytes((disk / "ballast").read_bytes()[4096:])
        for format in FORMATS:
            with pytest.raises(ExportError, match="disk is full"):
                export(filled, ExportSpec(selection="all", to=str(disk / "out"), format=format, replace=True))
            assert contents_of(disk / "out") == before
        assert sorted(path.name for path in disk.iterdir()) == ["ballast", "out"]
        with pytest.raises(ExportError, match="mount point"):
            export(filled, ExportSpec(selection="best", to=str(disk)))
    finally:
        subprocess.run(["umount", str(disk)], check=True)
