"""Chat templates as published, out of TRL's wheel, and a tokenizer that knows the markers of all of them."""

import importlib.util
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from tests.models import tiny_tokenizer

_TRL = importlib.util.find_spec("trl")
assert _TRL and _TRL.origin
FOLDER = Path(_TRL.origin).parent / "chat_templates"
MARKERS = [
    "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>", "<start_of_turn>",
    "<end_of_turn>", "<|end|>", "<|return|>", "<|call|>", "<|start|>", "<|channel|>", "<|message|>", "<|user|>",
    "<|assistant|>", "<|system|>", "<|observation|>", "<turn|>", "<|turn>", "<|END_OF_TURN_TOKEN|>",
    "<|START_OF_TURN_TOKEN|>", "<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>", "<|END_RESPONSE|>",
]  # fmt: skip


def published(name: str) -> str:
    """A template's text."""
    return (FOLDER / f"{name}.jinja").read_text(encoding="utf-8")


def marked_tokenizer() -> PreTrainedTokenizerFast:
    """The tests' byte-level tokenizer with every template's markers as special tokens."""
    tokenizer = tiny_tokenizer(None)
    tokenizer.add_special_tokens({"additional_special_tokens": MARKERS})
    return tokenizer
