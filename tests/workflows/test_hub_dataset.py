"""A dataset of the Hub comes in by its id, from a local stand-in of the Hub's API."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lobass_core.workflows.hub_dataset import is_hub_id
from tests.workflows.fake_hub import COMMIT, fake_hub

CARD = """---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train*
  - split: test
    path: data/test*
---
"""
FILES = {
    "README.md": CARD.encode(),
    "data/train.jsonl": b'{"prompt": "q1", "response": "a1"}\n{"prompt": "q2", "response": "a2"}\n',
    "data/test.jsonl": b'{"prompt": "q3", "response": "a3"}\n',
    "open.py": b"raise SystemExit('code of a dataset was run')\n",
}


def test_what_may_be_a_hub_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "org/here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    found = {text: is_hub_id(text) for text in ("org/name", "org/here", "data/a.jsonl", "a.json.gz", "/a/b", "a/b/c")}
    assert found == {text: text == "org/name" for text in found}


def said(done: subprocess.CompletedProcess) -> str:
    """The error on one line, however the terminal broke it."""
    return " ".join(done.stderr.split())


def test_a_hub_id_is_fetched_and_refused_in_sentences(tmp_path: Path):
    with fake_hub(FILES, "hf_right") as (endpoint, fetched):
        known = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
        env = {**known, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
        project = str(tmp_path / "p")

        def lobass(*words: str, **more: str) -> subprocess.CompletedProcess:
            command = [sys.executable, "-c", "from lobass_core.cli.main import main; main()", *words]
            command += ["--project", project] if words[0] == "import" else []
            return subprocess.run(
                command,
                env={**env, **more},
                capture_output=True,
                text=True,
                check=False,
                cwd=tmp_path,
                timeout=120,
            )

        lobass("init", project)
        done = lobass("import", "org/open", "--domain-column", "split", "--json")
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        assert (result["dataset"], result["domains"]) == ("open", {"test": 1, "train": 2})
        assert [one["name"] for one in result["files"]] == ["data/train.jsonl", "data/test.jsonl"]
        assert sorted(fetched) == ["README.md", "data/test.jsonl", "data/train.jsonl"]
        again = lobass("import", "--update", "open", "--preview", "1", "--json")
        assert again.returncode == 0, again.stderr
        assert (json.loads(again.stdout)["n_unchanged"], json.loads(again.stdout)["is_same"]) == (3, True)
        gated = lobass("import", "org/gated", "--domain", "x")
        assert "the Hub dataset 'org/gated' is gated" in said(gated)
        opened = lobass("import", "org/gated", "--domain", "x", "--split", "test", HF_TOKEN="hf_right")
        assert (opened.returncode, opened.stderr.count("error")) == (0, 0)
        missing = lobass("import", "org/none", "--domain", "x")
        assert "'org/none' is neither a file or folder nor a Hub dataset that can be read" in " ".join(
            missing.stderr.split()
        )
        revision = lobass("import", "org/open", "--domain", "x", "--revision", "v9")
        assert "the Hub dataset 'org/open' has no revision 'v9'" in said(revision)
    offline = lobass("import", "org/other", "--domain", "x", HF_HUB_OFFLINE="1")
    assert "is not in the local cache (HF_HUB_OFFLINE is set)" in said(offline)
    cached = lobass("import", "org/open", "--domain", "y", "--revision", COMMIT, HF_HUB_OFFLINE="1")
    assert cached.returncode == 0, cached.stderr
