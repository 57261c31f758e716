"""--read-only: what only reads works, what writes is refused in one sentence, and the folder stays as it was."""

import os

import pytest

from lobass_core.files.read_only import VARIABLE
from lobass_core.store.connection import release
from lobass_core.store.turns import ask_for, has_come
from lobass_core.workflows.serve import free_port
from lobass_core.workflows.uploads import keep_upload
from tests.folder_state import folder_state
from tests.scored_files import write_jsonl


@pytest.fixture
def selected(selected):
    """Nothing is changed by the test."""
    before = folder_state(selected.root)
    yield selected
    release(selected.store_path)
    assert folder_state(selected.root) == before


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("runs",),
        ("browse", "--rows", "2"),
        ("compare", "all", "best"),
        ("selections",),
        ("scores", "-o", "OUT.csv"),
        ("rejects", "--to", "OUT.csv"),
        ("decide", "--log"),
        ("doctor",),
        ("clean", "--dry-run"),
        ("filters",),
        ("bundle", "OUT.zip"),
        ("export", "--selection", "best", "--to", "OUT", "--preflight"),
        ("export", "--selection", "best", "--to", "OUT", "--no-check"),
    ],
    ids=lambda words: f"{words[0]}-{words[-1]}",
)
def test_what_only_reads_works(lobass, selected, tmp_path, words):
    words = [str(tmp_path / word) if word.startswith("OUT") else word for word in words]
    ran = lobass(words[0], *words[1:], "--read-only", "--project", selected.root)
    assert (ran.exit_code, "error" in ran.err) == (0, False)
    assert VARIABLE not in os.environ


@pytest.mark.parametrize(
    "words",
    [
        ("decide", "drop", "ID"),
        ("decide", "--undo"),
        ("decisions", "import", "DECISIONS"),
        ("select", "--ratio", "0.5", "--name", "half"),
        ("selections", "--delete", "best"),
        ("import", "FILE", "--domain", "chat"),
        ("set-domain", "chats", "--domain", "other"),
        ("score", "--base", "org/base", "--reference", "org/tuned"),
        ("score", "--resume", "r-0001"),
        ("train-reference", "--base", "org/base", "--name", "ref"),
        ("cancel", "r-0001"),
        ("doctor", "--repair"),
        ("export", "--selection", "best", "--to", "INSIDE", "--no-check"),
        ("scores", "-o", "INSIDE.csv"),
    ],
    ids=lambda words: "-".join(words[:2]),
)
def test_what_writes_is_refused_in_one_sentence(lobass, selected, tmp_path, words):
    more = write_jsonl(tmp_path / "more.jsonl", [{"instruction": "New", "output": "Row"}])
    found = lobass("browse", "--read-only", "--project", selected.root, "--json").json
    sample_id = found["rows"][0]["sample_id"]
    decisions = write_jsonl(tmp_path / "decisions.jsonl", [{"sample_id": sample_id, "decision": "keep"}])
    named = {
        "FILE": more, "ID": sample_id, "DECISIONS": decisions,
        "INSIDE": selected.exports_dir / "x", "INSIDE.csv": selected.root / "x.csv",
    }  # fmt: skip
    ran = lobass(*(named.get(word, word) for word in words), "--read-only", "--project", selected.root)
    assert ran.exit_code == 2
    said = f"error: the project is opened read-only ({selected.root}).\n  To change it, remove --read-only"
    assert ran.err.startswith(said)


def test_the_variable_asks_for_it_too(lobass, selected, monkeypatch):
    monkeypatch.setenv(VARIABLE, "1")
    assert lobass("status", "--project", selected.root, "--json").json["read_only"] is True
    assert lobass("selections", "--delete", "best", "--project", selected.root).exit_code == 2
    with pytest.raises(Exception, match="opened read-only"):
        keep_upload(selected, "x.csv", b"a,b\n")
    ask_for(selected.store_path)
    assert not selected.store_path.with_name(".store.duckdb.asked-for").exists()
    has_come(selected.store_path)
    release(selected.store_path)


def test_the_dashboard_is_told(lobass, selected, monkeypatch):
    told = {}

    def become(path, words, environment):
        told.update(environment)
        raise SystemExit(0)

    monkeypatch.setattr("os.execve", become)
    monkeypatch.setattr("os.chdir", lambda path: None)
    lobass("serve", "--read-only", "--no-browser", "--port", free_port(), "--project", selected.root)
    assert told[VARIABLE] == "1"
