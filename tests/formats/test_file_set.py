"""A folder, a pattern or a list of names becomes the ordered files of one dataset, and what is left out is said."""

import json
from pathlib import Path

import pytest

from lobass_core.errors import InputFileError, RequestError
from lobass_core.formats.folders.data_files import natural_order, split_of
from lobass_core.formats.folders.file_set import FileSet, find_files

CARD = """---
license: mit
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
  - split: test
    path: [data/test.jsonl]
- config_name: scores
  data_files: scores.jsonl
---
# A card
"""


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"prompt": "q", "response": "a"}\n')
    return folder


def names_of(found: FileSet) -> list[str]:
    return [file.name for file in found.files]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("data/train-00000-of-00013.parquet", "train"),
        ("data/train_sft-00000-of-00002-0a1b2c.parquet", "train_sft"),
        ("test/part-1.jsonl", "test"),
        ("dev.json.gz", "validation"),
        ("a/eval/x_train.csv", "train"),
        ("contest.jsonl", ""),
    ],
)
def test_the_split_that_a_name_speaks_of(name: str, split: str):
    assert split_of(name) == split


def test_numbers_in_names_count_as_numbers():
    assert sorted(["p-10", "p-2", "p-1", "a"], key=natural_order) == ["a", "p-1", "p-2", "p-10"]


def test_a_folder_is_its_data_files_and_says_what_it_leaves_out(tmp_path: Path):
    folder = fill(tmp_path / "set", "part-10.jsonl", "part-2.jsonl", "README.md", "dataset_infos.json", ".hidden.jsonl")
    found = find_files([str(folder)])
    assert names_of(found) == ["part-2.jsonl", "part-10.jsonl"]
    assert (found.name, found.root) == ("set", folder)
    assert found.left_out == ("README.md", "dataset_infos.json", "1 hidden file")
    assert found.columns_of(found.files[0]) == ()


def test_splits_of_nested_folders_become_a_column_or_are_chosen(tmp_path: Path):
    folder = fill(tmp_path / "set", "train/a.jsonl", "test/a.jsonl", "more.jsonl")
    found = find_files([str(folder)])
    assert [(file.name, found.columns_of(file)) for file in found.files] == [
        ("more.jsonl", ()),
        ("test/a.jsonl", (("split", "test"),)),
        ("train/a.jsonl", (("split", "train"),)),
    ]
    assert names_of(find_files([str(folder)], split="test")) == ["test/a.jsonl"]
    with pytest.raises(RequestError, match=r"no split 'dev' .* The splits are test, train\."):
        find_files([str(folder)], split="dev")


def test_patterns_lists_and_exclusions(tmp_path: Path):
    folder = fill(tmp_path, "a/x-2.jsonl", "a/x-10.jsonl", "a/y.csv", "b/z.jsonl")
    assert names_of(find_files([f"{folder}/a/*.jsonl"])) == ["x-2.jsonl", "x-10.jsonl"]
    assert names_of(find_files([f"{folder}/**/*.jsonl"])) == ["a/x-2.jsonl", "a/x-10.jsonl", "b/z.jsonl"]
    listed = find_files([f"{folder}/b/z.jsonl", f"{folder}/a/x-2.jsonl", f"{folder}/b/z.jsonl"])
    assert names_of(listed) == ["b/z.jsonl", "a/x-2.jsonl"]
    assert names_of(find_files([str(folder)], exclude=["*.csv", "x-10*"])) == ["a/x-2.jsonl", "b/z.jsonl"]
    with pytest.raises(RequestError, match=r"no file matches --exclude 'q\*'"):
        find_files([str(folder)], exclude=["q*"])
    with pytest.raises(InputFileError, match="no data file matches the pattern"):
        find_files([f"{folder}/*.parquet"])


def test_the_configs_of_a_card_name_the_files(tmp_path: Path):
    folder = fill(
        tmp_path / "hub",
        *("data/train-00001-of-00002.jsonl", "data/train-00000-of-00002.jsonl", "data/test.jsonl"),
        *("scores.jsonl", "data/other.jsonl"),
    )
    (folder / "README.md").write_text(CARD)
    found = find_files([str(folder)])
    assert [(file.name, file.split) for file in found.files] == [
        ("data/train-00000-of-00002.jsonl", "train"),
        ("data/train-00001-of-00002.jsonl", "train"),
        ("data/test.jsonl", "test"),
    ]
    assert found.left_out == ("the config 'scores' (--config scores)",)
    assert names_of(find_files([str(folder)], config="scores")) == ["scores.jsonl"]
    with pytest.raises(RequestError, match=r"no config 'x' .* Its configs are default, scores\."):
        find_files([str(folder)], config="x")


def test_configs_without_a_default_are_all_read(tmp_path: Path):
    folder = fill(tmp_path / "hub", "en/a.jsonl", "de/a.jsonl")
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: en\n  data_dir: en\n- config_name: de\n  data_files: de/*\n---\n"
    )
    found = find_files([str(folder)])
    assert [(file.name, found.columns_of(file)) for file in found.files] == [
        ("en/a.jsonl", (("config", "en"),)),
        ("de/a.jsonl", (("config", "de"),)),
    ]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("../secret.jsonl", "name files outside the folder"),
        ("/etc/passwd", "name files outside the folder"),
        ("https://example.org/a.jsonl", "name files outside the folder"),
        ("data/*.jsonl", "names files that are not there"),
    ],
)
def test_a_card_cannot_name_what_is_not_in_its_folder(tmp_path: Path, pattern: str, said: str):
    folder = fill(tmp_path / "hub", "a.jsonl")
    fill(tmp_path, "secret.jsonl")
    (folder / "README.md").write_text(f"---\nconfigs:\n- config_name: default\n  data_files: {pattern}\n---\n")
    with pytest.raises(InputFileError, match=said):
        find_files([str(folder)])


def test_a_saved_folder_is_what_its_state_names(tmp_path: Path):
    folder = fill(tmp_path / "saved", "data-1.arrow", "data-0.arrow", "cache-12.arrow")
    (folder / "dataset_info.json").write_text("{}")
    (folder / "state.json").write_text(
        json.dumps({"_data_files": [{"filename": "data-1.arrow"}, {"filename": "data-0.arrow"}]})
    )
    assert names_of(find_files([str(folder)])) == ["data-1.arrow", "data-0.arrow"]
    (folder / "data-0.arrow").unlink()
    with pytest.raises(InputFileError, match=r"the file 'data-0\.arrow' of the saved dataset is missing"):
        find_files([str(folder)])
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "../data-1.arrow"}]}))
    with pytest.raises(InputFileError, match="describes a saved dataset is damaged"):
        find_files([str(folder)])


def test_a_folder_without_data_is_refused(tmp_path: Path):
    fill(tmp_path, "notes.md")
    with pytest.raises(InputFileError, match="the folder contains no data file"):
        find_files([str(tmp_path)])
