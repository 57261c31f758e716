"""An import says what it changed and what it left out, and its rejects can be taken along without harm."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.specs import ExportSpec, ImportSpec
from lobass_core.workflows.export import export
from lobass_core.workflows.import_data import (
    ImportResult,
    import_file,
    list_rejects,
    rejects_csv,
    scan,
    write_rejects,
)
from lobass_core.workflows.scores import write_scores
from tests.scored_files import score, select_all, write_jsonl

CASES = Path(__file__).parents[1] / "formats" / "cases"
HALF = '{"prompt": "cut \\ud83d", "completion":"a  \\udc4d",  "score": 3.10, "id": NaN}'


def imported(project: Project, path: Path, **settings: object) -> ImportResult:
    return import_file(project, ImportSpec(path=str(path), domain="d", **settings))  # type: ignore[arg-type]


def test_half_characters_are_counted_and_the_record_leaves_as_it_came(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(HALF + '\n{"prompt": "\\ud83d\\ude00", "completion": "b"}\n', encoding="utf-8")
    result = imported(project, path)
    assert (result.n_imported, result.n_mended) == (2, 1)
    assert scan(project, ImportSpec(path=str(path), domain="d")).n_mended == 1
    score(project)
    select_all(project)
    export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format="source"))
    assert (tmp_path / "out" / "a.jsonl").read_bytes() == path.read_bytes()
    with project.store() as store:
        [(prompt, response)] = (
            store.cursor().execute("SELECT prompt_text, response_text FROM samples WHERE sample_key = 0").fetchall()
        )
    assert (prompt, response) == ("cut \ufffd", "a  \ufffd")


def test_arrow_rows_leave_as_parquet_with_their_types(project: Project, tmp_path: Path) -> None:
    table = pa.table(
        {
            "prompt": [f"p{n}" for n in range(5)],
            "response": [f"r{n}" for n in range(5)],
            "day": pa.array(range(3_000_000, 3_000_005), pa.int32()).cast(pa.date32()),
        }
    )
    path = tmp_path / "a.arrow"
    with pa.ipc.new_stream(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    assert imported(project, path).n_imported == 5
    score(project)
    select_all(project)
    export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format="source"))
    assert pq.read_table(tmp_path / "out" / "a.parquet") == table


def test_pictures_that_were_left_out_are_counted(project: Project) -> None:
    path = CASES / "images" / "sharegpt_images.jsonl"
    result = imported(project, path, text_only=True)
    assert (result.n_imported, result.dropped_media) == (3, {"image": 1, "video": 1, "audio": 1})
    looked = scan(project, ImportSpec(path=str(path), domain="d"))
    assert (looked.n_importable, looked.n_rejected, looked.dropped_media) == (0, 3, {})


def test_empty_responses_are_counted(project: Project, tmp_path: Path) -> None:
    turn = {"role": "user", "content": "q"}
    rows = [
        {"prompt": "q", "chosen": "", "rejected": "x"},
        {"prompt": [turn, {"role": "assistant", "content": "a"}, turn], "chosen": " ", "rejected": "x"},
        {"prompt": "q", "chosen": "a", "rejected": ""},
    ]
    path = write_jsonl(tmp_path / "pairs.jsonl", rows)
    assert imported(project, path).n_empty_response == 2
    looked = scan(project, ImportSpec(path=str(path), domain="d"))
    assert (looked.n_empty_response, looked.n_one_word) == (2, 1)
    call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    rows = [
        {"messages": [turn, {"role": "assistant", "content": ""}]},
        {"messages": [turn, {"role": "assistant", "content": "", "tool_calls": [call]}]},
        {"messages": [turn, {"role": "assistant", "content": "", "reasoning_content": "hm"}]},
    ]
    assert imported(project, write_jsonl(tmp_path / "chats.jsonl", rows)).n_empty_response == 1


def test_the_same_file_under_other_settings_is_another_import(project: Project) -> None:
    path = CASES / "roles" / "odd_roles.jsonl"
    first = imported(project, path)
    assert imported(project, path).already_imported
    again = imported(project, path, roles=(("gpt4", "assistant"), ("gpt-4", "assistant")), name="more")
    assert (first.n_imported, again.n_imported, again.n_seen_before) == (7, 9, 7)
    lists = CASES / "json-shapes" / "splits.json"
    assert [imported(project, lists, row_list=name, name=name).n_imported for name in ("train", "test")] == [3, 2]
    assert imported(project, lists).shape.startswith("one JSON object with its rows under 'train'")


def test_rejects_are_written_whole_and_harmless(project: Project, tmp_path: Path) -> None:
    imported(project, CASES / "rejects" / "rej.jsonl")
    imported(project, CASES / "csv" / "stray_quotes.csv")
    found = list_rejects(project)
    assert [(reject.dataset, reject.row_index, reject.line) for reject in found] == [
        ("rej", 0, 1), ("rej", 2, 3), ("rej", 3, 4), ("stray_quotes", 0, 2),
    ]  # fmt: skip
    lines = (CASES / "rejects" / "rej.jsonl").read_text(encoding="utf-8").splitlines()
    assert [reject.source for reject in found[:3]] == [lines[0], lines[2], lines[3]]
    assert [reject.dataset for reject in list_rejects(project, "stray_quotes")] == ["stray_quotes"]
    with pytest.raises(RequestError, match="there is no dataset named 'other'"):
        list_rejects(project, "other")
    assert write_rejects(project, tmp_path / "all.jsonl") == 4
    written = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["source"] for row in written[:3]] == [lines[0], lines[2], lines[3]]
    assert written[1]["reason"] == "turn 1 has the unknown role 'hu\ufffdman'"
    assert write_rejects(project, tmp_path / "new" / "folder" / "one.csv", "rej") == 3
    with (tmp_path / "new" / "folder" / "one.csv").open(encoding="utf-8", newline="") as file:
        assert [row["source"] for row in csv.DictReader(file)] == [lines[0], lines[2], lines[3]]


@pytest.mark.parametrize("name", ["rejects", "rejects.parquet", "rejects.txt"])
def test_rejects_are_written_as_csv_or_json_lines_alone(project: Project, tmp_path: Path, name: str):
    imported(project, CASES / "rejects" / "rej.jsonl")
    with pytest.raises(RequestError, match="is not a file type for rejected rows"):
        write_rejects(project, tmp_path / name)
    assert not (tmp_path / name).exists()


def test_no_cell_of_a_csv_that_we_write_runs(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "=cmd.csv"
    path.write_text("prompt,response,kind\n=1+1,ok,=HYPERLINK(1)\n+2,a,b,c\n-3,x,@y\n", encoding="utf-8")
    import_file(project, ImportSpec(path=str(path), domain_column="kind", name="cmd"))
    [row] = list(csv.DictReader(rejects_csv(project, "cmd", 10).decode().splitlines()))
    assert row["source"] == "'+2,a,b,c"
    score(project)
    write_scores(project, tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        assert [row["domain"] for row in csv.DictReader(file)] == ["'=HYPERLINK(1)", "'@y"]
    with project.store() as store:
        texts = store.cursor().execute("SELECT prompt_text FROM samples ORDER BY sample_key").fetchall()
    assert texts == [("=1+1",), ("-3",)]
