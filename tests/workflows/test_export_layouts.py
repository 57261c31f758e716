"""What the files of an export look like in each format, and what each format does with rows that do not fit."""

import csv
import gzip
import json

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.errors import ExportError
from lobass_core.specs import ExportSpec
from lobass_core.workflows.export import export, preflight, preflights
from tests.exported_project import (
    CHAT,
    FORMATS,
    records_in,
)
from tests.scored_files import import_and_score, select_all, select_best, write_jsonl

CHAT_TURN = {"role": "user", "content": "Hi"}
pytestmark = pytest.mark.usefixtures("no_checks")


def test_alpaca_and_sharegpt_name_their_columns_for_llama_factory(project, tmp_path):
    chat = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}
    rows = [{"messages": [{"role": "system", "content": "Be brief."}, *chat, *chat]}, {"messages": list(chat)}]
    pair = {"prompt": "p", "chosen": "good", "rejected": "bad"}
    import_and_score(
        project,
        (write_jsonl(tmp_path / "chat.jsonl", rows), "chat"),
        (write_jsonl(tmp_path / "pairs.jsonl", [pair]), "pairs"),
    )
    select_all(project)
    for format in ("alpaca", "sharegpt", "llama-factory"):
        export(project, ExportSpec(selection="all", to=str(tmp_path / format), format=format))
    alpaca = json.loads((tmp_path / "alpaca" / "dataset_info.json").read_text())["curated"]
    assert alpaca["columns"] == {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "system": "system",
        "tools": None,
        "history": "history",
    }
    first, second = json.loads((tmp_path / "alpaca" / "train.json").read_text())
    assert (first["system"], first["history"]) == ("Be brief.", [["Hi", "Hello"]])
    assert (second["system"], second["history"]) == ("", [])
    sharegpt = json.loads((tmp_path / "sharegpt" / "dataset_info.json").read_text())["curated"]
    assert sharegpt["tags"]["role_tag"] == "from" and sharegpt["columns"]["messages"] == "conversations"
    card = (tmp_path / "llama-factory" / "README.md").read_text()
    assert "`dataset: curated`, `dataset: curated_preference`" in card


def test_rows_that_do_not_fit_are_listed(project, tmp_path):
    odd = {
        "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}, CHAT[0]["messages"][0]]
    }
    import_and_score(project, (write_jsonl(tmp_path / "chat.jsonl", [*CHAT, odd]), "conversation"))
    select_all(project)
    receipt = export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format="alpaca"))
    reason = "user and assistant do not take turns, as Alpaca requires"
    assert (receipt.n_selected, receipt.n_written, receipt.not_written) == (5, 4, {reason: 1})
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["written"]["not_written"] == [{"dataset": "chat", "row_index": 4, "reason": reason}]


def test_a_format_that_none_fits_writes_nothing(project, tmp_path):
    import_and_score(project, (write_jsonl(tmp_path / "texts.jsonl", [{"text": "Once upon a time."}]), "stories"))
    select_all(project)
    with pytest.raises(ExportError, match="no row fits the format sharegpt: a text sample is not a conversation"):
        export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format="sharegpt"))
    assert not (tmp_path / "out").exists()


def test_source_gives_back_the_very_bytes(project, tmp_path):
    odd = '{"prompt": "NaN?",   "completion": "ja \\u00fc \\ud83d", "x": NaN, "n": 1.50}\n'
    text = odd + "\n" + json.dumps({"prompt": "a\u2028b", "completion": "c"}, ensure_ascii=False) + "\n"
    (tmp_path / "odd.jsonl").write_text(text, encoding="utf-8")
    first, second = (
        '{\n    "instruction": "I",\n    "input": "",\n    "output": "O"\n  }',
        '{"instruction": "J", "output": "P"}',
    )
    array = f"[\n  {first},\n  {second}\n]"
    (tmp_path / "array.json").write_text(array, encoding="utf-8")
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress(b'{"prompt": "p", "completion": "q"}\n'))
    import_and_score(project, *((tmp_path / name, "d") for name in ("odd.jsonl", "array.json", "packed.jsonl.gz")))
    select_all(project)
    export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format="source"))
    out = tmp_path / "out"
    assert (out / "odd.jsonl").read_text(encoding="utf-8") == text.replace("\n\n", "\n")
    assert (out / "array.json").read_text() == f"[\n{first},\n{second}\n]\n"
    assert (out / "packed.jsonl").read_bytes() == b'{"prompt": "p", "completion": "q"}\n'


def test_source_tables_keep_header_cells_and_types(project, tmp_path):
    cells = [["prompt", "response", "note"], ['say "hi"', "a,b\nc", ""], ["1", "2", "ü"]]
    with (tmp_path / "t.csv").open("w", encoding="utf-16", newline="") as file:
        csv.writer(file).writerows(cells)
    table = pa.table(
        {
            "prompt": ["p", "q", "r"],
            "response": ["1", "2", "3"],
            "n": pa.array([1, 2, 3], pa.int8()),
            "raw": pa.array([b"\xff", b"", None], pa.binary()),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=1)
    import_and_score(project, (tmp_path / "t.csv", "d"), (tmp_path / "t.parquet", "d"))
    select_best(project, 4)  # all but the first row of the CSV file
    export(project, ExportSpec(selection="best", to=str(tmp_path / "out"), format="source"))
    with (tmp_path / "out" / "t.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [cells[0], cells[2]]
    assert pq.read_table(tmp_path / "out" / "t.parquet").equals(table)
    (tmp_path / "t.parquet").unlink()
    receipt = export(project, ExportSpec(selection="best", to=str(tmp_path / "again"), format="source"))
    assert "no longer at the path it was imported from" in receipt.notes[0]
    assert pq.read_table(tmp_path / "again" / "t.parquet")["prompt"].to_pylist() == ["p", "q", "r"]


def test_preflights_of_all_formats_over_one_reading(filled):
    found = preflights(filled, ExportSpec(selection="all", to="-", cutoff_tokens=12))
    assert set(found) == set(FORMATS)
    assert {name: (one.n_rows, one.n_left) for name, one in found.items()} == {
        **dict.fromkeys(FORMATS, (10, 10)),
        "axolotl": (10, 0),
    }
    assert preflight(filled, ExportSpec(selection="best", to="-", format="trl")).n_rows == 5


def test_tools_calls_pairs_and_texts_go_into_files_of_their_own(project, tmp_path):
    pair = {"prompt": "p", "chosen": "good", "rejected": "bad", "source": "x"}
    import_and_score(
        project,
        (write_jsonl(tmp_path / "chat.jsonl", CHAT), "chat"),
        (write_jsonl(tmp_path / "pairs.jsonl", [pair]), "pairs"),
        (write_jsonl(tmp_path / "texts.jsonl", [{"text": "Once."}]), "stories"),
    )
    select_all(project)
    for format, files in (
        (
            "trl",
            {
                "train.jsonl": 4,
                "preference.jsonl": 1,
                "text.jsonl": 1,
                "train.py": 0,
                "train_preference.py": 0,
                "train_text.py": 0,
                "chat_template.jinja": 0,
            },
        ),
        ("llama-factory", {"train.json": 4, "preference.json": 1, "text.json": 1, "dataset_info.json": 0}),
        (
            "huggingface",
            {
                "data/train.parquet": 4,
                "data/preference.parquet": 1,
                "data/text.parquet": 1,
                "scores/train.parquet": 6,
                "chat_template.jinja": 0,
            },
        ),
    ):
        receipt = export(project, ExportSpec(selection="all", to=str(tmp_path / format), format=format))
        assert {file.name: file.rows for file in receipt.files[:-2]} == files
    script = (tmp_path / "trl" / "train_preference.py").read_text()
    assert "DPOTrainer(options.model" in script and "HERE / 'preference.jsonl'" in script
    assert "`python train_preference.py --model trained`" in (tmp_path / "trl" / "README.md").read_text()
    info = json.loads((tmp_path / "llama-factory" / "dataset_info.json").read_text())
    assert info["curated_preference"]["ranking"] is True
    assert set(info["curated"]["columns"]) == {"messages", "system", "tools"}
    assert info["curated"]["tags"] == {
        "role_tag": "role",
        "content_tag": "content",
        "user_tag": "user",
        "assistant_tag": "assistant",
        "observation_tag": "tool",
        "function_tag": "function_call",
        "system_tag": "system",
    }
    for entry in info.values():
        (row, *_) = json.loads((tmp_path / "llama-factory" / entry["file_name"]).read_text())
        assert {column for column in entry["columns"].values() if column} <= set(row)


@pytest.mark.parametrize("format", ["trl", "axolotl"])
def test_one_kind_in_parquet_takes_the_others_along(project, tmp_path, format):
    named = {"role": "user", "content": "Hi", "name": "Ann"}
    rows = [{"messages": [speaker, {"role": "assistant", "content": "Hello"}]} for speaker in (CHAT_TURN, named)]
    import_and_score(
        project,
        (write_jsonl(tmp_path / "chat.jsonl", rows), "chat"),
        (write_jsonl(tmp_path / "pairs.jsonl", [{"prompt": "p", "chosen": "good", "rejected": "bad"}]), "pairs"),
    )
    select_all(project)
    export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format=format))
    assert {path.name for path in (tmp_path / "out").glob("*.parquet")} == {"train.parquet", "preference.parquet"}
    for config, n_rows in (("default", 2), ("preference", 1)):
        opened = datasets.load_dataset(str(tmp_path / "out"), config, cache_dir=str(tmp_path / "cache"))
        assert opened["train"].num_rows == n_rows


def test_the_card_of_source_files_names_one_type_and_says_how_to_open_the_others(project, tmp_path):
    write_jsonl(tmp_path / "a.jsonl", [{"prompt": "p", "response": "r"}])
    (tmp_path / "b.csv").write_text("prompt,response\nq,s\n")
    import_and_score(project, (tmp_path / "a.jsonl", "d"), (tmp_path / "b.csv", "d"))
    select_all(project)
    export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format="source"))
    out = str(tmp_path / "out")
    assert datasets.get_dataset_config_names(out) == ["default"]
    assert datasets.load_dataset(out, cache_dir=str(tmp_path / "cache"))["train"].num_rows == 1
    assert '`load_dataset("csv", data_files="b.csv")`' in (tmp_path / "out" / "README.md").read_text()


def test_axolotl_fragment(filled, tmp_path):
    export(filled, ExportSpec(selection="all", to=str(tmp_path / "out"), format="axolotl"))
    text = (tmp_path / "out" / "axolotl.yml").read_text()
    import yaml

    assert yaml.safe_load(text) == {
        "chat_template": "jinja",
        "chat_template_jinja": "chat_template.jinja",
        "datasets": [
            {
                "path": "train.jsonl",
                "ds_type": "json",
                "type": "chat_template",
                "field_messages": "messages",
                "field_tools": "tools",
                "message_property_mappings": {"role": "role", "content": "content"},
                "roles_to_train": ["assistant"],
                "train_on_eos": "turn",
            }
        ],
    }
    assert [row["messages"][0]["content"] for row in records_in(tmp_path / "out" / "train.jsonl")][:2] == [
        "Hi 0",
        "Hi 1",
    ]


def test_axolotl_is_told_which_turns_to_leave_out_and_how_to_read_pairs(project, tmp_path):
    weighted = {"messages": [*CHAT[0]["messages"], *CHAT[1]["messages"]]}
    weighted["messages"][1] = weighted["messages"][1] | {"weight": 0}
    pair = {"prompt": "p", "chosen": "good", "rejected": "bad"}
    import_and_score(
        project,
        (write_jsonl(tmp_path / "chat.jsonl", [weighted]), "chat"),
        (write_jsonl(tmp_path / "pairs.jsonl", [pair]), "pairs"),
    )
    select_all(project)
    export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format="axolotl"))
    assert "    message_field_training: training\n" in (tmp_path / "out" / "axolotl.yml").read_text()
    (row,) = pq.read_table(tmp_path / "out" / "train.parquet").to_pylist()
    assert [message["training"] for message in row["messages"]] == [None, False, None, True]
    pairs = (tmp_path / "out" / "axolotl-preference.yml").read_text()
    assert "rl: dpo\n" in pairs and "    field_chosen: chosen\n    field_rejected: rejected\n" in pairs
