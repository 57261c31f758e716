"""What stands beside the rows for a trainer: Axolotl's fragment, LLaMA-Factory's dataset_info.json."""

import json

from lobass_core.exporting.layout import TEMPLATE_NAME
from lobass_core.exporting.survey import Survey
from lobass_core.records import SampleKind

Files = dict[SampleKind, str]

DATASET_NAME = "curated"


def axolotl_yaml(files: Files, *, weights: bool, has_template: bool) -> dict[str, str]:
    """File name -> YAML; pairs need a configuration of their own. `weights`: turns say whether they are learnt."""
    fragments: dict[str, str] = {}
    head = _HEAD + (_TEMPLATE if has_template else "")
    supervised = []
    if "chat" in files:
        training = _TRAINING if weights else ""
        supervised.append(_CHAT.format(path=files["chat"], type=_type(files["chat"]), training=training))
    if "text" in files:
        supervised.append(_TEXT.format(path=files["text"], type=_type(files["text"])))
    if supervised:
        fragments["axolotl.yml"] = f"{head}datasets:\n{''.join(supervised)}"
    if "preference" in files:
        pairs = _PAIR.format(path=files["preference"], type=_type(files["preference"]))
        fragments["axolotl-preference.yml"] = f"{head}rl: dpo\ndatasets:\n{pairs}"
    return fragments


def _type(name: str) -> str:
    return "parquet" if name.endswith(".parquet") else "json"


_HEAD = "# Add base_model, sequence_len and your training settings. Rows longer than sequence_len are dropped.\n"
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
{training}"""
_TRAINING = "    message_field_training: training\n"
_TEXT = """  - path: {path}
    ds_type: {type}
    type: completion
    field: text
"""
_PAIR = """  - path: {path}
    ds_type: {type}
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
            entries[dataset_name(kind)] = _alpaca_entry(name, {"prompt": "text"})
            continue
        columns = {"messages": "messages", "system": "system", "tools": "tools"}
        tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
        tags |= {"observation_tag": "tool", "function_tag": "function_call", "system_tag": "system"}
        if kind == "preference":
            columns |= {"chosen": "chosen", "rejected": "rejected"}
        entry = {"file_name": name, "formatting": "sharegpt", "columns": columns, "tags": tags}
        entries[dataset_name(kind)] = entry | ({"ranking": True} if kind == "preference" else {})
    return json.dumps(entries, indent=2) + "\n"


def dataset_name(kind: SampleKind) -> str:
    """What `dataset:` is called in LLaMA-Factory's configuration."""
    return DATASET_NAME if kind == "chat" else f"{DATASET_NAME}_{kind}"


def published_info(format: str, name: str, found: Survey) -> str:
    """The same for rows in the format that LLaMA-Factory calls alpaca or sharegpt."""
    if format == "alpaca":
        named = {"prompt": "instruction", "query": "input", "response": "output"}
        named |= {"system": "system"} if found.has_system else {}
        named |= {"history": "history"} if found.has_history else {}
        return json.dumps({DATASET_NAME: _alpaca_entry(name, named)}, indent=2) + "\n"
    columns: dict = {"messages": "conversations", "system": None, "tools": "tools" if found.has_tools else None}
    tags = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
    tags |= {"observation_tag": "observation", "function_tag": "function_call", "system_tag": "system"}
    entry = {"file_name": name, "formatting": "sharegpt", "columns": columns, "tags": tags}
    return json.dumps({DATASET_NAME: entry}, indent=2) + "\n"


def _alpaca_entry(name: str, columns: dict) -> dict:
    every = dict.fromkeys(("prompt", "query", "response", "system", "tools", "history"))
    return {"file_name": name, "formatting": "alpaca", "columns": every | columns}
