"""Exports in the hands of those who read them: datasets and TRL as they are installed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from lobass_core.specs import ExportFormat, ExportSpec
from lobass_core.workflows.export import export
from tests.scored_files import import_and_score, select_all, write_jsonl

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_checks")]

ONE_TARGET = [{"prompt": f"{n}+{n}?", "completion": str(2 * n), "level": "easy" if n % 2 else n} for n in range(6)]
SEVERAL = [
    {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": f"Hi {n}"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "Bye"},
            {"role": "assistant", "content": "Goodbye"},
        ]
    }
    for n in range(6)
]
TOOLS = [
    {
        "messages": [
            {"role": "user", "content": "Oslo?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "t", "arguments": {"city": "Oslo", "n": n}}}
                ],
            },
            {"role": "tool", "content": "4", "tool_call_id": "c"},
            {"role": "assistant", "content": "4 °C"},
        ],
        "tools": [{"type": "function", "function": {"name": "t", "parameters": {"properties": {f"p{n}": {}}}}}],
    }
    for n in range(3)
]
PAIRS = [{"prompt": f"Say {n}", "chosen": f"{n}", "rejected": "no"} for n in range(4)]


def _scored(project, tmp_path, **files):
    paths = [(write_jsonl(tmp_path / f"{name}.jsonl", rows), name) for name, rows in files.items()]
    import_and_score(project, *paths)
    select_all(project)


def _exported(project, tmp_path, format, **files):
    _scored(project, tmp_path, **files)
    export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format=format))
    return tmp_path / "out"


@pytest.fixture
def load_dataset(tmp_path, monkeypatch):
    """`datasets.load_dataset` with a cache of its own."""
    import datasets

    datasets.disable_progress_bars()
    return lambda *args, **more: datasets.load_dataset(*map(str, args), cache_dir=str(tmp_path / "cache"), **more)


def test_a_hugging_face_folder_opens_as_it_is(project, tmp_path, load_dataset):
    out = _exported(project, tmp_path, "huggingface", plain=ONE_TARGET, several=SEVERAL, tools=TOOLS, pairs=PAIRS)
    rows = load_dataset(out)["train"]
    assert set(rows.column_names) == {"messages", "tools", "level"}
    assert [len(messages) for messages in rows["messages"]] == [2] * 6 + [5] * 6 + [4] * 3
    call = rows[12]["messages"][1]["tool_calls"][0]["function"]
    assert call == {"name": "t", "arguments": '{"city": "Oslo", "n": 0}'}
    assert rows[12]["tools"] == '[{"type":"function","function":{"name":"t","parameters":{"properties":{"p0":{}}}}}]'
    assert rows[0]["level"] == "0" and rows[1]["level"] == "easy" and rows[12]["level"] is None
    pairs = load_dataset(out, "preference")["train"]
    assert pairs[0]["chosen"] == [{"role": "assistant", "content": "0", "tool_calls": None, "tool_call_id": None}]
    scores = load_dataset(out, "scores")["train"]
    assert len(scores) == 19 and scores[0]["base_loss"] == 2.0
    assert sorted(scores["rank"]) == list(range(1, 20))


def test_every_folder_opens_by_its_card(project, tmp_path, load_dataset):
    _scored(project, tmp_path, plain=ONE_TARGET, several=SEVERAL)
    for format in get_args(ExportFormat):
        export(project, ExportSpec(selection="all", to=str(tmp_path / format), format=format))
        n_rows = 6 if format == "source" else 12  # a source is a file of its own, and the first one opens
        assert len(load_dataset(tmp_path / format)["train"]) == n_rows, format


# Every row of each set is small; what one has and the other lacks is what a loader stumbles over.
DATED = [{"prompt": f"Day {n}?", "completion": "Monday", "on": f"2024-05-{n + 1:02}"} for n in range(20)]
MARKED = [row | {"dataset": "tulu", "id": f"t{n}", "score": 0.5 * n} for n, row in enumerate(SEVERAL)]
MIXED = [{"prompt": "a", "completion": "b", "id": value} for value in (1, "x", 2.5, None, [1], {"k": 2})]
WITH_INPUT = [{"instruction": "Add.", "input": f"{n}", "output": "1"} for n in range(4)]
MIXTURES = {
    "tools last": {"a": ONE_TARGET * 40, "b": SEVERAL * 40, "z": TOOLS * 10},
    "tools first": {"a": TOOLS * 10, "y": ONE_TARGET * 40, "z": SEVERAL * 40},
    "fields last": {"a": ONE_TARGET * 40, "w": WITH_INPUT * 20, "x": DATED * 20, "y": MARKED * 40, "z": MIXED},
    "fields first": {"a": MIXED, "b": MARKED * 40, "c": DATED * 20, "d": WITH_INPUT * 20, "z": ONE_TARGET * 40},
}
CHUNK_BYTES = 4096


@pytest.mark.parametrize("mixture", MIXTURES)
def test_mixtures_open_a_small_piece_at_a_time(project, tmp_path, load_dataset, mixture):
    """`datasets` fixes the columns of a JSON file on its first chunk, 10 MB unless told otherwise."""
    files = MIXTURES[mixture]
    _scored(project, tmp_path, **files)
    for format in ("messages", "alpaca", "sharegpt", "prompt-completion", "trl", "axolotl", "llama-factory"):
        out = tmp_path / format
        export(project, ExportSpec(selection="all", to=str(out), format=format))
        receipt = json.loads((out / "manifest.json").read_text())
        n_written = sum(map(len, files.values())) - receipt["written"]["n_not_written"]
        (name,) = [file["name"] for file in receipt["files"] if file["rows"]]
        builder, settings = "parquet", {}
        if not name.endswith(".parquet"):
            builder, settings = "json", {"chunksize": CHUNK_BYTES}
            assert (out / name).stat().st_size > 2 * CHUNK_BYTES
        rows = load_dataset(builder, data_files=str(out / name), split="train", **settings)
        assert len(rows) == receipt["written"]["n_rows"] == n_written, format


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "columns", "more"),
    [
        ({"plain": ONE_TARGET * 2}, {"prompt", "completion", "level"}, {"validation": 4, "order": "rank"}),
        pytest.param({"several": SEVERAL, "tools": TOOLS}, {"messages", "tools"}, {}, marks=pytest.mark.thorough),
        pytest.param({"pairs": PAIRS}, {"prompt", "chosen", "rejected"}, {"validation": 1}, marks=pytest.mark.thorough),
    ],
)
def test_the_script_trains_with_trl(project, tmp_path, load_dataset, files, columns, more):
    """A few steps of the exported train.py itself, in a process of its own, as a user would run it.

    The model has no chat template: the export brings the one that the scores were computed with.
    """
    from tests.models import tiny_llama

    _scored(project, tmp_path, **files)
    out = tmp_path / "out"
    receipt = export(project, ExportSpec(selection="all", to=str(out), format="trl", **more))
    assert set(load_dataset(out)["train"].column_names) == columns
    model = tiny_llama(tmp_path / "model", chat_template=None)
    command = [sys.executable, str(out / "train.py"), "--model", str(model), "--output", str(tmp_path / "trained")]
    command += ["--max-steps", "3", "--batch-size", "2", "--cpu"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    n_rows = receipt.n_written - receipt.n_validation
    assert f"{n_rows} of {n_rows} rows are trained on" in done.stdout
    assert receipt.n_validation == more.get("validation", 0)
    assert ("eval_loss" in done.stdout) == bool(receipt.n_validation)
    assert (tmp_path / "trained" / "model.safetensors").is_file()
    assert (Path(tmp_path) / "trained" / "config.json").is_file()


@pytest.mark.slow
def test_sft_trainer_reads_tokens_as_they_are(project, tmp_path, load_dataset):
    """Labels as SFTTrainer has them are those of the export: the scored response, never the prompt.

    transformers' own Trainer takes the same rows.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments
    from trl import SFTConfig, SFTTrainer

    from tests.models import tiny_llama

    out = _exported(project, tmp_path, "tokens", plain=ONE_TARGET)
    rows = load_dataset(out)["train"]
    prompts = [row["prompt"] for row in ONE_TARGET]
    assert rows["labels"] == [[-100] * len(prompt) + list(range(370, 380)) for prompt in prompts]
    model = tiny_llama(tmp_path / "model")
    settings = SFTConfig(output_dir=str(tmp_path / "o"), max_steps=2, use_cpu=True, bf16=False, report_to="none")
    trainer = SFTTrainer(
        str(model),
        args=settings,
        train_dataset=rows,
        processing_class=AutoTokenizer.from_pretrained(model),
    )
    for trained, row in zip(trainer.train_dataset, rows, strict=True):
        assert (trained["input_ids"], trained["labels"]) == (row["input_ids"], row["labels"])
    assert trainer.train().global_step == 2
    plain = TrainingArguments(output_dir=str(tmp_path / "p"), max_steps=2, use_cpu=True, report_to="none")
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    collator = DataCollatorForSeq2Seq(tokenizer)
    lm = AutoModelForCausalLM.from_pretrained(model)
    assert Trainer(lm, plain, train_dataset=rows, data_collator=collator).train().global_step == 2
