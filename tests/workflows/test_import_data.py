"""An import is whole or not at all, counts every row, and doubles nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lobass_core.errors import InputFileError, RequestError, StoreLockedError
from lobass_core.project import Project
from lobass_core.records import turns_from_json
from lobass_core.specs import ImportSpec
from lobass_core.store.datasets import list_datasets
from lobass_core.workflows import import_rows
from lobass_core.workflows.import_data import dataset_name, import_file, preview, read_sample, scan, write_rejects

ROWS = [
    {"instruction": "Add.", "input": "2+2", "output": "4", "kind": "sums", "level": 1},
    {"instruction": "Say hello.", "input": "", "output": "Hello there, how are you?", "kind": "talk", "level": 2},
    {"instruction": "Add.", "input": "2+2", "output": "4", "kind": "sums", "level": 3},
    {"instruction": "No answer.", "input": "", "kind": "talk", "level": 4},
    {"instruction": "Empty answer.", "input": "", "output": "", "kind": "", "level": 5},
]
BROKEN = '{"instruction": "Broken'


def write(folder: Path, name: str, rows: list[dict] = ROWS, tail: str = "") -> str:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + tail, encoding="utf-8")
    return str(path)


def rows_of(project: Project, columns: str) -> list[tuple]:
    with project.store() as store:
        return (
            store.cursor()
            .execute(f"SELECT {columns} FROM rows JOIN samples USING (sample_key) ORDER BY row_key")
            .fetchall()
        )


def test_every_row_is_counted_and_kept(project: Project, tmp_path: Path) -> None:
    spec = ImportSpec(write(tmp_path, "a.jsonl", tail=BROKEN), domain="math")
    seen: list[tuple[int, int]] = []
    result = import_file(project, spec, lambda done, total: seen.append((done, total)))
    assert result.dataset == "a"
    assert (result.n_rows, result.n_imported, result.n_rejected) == (6, 4, 2)
    assert (result.n_seen_before, result.n_duplicates) == (0, 1)
    assert result.reasons == {"'output' is missing": 1, "the file ends in the middle of this record": 1}
    assert result.domains == {"math": 4}
    assert seen[-1] == (6, 6)
    assert result.seconds > 0
    assert json.dumps(result.to_dict())
    stored = rows_of(project, "row_index, line, is_duplicate, source, turns")
    assert [row[:3] for row in stored] == [(0, 1, False), (1, 2, False), (2, 3, True), (4, 5, False)]
    assert [row[3] for row in stored] == [json.dumps(ROWS[index]) for index in (0, 1, 2, 4)]
    assert turns_from_json(stored[0][4])[0].input == "2+2"
    with project.store() as store:
        [dataset] = list_datasets(store.cursor())
    assert (dataset.n_rows, dataset.n_rejected, dataset.format, dataset.container) == (4, 2, "alpaca", "jsonl")


def test_the_same_file_twice_doubles_nothing(project: Project, tmp_path: Path) -> None:
    spec = ImportSpec(write(tmp_path, "a.jsonl", tail=BROKEN), domain="math")
    import_file(project, spec)
    again = import_file(project, spec)
    assert again.already_imported
    assert (again.dataset, again.n_imported, again.n_seen_before, again.n_rejected) == ("a", 0, 4, 2)
    assert again.reasons == {"'output' is missing": 1, "the file ends in the middle of this record": 1}
    # A copy under another name holds the same bytes; so does the same file with its format said aloud.
    copy = import_file(project, ImportSpec(write(tmp_path, "b.jsonl", tail=BROKEN), domain="math", format="alpaca"))
    assert copy.already_imported
    assert len(rows_of(project, "row_key")) == 4


def test_other_files_share_samples(project: Project, tmp_path: Path) -> None:
    import_file(project, ImportSpec(write(tmp_path, "a.jsonl"), domain="math"))
    more = [ROWS[0], {"instruction": "New.", "output": "Yes."}]
    result = import_file(project, ImportSpec(write(tmp_path, "more.jsonl", more), domain="math"))
    assert (result.n_imported, result.n_seen_before, result.n_duplicates) == (2, 1, 0)
    assert len(set(rows_of(project, "sample_key"))) == 4
    assert len(rows_of(project, "row_key")) == 6


def test_names(project: Project, tmp_path: Path) -> None:
    first = ImportSpec(write(tmp_path, "a.jsonl"), domain="math", name="set one")
    assert import_file(project, first).dataset == "set one"
    other = write(tmp_path, "b.jsonl", ROWS[:1])
    with pytest.raises(RequestError, match="dataset named 'set one' already"):
        import_file(project, ImportSpec(other, domain="math", name="set one"))
    with pytest.raises(RequestError, match="cannot be used"):
        import_file(project, ImportSpec(other, domain="math", name="a,b"))
    import_file(project, ImportSpec(other, domain="x"))
    (tmp_path / "sub").mkdir()
    assert import_file(project, ImportSpec(write(tmp_path / "sub", "b.jsonl", ROWS[1:2]), domain="x")).dataset == "b-2"


@pytest.mark.parametrize(
    ("file", "name"),
    [("a.jsonl.gz", "a"), ("a.b.json", "a.b"), ("x,y.csv", "x_y"), ("data.zst", "data"), (".jsonl", "data")],
)
def test_dataset_names(file: str, name: str) -> None:
    assert dataset_name(Path(file)) == name


def test_domains_by_column_and_rules(project: Project, tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl")
    by_column = import_file(project, ImportSpec(path, domain="other", domain_column="kind"))
    assert by_column.domains == {"other": 1, "sums": 2, "talk": 1}
    rules = (("level", "1", "easy"), ("kind", "sums", "math"))
    by_rules = import_file(project, ImportSpec(path, domain="rest", domain_rules=rules, name="ruled"))
    assert by_rules.domains == {"easy": 1, "math": 1, "rest": 2}
    without = import_file(project, ImportSpec(path, domain_column="kind", name="strict"))
    assert without.domains == {"sums": 2, "talk": 1}
    assert without.reasons == {"'output' is missing": 1, "no domain: 'kind' is missing or empty": 1}


def test_a_column_of_ids_is_no_domain(project: Project, tmp_path: Path) -> None:
    rows = [{"prompt": str(n), "completion": "x", "id": n} for n in range(501)]
    with pytest.raises(RequestError, match="'id' names more than 500 domains"):
        import_file(project, ImportSpec(write(tmp_path, "a.jsonl", rows), domain_column="id"))
    assert rows_of(project, "row_key") == []
    with pytest.raises(RequestError, match="no row has the domain column 'topic'"):
        import_file(project, ImportSpec(write(tmp_path, "a.jsonl", rows), domain_column="topic"))


def test_columns_by_hand(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("q,a,topic\n2+2?,4,sums\nHi?,Hello,talk\n", encoding="utf-8")
    spec = ImportSpec(str(path), domain_column="topic", mapping=(("prompt", "q"), ("response", "a")))
    result = import_file(project, spec)
    assert (result.detection.format, result.domains) == ("columns", {"sums": 1, "talk": 1})
    assert rows_of(project, "prompt_text, response_text") == [("2+2?", "4"), ("Hi?", "Hello")]
    with pytest.raises(RequestError, match="no row has the column 'answer'"):
        import_file(project, ImportSpec(str(path), domain="x", mapping=(("prompt", "q"), ("response", "answer"))))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the file is empty"),
        ("not json at all", "the file is not JSON"),
        ('{"instruction": "a"\n{"b": 2\n', "none of its records can be read"),
        ('{"a": 1}\n', "no known format fits"),
        ('{"prompt": null, "completion": null}\n' * 3, "none of its 3 rows can be imported; 3 times: 'prompt' is null"),
    ],
)
def test_what_cannot_be_imported_leaves_nothing(project: Project, tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputFileError, match=what) as caught:
        import_file(project, ImportSpec(str(path), domain="x"))
    assert str(path) in caught.value.where
    assert caught.value.do
    with project.store() as store:
        assert list_datasets(store.cursor()) == []


def test_unpaired_surrogates_and_long_lines(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    long = json.dumps({"prompt": "x" * 2_000_000, "completion": "y"})
    path.write_text('{"prompt": "cut \\ud83d", "completion": "z"}\n' + long + "\n", encoding="utf-8")
    assert import_file(project, ImportSpec(str(path), domain="x")).n_imported == 2
    stored = rows_of(project, "turns, source, n_chars")
    assert turns_from_json(stored[0][0])[0].content == "cut \ufffd"
    assert stored[0][1] == '{"prompt": "cut \\ud83d", "completion": "z"}'
    assert stored[1][2] == 2_000_001


def test_rejects_are_written_out(project: Project, tmp_path: Path) -> None:
    import_file(project, ImportSpec(write(tmp_path, "a.jsonl", tail=BROKEN), domain="math"))
    assert write_rejects(project, tmp_path / "r.jsonl") == 2
    written = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()]
    assert written[1] == {
        "dataset": "a",
        "file": "a.jsonl",
        "row_index": 5,
        "line": 6,
        "reason": "the file ends in the middle of this record",
        "source": BROKEN,
    }
    assert write_rejects(project, tmp_path / "r.csv") == 2
    assert (tmp_path / "r.csv").read_text(encoding="utf-8").startswith("dataset,file,row_index,line,reason,source\n")
    with pytest.raises(RequestError, match="the rejects cannot be written"):
        write_rejects(project, tmp_path / "r.jsonl" / "r.csv")


def test_preview_shows_rows_and_changes_nothing(project: Project, tmp_path: Path) -> None:
    spec = ImportSpec(write(tmp_path, "a.jsonl", tail=BROKEN), domain="math")
    shown = preview(None, spec, limit=2, at=1)
    assert [row.row_index for row in shown.rows] == [1, 2]
    assert shown.rows[0].sample is not None
    assert shown.rows[0].sample.turns[1].content == "Hello there, how are you?"
    assert shown.columns == ("instruction", "input", "output", "kind", "level")
    assert [row.row_index for row in preview(None, spec, 1, "longest").rows] == [1]
    assert [row.row_index for row in preview(None, spec, 5, "input").rows] == [0, 2]
    rejected = preview(None, spec, 5, "rejected").rows
    assert [(row.row_index, row.reason) for row in rejected] == [
        (3, "'output' is missing"),
        (5, "the file ends in the middle of this record"),
    ]
    assert preview(None, spec, 5, at=99).rows == ()
    assert json.dumps(shown.to_dict())
    assert rows_of(project, "row_key") == []


def test_scan_counts_what_an_import_would_do(project: Project, tmp_path: Path) -> None:
    import_file(project, ImportSpec(write(tmp_path, "known.jsonl", ROWS[:1]), domain="math"))
    found = scan(project, ImportSpec(write(tmp_path, "a.jsonl", tail=BROKEN), domain_column="kind", domain="rest"))
    assert (found.n_rows, found.n_importable, found.n_rejected, found.complete) == (6, 4, 2, True)
    assert (found.n_seen_before, found.n_duplicates, found.n_empty_response, found.n_one_word) == (2, 1, 1, 2)
    assert (found.median_words, found.longest_words, found.longest_row) == (1, 5, 1)
    assert found.n_filled == {"instruction": 5, "input": 2, "output": 3, "kind": 4, "level": 5}
    assert (found.rejected_rows, found.input_rows.tolist()) == ((3, 5), [0, 2])
    assert found.domains == {"rest": 1, "sums": 2, "talk": 1}
    result = import_file(project, ImportSpec(str(tmp_path / "a.jsonl"), domain_column="kind", domain="rest"))
    assert (result.n_rows, result.n_imported, result.n_rejected) == (6, 4, 2)
    assert (result.n_seen_before, result.n_duplicates) == (2, 0)


def test_scan_stops_in_time(tmp_path: Path) -> None:
    rows = [{"prompt": str(n), "completion": "x"} for n in range(3000)]
    found = scan(None, ImportSpec(write(tmp_path, "a.jsonl", rows), domain="x"), max_seconds=0)
    assert (found.n_rows, found.complete) == (1000, False)
    assert 0 < found.read_share <= 1


def test_read_sample(tmp_path: Path) -> None:
    spec = ImportSpec(write(tmp_path, "a.jsonl"), domain="math")
    assert read_sample(spec, 1).turns[0].content == "Say hello."
    with pytest.raises(InputFileError, match="record 3 is rejected: 'output' is missing"):
        read_sample(spec, 3)
    for row in (5, -1):
        with pytest.raises(InputFileError, match="the file has no record"):
            read_sample(spec, row)


def test_small_batches_give_the_same_store(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_rows, "BATCH_ROWS", 2)
    seen: list[int] = []
    result = import_file(
        project,
        ImportSpec(write(tmp_path, "a.jsonl", tail=BROKEN), domain="math"),
        lambda done, total: seen.append(done),
    )
    assert seen == [2, 4, 6, 6]
    assert (result.n_imported, result.n_duplicates, result.n_rejected) == (4, 1, 2)


def test_an_interrupted_import_leaves_nothing(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_rows, "BATCH_ROWS", 2)

    def stop(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_file(project, ImportSpec(write(tmp_path, "a.jsonl"), domain="math"), stop)
    assert rows_of(project, "row_key") == []
    assert import_file(project, ImportSpec(str(tmp_path / "a.jsonl"), domain="math")).n_imported == 4


KILLED = """
import sys, time
from lobass_core.project import Project
from lobass_core.specs import ImportSpec
from lobass_core.workflows.import_data import import_file

def wait(done, total):
    print(done, flush=True)
    time.sleep(60)

import_file(Project.open(sys.argv[1]), ImportSpec(sys.argv[2], domain="x"), wait)
"""


def test_a_killed_import_leaves_nothing_and_locks_while_it_lives(project: Project, tmp_path: Path) -> None:
    from lobass_core.store.connection import release

    path = write(tmp_path, "a.jsonl", [{"prompt": str(n), "completion": "x"} for n in range(25_000)])
    release(project.store_path)
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(project.root), path], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"20000"
        with pytest.raises(StoreLockedError, match=f"PID {child.pid}"), project.store(wait_seconds=0.3):
            pass
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if rows_of(project, "row_key") == []:
            break
    with project.store() as store:
        assert list_datasets(store.cursor()) == []
    assert import_file(project, ImportSpec(path, domain="x")).n_imported == 25_000


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "n_imported", "n_duplicates"),
    [
        ("multi_turn/oasst_en_100_tree.jsonl", 100, 0),
        ("messy/alpaca_zh_demo.json", 1000, 8),
        ("messy/mixed_schema_data.json", 16, 0),
        ("messy/utf16_prompt_completion.jsonl", 10, 0),
        ("multi_turn/weather_chat_fine_tuning.jsonl", 10, 9),
        ("preference/hh_rlhf_harmless_base_test.jsonl.gz", 2312, 0),
    ],
)
def test_published_files(project: Project, real_data: Path, name: str, n_imported: int, n_duplicates: int) -> None:
    result = import_file(project, ImportSpec(str(real_data / name), domain="x"))
    assert (result.n_imported, result.n_rejected, result.n_duplicates) == (n_imported, 0, n_duplicates)
