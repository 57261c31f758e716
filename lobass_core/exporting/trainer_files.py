"""What stands beside the rows for a trainer: Axolotl's fragment, LLaMA-Factory's dataset_info.json."""

import json
from collections.abc import Mapping

from lobass_core.exporting.layout import TEMPLATE_NAME
from lobass_core.exporting.plan import Split
from lobass_core.exporting.survey import Survey
from lobass_core.records import SampleKind

Files = dict[SampleKind, str]

DATASET_NAME = "curated"


def axolotl_yaml(
    files: Files, validation: Files, *, weights: bool, has_template: bool, ending: str = "", in_order: bool = False
) -> dict[str, str]:
    """File name -> YAML; pairs need a configuration of their own.

    `weights`: turns say whether they are learnt. `ending`: the token that closes an answer. `in_order`: rows are not
    shuffled.
    """
    fragments: dict[str, str] = {}
    head = _HEAD + (_TEMPLATE if has_template else "") + (_IN_ORDER if in_order else "")
    supervised, tested = _supervised(files, weights), _supervised(validation, weights, _SPLIT)
    if supervised:
        endings = _ENDING.format(ending=json.dumps(ending)) if ending and "chat" in files else ""
        fragments["axolotl.yml"] = f"{head}{endings}datasets:\n{supervised}" + (_TESTED + tested if tested else "")
    if "preference" in files:
        tested = _pairs(validation)
        pairs = f"rl: dpo\ndatasets:\n{_pairs(files)}" + (_TESTED + tested if tested else "")
        fragments["axolotl-preference.yml"] = head + pairs
    return fragments


def _supervised(files: Files, weights: bool, split: str = "") -> str:
    """The entries of chats and texts."""
    more = split + (_TRAINING if weights else "")
    chats = _CHAT.format(path=files["chat"], type=_type(files["chat"]), more=more) if "chat" in files else ""
    texts = _TEXT.format(path=files["text"], type=_type(files["text"]), more=split) if "text" in files else ""
    return chats + texts


def _pairs(files: Files) -> str:
    name = files.get("preference")
    return _PAIR.format(path=name, type=_type(name)) if name else ""


def _type(name: str) -> str:
    return "parquet" if name.endswith(".parquet") else "json"


_HEAD = "# Add base_model, sequence_len and your training settings. Rows longer than sequence_len are dropped.\n"
_IN_ORDER = """# The rows are sorted best first, and are read in that order.
shuffle_merged_datasets: false
curriculum_sampling: true
"""
# Without it Axolotl learns the tokenizer's own end token and no other, which in base models closes no answer.
_ENDING = "eot_tokens: [{ending}]\n"
_TESTED = "test_datasets:\n"
_SPLIT = "    split: train\n"
_TEMPLATE = f"chat_template: jinja\nchat_template_jinja: {TEMPLATE_NAME}\n"
_CHAT = """  - path: {path}
    ds_type: {type}
    type: chat_template
    field_messages: messages
    field_tools: tools
    message_property_mappings:
      role: role
      content: content
    roles_to_train: ["assistant"]
    train_on_eos: turn
{more}"""
_TRAINING = "    message_field_training: training\n"
_TEXT = """  - path: {path}
    ds_type: {type}
    type: completion
    field: text
{more}"""
_PAIR = """  - path: {path}
    ds_type: {type}
    split: train
    type: chat_template.default
    field_messages: messages
    field_chosen: chosen
    field_rejected: rejected
"""


def dataset_info(files: Mapping[Split, Files]) -> str:
    """dataset_info.json with every column and tag: a key left out would mean that there is no such column."""
    entries: dict[str, dict] = {}
    for split, of_split in files.items():
        entries |= {dataset_name(kind, split): _entry(kind, name) for kind, name in of_split.items()}
    return json.dumps(entries, indent=2) + "\n"


def _entry(kind: SampleKind, name: str) -> dict:
    if kind == "text":
        return _alpaca_entry(name, {"prompt": "text"})
    columns = {"messages": "messages", "system": "system", "tools": "tools"}
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    tags |= {"observation_tag": "tool", "function_tag": "function_call", "system_tag": "system"}
    if kind == "preference":
        columns |= {"chosen": "chosen", "rejected": "rejected"}
    entry = {"file_name": name, "formatting": "sharegpt", "columns": columns, "tags": tags}
    return entry | ({"ranking": True} if kind == "preference" else {})


def dataset_name(kind: SampleKind, split: Split = "train") -> str:
    """What `dataset:` or `eval_dataset:` is called in LLaMA-Factory's configuration."""
    name = DATASET_NAME if kind == "chat" else f"{DATASET_NAME}_{kind}"
    return name if split == "train" else f"{name}_{split}"


def published_info(format: str, files: Mapping[Split, str], survey: Survey) -> str:
    """The same for rows in the format that LLaMA-Factory calls alpaca or sharegpt."""
    entries = {dataset_name("chat", split): _published_entry(format, name, survey) for split, name in files.items()}
    return json.dumps(entries, indent=2) + "\n"


def _published_entry(format: str, name: str, survey: Survey) -> dict:
    if format == "alpaca":
        named = {"prompt": "instruction", "query": "input", "response": "output"}
        named |= {"system": "system"} if survey.has_system else {}
        named |= {"history": "history"} if survey.has_history else {}
        return _alpaca_entry(name, named)
    columns: dict = {"messages": "conversations", "system": None, "tools": "tools" if survey.has_tools else None}
    tags = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
    tags |= {"observation_tag": "observation", "function_tag": "function_call", "system_tag": "system"}
    return {"file_name": name, "formatting": "sharegpt", "columns": columns, "tags": tags}


def _alpaca_entry(name: str, columns: dict) -> dict:
    every = dict.fromkeys(("prompt", "query", "response", "system", "tools", "history"))
    return {"file_name": name, "formatting": "alpaca", "columns": every | columns}
