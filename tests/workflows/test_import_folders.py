"""Several files become one dataset: rows numbered on, files kept, the odd one named, all of it taken out again."""

import gzip
import hashlib
import json
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.errors import InputFileError
from lobass_core.project import Project
from lobass_core.specs import ExportSpec, ImportSpec
from lobass_core.store.dataset_files import list_files
from lobass_core.store.datasets import list_datasets
from lobass_core.workflows.export import export
from lobass_core.workflows.import_data import (
    FileCount,
    import_file,
    list_rejects,
    preview,
    scan,
    undo_import,
    write_rejects,
)
from lobass_core.workflows.update_dataset import compare_dataset, update_dataset
from tests.scored_files import score, select_all


def rows(name: str, n_rows: int) -> list[dict]:
    return [{"prompt": f"{name}, question {number}", "response": f"answer {number}"} for number in range(n_rows)]


def write_lines(path: Path, records: list[dict], tail: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records) + tail)
    return path


def stored(project: Project) -> list[tuple]:
    with project.store() as store:
        return store.cursor().execute("SELECT row_index, line, source FROM rows ORDER BY row_key").fetchall()


def test_rows_are_numbered_through_the_files_and_rejects_keep_theirs(project: Project, tmp_path: Path):
    write_lines(tmp_path / "set/part-1.jsonl", rows("one", 2), "{broken\n")
    write_lines(tmp_path / "set/part-2.jsonl", rows("two", 1), "{broken\n")
    write_lines(tmp_path / "set/part-10.jsonl", rows("ten", 2))
    result = import_file(project, ImportSpec(f"{tmp_path}/set/*.jsonl", domain="x"))
    assert (result.dataset, result.n_imported, result.n_rejected) == ("set", 5, 2)
    assert result.files == (
        FileCount("part-1.jsonl", 2, 1),
        FileCount("part-2.jsonl", 1, 1),
        FileCount("part-10.jsonl", 2, 0),
    )
    assert [row[:2] for row in stored(project)] == [(0, 1), (1, 2), (3, 1), (5, 1), (6, 2)]
    assert [(r.file, r.row_index, r.line) for r in list_rejects(project)] == [
        ("part-1.jsonl", 2, 3),
        ("part-2.jsonl", 4, 2),
    ]
    with project.store() as store:
        (files,) = list_files(store.cursor()).values()
    assert [file.first_row for file in files] == [0, 3, 5]
    digest = hashlib.sha256((tmp_path / "set/part-2.jsonl").read_bytes()).hexdigest()
    assert files[1].file_sha256 == digest


def test_the_same_folder_twice_doubles_nothing_and_undo_takes_all_out(project: Project, tmp_path: Path):
    write_lines(tmp_path / "set/a.jsonl", rows("a", 2))
    write_lines(tmp_path / "set/b.jsonl", rows("b", 1))
    spec = ImportSpec(str(tmp_path / "set"), domain="x")
    import_file(project, spec)
    again = import_file(project, spec)
    assert (again.already_imported, again.n_seen_before, len(again.files)) == (True, 3, 2)
    write_lines(tmp_path / "set/b.jsonl", rows("b", 2))
    changed = import_file(project, spec)
    assert (changed.dataset, changed.n_imported, changed.n_seen_before) == ("set-2", 4, 3)
    assert undo_import(project, "set") == 3
    assert undo_import(project, "set-2") == 4
    with project.store() as store:
        assert (list_datasets(store.cursor()), list_files(store.cursor())) == ([], {})


def test_sharded_parquet_with_splits_gets_them_as_a_column(project: Project, tmp_path: Path):
    (tmp_path / "hub/data").mkdir(parents=True)
    for name, n_rows in (("train-00000-of-00002", 2), ("train-00001-of-00002", 1), ("test-00000-of-00001", 1)):
        pq.write_table(pa.Table.from_pylist(rows(name, n_rows)), tmp_path / f"hub/data/{name}.parquet")
    spec = ImportSpec(str(tmp_path / "hub"), domain_column="split")
    result = import_file(project, spec)
    assert result.domains == {"test": 1, "train": 3}
    assert result.shape == "3 files as one dataset, each a Parquet table; the column split names test and train"
    assert json.loads(stored(project)[0][2]) == {"split": "test", **rows("test-00000-of-00001", 1)[0]}


@pytest.mark.parametrize("as_dict", [False, True])
def test_a_folder_of_save_to_disk_is_one_dataset(project: Project, tmp_path: Path, as_dict: bool):
    made = datasets.Dataset.from_list(rows("saved", 5))
    whole = datasets.DatasetDict({"train": made, "test": made.select([0])}) if as_dict else made
    whole.save_to_disk(str(tmp_path / "saved"), **({} if as_dict else {"num_shards": 2}))
    result = import_file(project, ImportSpec(str(tmp_path / "saved"), domain="x"))
    assert (result.dataset, result.n_imported) == ("saved", 6 if as_dict else 5)
    assert [one.n_imported for one in result.files] == ([5, 1] if as_dict else [3, 2])
    prompts = [json.loads(source)["prompt"] for _, _, source in stored(project)]
    assert prompts[:5] == [row["prompt"] for row in rows("saved", 5)]


def test_one_bad_file_is_named_and_nothing_is_kept(project: Project, tmp_path: Path):
    write_lines(tmp_path / "set/a.jsonl", rows("a", 2))
    (tmp_path / "set/b.jsonl").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(InputFileError, match=r"a Git LFS pointer.*b\.jsonl.*--exclude 'b\.jsonl'"):
        import_file(project, ImportSpec(str(tmp_path / "set"), domain="x"))
    assert stored(project) == []
    assert import_file(project, ImportSpec(str(tmp_path / "set"), domain="x", exclude=("b.jsonl",))).n_imported == 2


def test_files_of_other_formats_or_kinds_are_named(project: Project, tmp_path: Path):
    write_lines(tmp_path / "set/a.jsonl", rows("a", 2))
    write_lines(tmp_path / "set/b.jsonl", rows("b", 2))
    odd = write_lines(tmp_path / "set/pairs.jsonl", [{"prompt": "q", "chosen": "a", "rejected": "b"}])
    spec = ImportSpec(str(tmp_path / "set"), domain="x")
    with pytest.raises(InputFileError, match=r"'pairs\.jsonl' does not match .* it is read as Preference"):
        import_file(project, spec)
    write_lines(odd, [{"row": 1, "score": 2}])
    with pytest.raises(InputFileError, match=r"no known format fits its fields: 'row', 'score'"):
        preview(None, spec)
    asked = ImportSpec(str(tmp_path / "set"), domain="x", mapping=(("prompt", "prompt"), ("response", "response")))
    with pytest.raises(InputFileError, match=r"'pairs\.jsonl' .* none of its first 1 rows can be read as"):
        scan(None, asked)
    odd.unlink()
    (tmp_path / "set/c.csv").write_text("prompt,response\nq,a\n")
    with pytest.raises(InputFileError, match=r"of several kinds: 'c\.csv' is CSV or TSV, 2 others are JSON"):
        import_file(project, spec)


def test_preview_and_scan_go_through_the_files(tmp_path: Path):
    write_lines(tmp_path / "set/train.jsonl", rows("a", 3))
    (tmp_path / "set/test.json").write_text(json.dumps({"data": rows("b", 2)}))
    spec = ImportSpec(str(tmp_path / "set"), domain="x")
    shown = preview(None, spec, limit=2, at=1)
    assert [(row.row_index, row.file) for row in shown.rows] == [(1, "test.json"), (2, "train.jsonl")]
    assert shown.n_files == 2
    assert (scan(None, spec).n_rows, scan(None, spec).n_importable) == (5, 5)


def packed(records: list[dict]) -> bytes:
    out = pa.BufferOutputStream()
    kept = {name: pa.array([one[name] for one in records], pa.string()) for name in ("prompt", "response")}
    pq.write_table(pa.table(kept), out)
    return out.getvalue().to_pybytes()


LINE = json.dumps(rows("x", 1)[0]).encode() + b"\n"


@pytest.mark.parametrize(
    ("good", "empty"),
    [
        ({"b.jsonl": LINE}, {"a.jsonl": b"", "c.jsonl": b" \n\n", "d.jsonl.gz": gzip.compress(b"")}),
        ({"b.json": b"[" + LINE + b"]"}, {"a.json": b"[]", "c.json": b""}),
        ({"b.csv": b"prompt,response\nq,a\n"}, {"a.csv": b"prompt,response\n", "c.csv": b""}),
        ({"b.parquet": packed(rows("x", 1))}, {"a.parquet": packed([]), "c.parquet": b""}),
    ],
    ids=["lines", "array", "table", "parquet"],
)
def test_an_empty_shard_is_no_rows_and_is_said(project: Project, tmp_path: Path, good: dict, empty: dict):
    (tmp_path / "set").mkdir()
    for name, data in {**good, **empty}.items():
        (tmp_path / "set" / name).write_bytes(data)
    result = import_file(project, ImportSpec(str(tmp_path / "set"), domain="x"))
    assert (result.n_imported, result.n_rejected) == (1, 0)
    assert f"empty: {', '.join(sorted(empty))}" in result.shape
    assert [one.n_imported for one in result.files] == [int(one.name in good) for one in result.files]
    assert len(result.files) == len(good) + len(empty)
    for name in good:
        (tmp_path / "set" / name).unlink()
    with pytest.raises(InputFileError, match=f"all {len(empty)} files are empty"):
        preview(None, ImportSpec(str(tmp_path / "set"), domain="x"))


def test_a_dataset_with_an_empty_shard_is_exported_and_updated(project: Project, tmp_path: Path):
    write_lines(tmp_path / "set/a.jsonl", [])
    write_lines(tmp_path / "set/b.jsonl", rows("b", 2))
    import_file(project, ImportSpec(str(tmp_path / "set"), domain="x"))
    score(project)
    select_all(project)
    export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format="source", check=False))
    written = (tmp_path / "out").rglob("*.jsonl")
    assert sum(len(path.read_text().splitlines()) for path in written) == 2
    write_lines(tmp_path / "set/a.jsonl", rows("a", 1))
    update = compare_dataset(project, "set", {})
    assert (update.counts.n_unchanged, update.counts.n_new) == (2, 1)
    update_dataset(project, update)
    assert [row[0] for row in sorted(stored(project))] == [0, 1, 2]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"---\nconfigs: [a\n- b: {\n---\n", "its head is not valid YAML, line 3"),
        (b"---\nconfigs: 3\n---\n", "its configs are not a list"),
        (b"---\nconfigs:\n- config_name: x\n", "its YAML head is not closed by a line ---"),
        (b"---\nconfigs: \xff\n---\n", "it is not UTF-8"),
        (b"---\ntitle: [\n---\n", ""),
        (b"---\n\nA line of text.\n", ""),
    ],
)
def test_a_readme_whose_head_is_broken_is_told(tmp_path: Path, head: bytes, said: str):
    write_lines(tmp_path / "set/a.jsonl", rows("a", 1))
    (tmp_path / "set/README.md").write_bytes(head)
    shape = preview(None, ImportSpec(str(tmp_path / "set"), domain="x")).shape
    told = f"not read: the configs of README.md ({said}), README.md" if said else "not read: README.md"
    assert shape.endswith(told)


def test_what_stands_beside_exported_rows_is_named(project: Project, tmp_path: Path):
    path = write_lines(tmp_path / "a.jsonl", rows("a", 2), "{broken\n")
    import_file(project, ImportSpec(str(path), domain="x"))
    score(project)
    select_all(project)
    export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format="huggingface", check=False))
    with pytest.raises(InputFileError, match="these are scores, not rows to import"):
        preview(None, ImportSpec(str(tmp_path / "out/scores/train.parquet"), domain="x"))
    for name in ("rejects.csv", "rejects.jsonl"):
        write_rejects(project, tmp_path / name)
        with pytest.raises(InputFileError, match="these are rows that an import rejected, with their reasons"):
            preview(None, ImportSpec(str(tmp_path / name), domain="x"))
    assert preview(None, ImportSpec(str(tmp_path / "out"), domain="x")).rows[0].sample is not None
