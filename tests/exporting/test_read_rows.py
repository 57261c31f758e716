"""The picked records are parsed once, in the way that the import asked for, and come out the same every time."""

import json
from pathlib import Path

import pytest

from lobass_core.exporting import read_rows
from lobass_core.formats.raw_records import decode_line, json_text
from lobass_core.project import Project
from lobass_core.specs import ExportSpec, ImportSpec
from lobass_core.store.datasets import list_datasets
from lobass_core.workflows.export import export, replay
from lobass_core.workflows.import_data import import_file
from tests.scored_files import score, select_all

CALL = {"type": "function", "function": {"name": "look", "arguments": '{"at": "\\ud83d"}'}}
ODD = [
    '{"messages": [{"role": "user", "content": "a", "mood": 1.50}, {"role": "assistant", "content": "b\\u0000\\n"}],'
    ' "price": 3.10, "big": 1e999, "deep": {"of": [1, null]}}',
    json.dumps({"messages": [{"role": "user", "content": "c"},
                             {"role": "assistant", "content": "", "tool_calls": [CALL]},
                             {"role": "tool", "content": "d"}, {"role": "assistant", "content": "e", "weight": 0}]}),
    '{"chosen": "good", "rejected": "bad", "prompt": "which?", "note": "\\u00e9"}',
    '{"messages": [{"role": "user", "content": "f"}, {"role": "assistant", "content": "g", "thinking": "h"}]}',
]  # fmt: skip


def imported(project: Project, tmp_path: Path, lines: list[str], **asked) -> Project:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    import_file(project, ImportSpec(str(path), domain="d", **asked))
    score(project)
    select_all(project)
    return project


@pytest.mark.parametrize("format", ["messages", "parquet", "trl", "prompt-completion"])
def test_a_record_is_parsed_once_and_the_file_is_the_same(
    project: Project, tmp_path: Path, format, monkeypatch: pytest.MonkeyPatch
):
    chats = [line for line in ODD if format != "prompt-completion" or '"weight"' not in line]
    imported(project, tmp_path, [line for line in chats if "chosen" not in line])
    parsed, parse_row = [], read_rows.parse_row
    monkeypatch.setattr(read_rows, "parse_row", lambda *given: parsed.append(given) or parse_row(*given))
    told: list[tuple[int, int]] = []
    spec = ExportSpec(selection="all", format=format, to=str(tmp_path / "once"), check=False)
    receipt = export(project, spec, lambda *numbers: told.append(numbers))
    n_rows = receipt.n_selected
    assert len(parsed) == n_rows
    if format != "prompt-completion":  # whose second look at the rows ends where it knows enough
        assert told == [(n_rows, n_rows)]
    monkeypatch.setattr(read_rows.PickedRows, "__call__", read_rows.PickedRows._read_first)
    again = export(project, ExportSpec(selection="all", format=format, to=str(tmp_path / "again"), check=False))
    assert len(parsed) > 2 * n_rows
    assert [(one.name, one.sha256) for one in again.files] == [(one.name, one.sha256) for one in receipt.files]


@pytest.mark.parametrize("line", ODD)
def test_what_is_kept_reads_back_as_it_was(line: str):
    parsed = read_rows.parse_row(decode_line(line), _detected(line))
    row = read_rows.ExportRow("d", 0, "d", parsed.sample, parsed.extra)
    sample, extra = read_rows._read_back(read_rows._written(row))
    assert (sample, extra) == (parsed.sample, parsed.extra)
    assert json_text(extra) == json_text(parsed.extra)


def _detected(line: str) -> read_rows.Detection:
    is_pair = "chosen" in line
    mapping = {"chosen": "chosen", "rejected": "rejected"} if is_pair else {"messages": "messages"}
    return read_rows.Detection("preference" if is_pair else "messages", mapping, "", 1.0)


MIXED = [
    '{"prompt": "say", "completion": "a"}',
    '{"prompt": "say", "completion": "b", "instruction": "tell", "output": "d"}',
]


@pytest.mark.parametrize(("asked", "answer"), [({}, "d"), ({"format": "prompt-completion"}, "b")])
def test_a_record_is_read_in_the_way_that_was_asked_for(project: Project, tmp_path: Path, asked: dict, answer: str):
    imported(project, tmp_path, MIXED, **asked)
    with project.store() as store:
        (dataset,) = list_datasets(store.cursor())
    assert dataset.format_asked == bool(asked)
    export(project, ExportSpec(selection="all", format="messages", to=str(tmp_path / "out"), check=False))
    rows = [json.loads(line) for line in (tmp_path / "out" / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["messages"][-1]["content"] for row in rows] == ["a", answer]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert [source["format_asked"] for source in manifest["sources"]] == [bool(asked)]


def test_a_manifest_that_does_not_say_it_is_replayed_as_before(project: Project, tmp_path: Path):
    imported(project, tmp_path, MIXED, format="prompt-completion")
    receipt = export(project, ExportSpec(selection="all", format="messages", to=str(tmp_path / "out"), check=False))
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    del manifest["sources"][0]["format_asked"]
    old = tmp_path / "old.json"
    old.write_text(json.dumps(manifest), encoding="utf-8")
    again = replay(project, old, tmp_path / "again")
    assert again.files[0].sha256 == receipt.files[0].sha256
    assert (
        "format_asked"
        not in json.loads((tmp_path / "again" / "manifest.json").read_text(encoding="utf-8"))["sources"][0]
    )
