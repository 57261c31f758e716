"""What stands beside the rows for each trainer: TRL's script, Axolotl's fragment, LLaMA-Factory's dataset_info.json."""

import json

from lobass_core.records import SampleKind

Files = dict[SampleKind, str]

TRL_DEFAULT_TOKENS = 1024
DATASET_NAME = "curated"


def train_script(files: Files, *, one_target: bool) -> str:
    """A short script that trains on the exported rows with TRL; without chats it takes the pairs, else the texts."""
    if "chat" in files:
        # Prompt and completion say by themselves what is learnt; in whole conversations the turns must be marked.
        setting = "" if one_target else _ASSISTANT_ONLY
        return _script("SFT", files["chat"], setting)
    if "preference" in files:
        return _script("DPO", files["preference"], "")
    return _script("SFT", files["text"], "")


_ASSISTANT_ONLY = """
    # Only the assistant's turns are learnt. TRL needs a chat template that marks them with {% generation %}; it knows
    # how to mark those of the common model families itself, and says so where it cannot.
    assistant_only_loss=True,"""


def _script(trainer: str, file_name: str, setting: str) -> str:
    return f'''"""Train on {file_name} with TRL: python train.py --model MODEL_OR_PATH"""

import argparse
from pathlib import Path

from datasets import load_dataset
from transformers import AutoTokenizer
from trl import {trainer}Config, {trainer}Trainer

HERE = Path(__file__).parent

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--model", required=True, help="model folder or hub id")
parser.add_argument("--output", default="trained", help="folder for the trained model")
parser.add_argument("--chat-template", help="Jinja file, for a model that has no chat template")
parser.add_argument("--max-length", type=int, default={TRL_DEFAULT_TOKENS}, help="tokens; longer rows are cut")
parser.add_argument("--epochs", type=float, default=1.0)
parser.add_argument("--max-steps", type=int, default=-1, help="stop after so many steps")
parser.add_argument("--batch-size", type=int, default=8)
parser.add_argument("--learning-rate", type=float, default=2e-5)
parser.add_argument("--cpu", action="store_true", help="train without a GPU")
options = parser.parse_args()

rows = load_dataset("json", data_files=str(HERE / {file_name!r}), split="train")

settings = {trainer}Config(
    output_dir=options.output,
    max_length=options.max_length,
    num_train_epochs=options.epochs,
    max_steps=options.max_steps,
    per_device_train_batch_size=options.batch_size,
    learning_rate=options.learning_rate,
    use_cpu=options.cpu,
    bf16=not options.cpu,
    report_to="none",{setting}
)

tokenizer = AutoTokenizer.from_pretrained(options.model)
if options.chat_template:
    tokenizer.chat_template = Path(options.chat_template).read_text(encoding="utf-8")

trainer = {trainer}Trainer(options.model, args=settings, train_dataset=rows, processing_class=tokenizer)
trainer.train()
trainer.save_model()
'''


def axolotl_yaml(files: Files, *, weights: bool) -> dict[str, str]:
    """File name -> YAML; pairs need a configuration of their own. `weights`: some turns say whether they are learnt."""
    fragments: dict[str, str] = {}
    supervised = []
    if "chat" in files:
        supervised.append(_CHAT.format(path=files["chat"], training=_TRAINING if weights else ""))
    if "text" in files:
        supervised.append(_TEXT.format(path=files["text"]))
    if supervised:
        fragments["axolotl.yml"] = f"{_HEAD}datasets:\n{''.join(supervised)}"
    if "preference" in files:
        fragments["axolotl-preference.yml"] = f"{_HEAD}rl: dpo\ndatasets:\n{_PAIR.format(path=files['preference'])}"
    return fragments


_HEAD = "# Add base_model, sequence_len and your training settings. Rows longer than sequence_len are dropped.\n"
_CHAT = """  - path: {path}
    ds_type: json
    type: chat_template
    field_messages: messages
    field_tools: tools
    message_property_mappings:
      role: role
      content: content
    roles_to_train: ["assistant"]
    train_on_eos: turn
{training}"""
_TRAINING = "    message_field_training: training\n"
_TEXT = """  - path: {path}
    ds_type: json
    type: completion
    field: text
"""
_PAIR = """  - path: {path}
    split: train
    type: chat_template.default
    field_messages: messages
    field_chosen: chosen
    field_rejected: rejected
"""


def dataset_info(files: Files) -> str:
    """dataset_info.json with every column and tag: a key left out would mean that there is no such column."""
    entries: dict[str, dict] = {}
    for kind, name in files.items():
        if kind == "text":
            columns = {
                "prompt": "text",
                "query": None,
                "response": None,
                "system": None,
                "tools": None,
                "history": None,
            }
            entries[f"{DATASET_NAME}_text"] = {"file_name": name, "formatting": "alpaca", "columns": columns}
            continue
        entry: dict = {"file_name": name, "formatting": "sharegpt"}
        columns = {"messages": "messages", "system": "system", "tools": "tools"}
        if kind == "preference":
            entry["ranking"] = True
            columns |= {"chosen": "chosen", "rejected": "rejected"}
        entry["columns"] = columns
        entry["tags"] = {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "observation_tag": "tool",
            "function_tag": "function_call",
            "system_tag": "system",
        }
        entries[DATASET_NAME if kind == "chat" else f"{DATASET_NAME}_{kind}"] = entry
    return json.dumps(entries, indent=2) + "\n"
