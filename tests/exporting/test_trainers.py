"""Exports in the hands of those who read them: datasets and TRL as they are installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from lobass_core.specs import ExportSpec
from lobass_core.workflows.export import export
from tests.models import tiny_llama
from tests.scored_files import import_and_score, select_all, write_jsonl

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] }}<|im_end|>{% endgeneration %}{% else %}{{ message['content'] }}<|im_end|>"
    "{% endif %}\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
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


def _exported(project, tmp_path, format, **files):
    paths = [(write_jsonl(tmp_path / f"{name}.jsonl", rows), name) for name, rows in files.items()]
    import_and_score(project, *paths)
    select_all(project)
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


@pytest.mark.parametrize(
    "format", ["messages", "alpaca", "prompt-completion", "trl", "axolotl", "llama-factory", "parquet"]
)
def test_every_folder_opens_by_its_card(project, tmp_path, load_dataset, format):
    out = _exported(project, tmp_path, format, plain=ONE_TARGET, several=SEVERAL)
    assert len(load_dataset(out)["train"]) == 12


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "columns"),
    [
        ({"plain": ONE_TARGET}, {"prompt", "completion", "level"}),
        ({"several": SEVERAL, "tools": TOOLS}, {"messages", "tools"}),
        ({"pairs": PAIRS}, {"prompt", "chosen", "rejected"}),
    ],
)
def test_the_script_trains_with_trl(project, tmp_path, load_dataset, files, columns):
    """A few steps of the exported train.py itself, in a process of its own, as a user would run it."""
    out = _exported(project, tmp_path, "trl", **files)
    assert set(load_dataset(out)["train"].column_names) == columns
    (tmp_path / "chat.jinja").write_text(CHATML)
    model = tiny_llama(tmp_path / "model")
    command = [sys.executable, str(out / "train.py"), "--model", str(model), "--output", str(tmp_path / "trained")]
    command += ["--chat-template", str(tmp_path / "chat.jinja"), "--max-steps", "3", "--batch-size", "2", "--cpu"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "trained" / "model.safetensors").is_file()
    assert (Path(tmp_path) / "trained" / "config.json").is_file()


@pytest.mark.slow
def test_sft_trainer_learns_the_answers_and_nothing_else(project, tmp_path, load_dataset):
    """Labels as SFTTrainer makes them from the export: the completion and its end, never the prompt."""
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    out = _exported(project, tmp_path, "trl", plain=ONE_TARGET)
    model = tiny_llama(tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.chat_template = CHATML
    settings = SFTConfig(output_dir=str(tmp_path / "o"), max_steps=2, use_cpu=True, bf16=False, report_to="none")
    trainer = SFTTrainer(
        str(model), args=settings, train_dataset=load_dataset(out)["train"], processing_class=tokenizer
    )
    for row, source in zip(trainer.train_dataset, ONE_TARGET, strict=True):
        learnt = [token for token in row["labels"] if token != -100]
        assert tokenizer.decode(learnt).startswith(source["completion"] + "<|im_end|>")
        assert len(learnt) < len(row["input_ids"])
    assert trainer.train().global_step == 2
