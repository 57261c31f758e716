"""Tiny random models and tokenizers of many architectures, built offline in a second, for everybody's tests."""

from functools import cache
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

VOCAB_SIZE = 384
MAX_POSITIONS = 512
SPECIAL_TOKENS = ("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>")
CHATML = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
_TEXTS = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.",
    "What is the sum of 12 and 30? The sum of 12 and 30 is 42. She has 5 apples and gives 2 away.",
    "Write a short story about a fox who learns to share its food with the other animals of the forest.",
    "ein kurzer Text, ça alors, 你好，世界。请写一首诗。",
)

_SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
_LLAMA_LIKE = {**_SMALL, "intermediate_size": 48, "num_key_value_heads": 2, "max_position_embeddings": MAX_POSITIONS}
_GEMMA_LIKE = {
    **_LLAMA_LIKE,
    "head_dim": 8,
    "sliding_window": 8,
    "query_pre_attn_scalar": 8,
    "tie_word_embeddings": True,
}
_HALF_SLIDING = ["sliding_attention", "full_attention"]

# model_type and its settings; windows shorter than the tests' samples, so that sliding attention slides.
ARCHITECTURES: dict[str, tuple[str, dict]] = {
    "llama": ("llama", {**_LLAMA_LIKE, "tie_word_embeddings": False}),
    "llama-tied": ("llama", {**_LLAMA_LIKE, "tie_word_embeddings": True}),
    "qwen2": ("qwen2", _LLAMA_LIKE),
    "qwen3": ("qwen3", {**_LLAMA_LIKE, "head_dim": 8, "tie_word_embeddings": True}),
    "mistral": ("mistral", {**_LLAMA_LIKE, "sliding_window": 8}),
    "gemma": ("gemma", {**_LLAMA_LIKE, "head_dim": 8}),
    "gemma2": (
        "gemma2",
        {**_GEMMA_LIKE, "final_logit_softcapping": 1.0, "attn_logit_softcapping": 2.0, "layer_types": _HALF_SLIDING},
    ),
    "gemma3": ("gemma3_text", {**_GEMMA_LIKE, "final_logit_softcapping": 1.0, "layer_types": _HALF_SLIDING}),
    "gpt2": ("gpt2", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": MAX_POSITIONS}),
    "gpt-neox": (
        "gpt_neox",
        {**_SMALL, "intermediate_size": 48, "max_position_embeddings": MAX_POSITIONS, "tie_word_embeddings": False},
    ),
    "phi": ("phi", _LLAMA_LIKE),
    "phi3": ("phi3", {**_LLAMA_LIKE, "sliding_window": 8}),
    "opt": (
        "opt",
        {
            **_SMALL,
            "ffn_dim": 48,
            "word_embed_proj_dim": 24,
            "max_position_embeddings": MAX_POSITIONS,
            "do_layer_norm_before": True,
        },
    ),
    "cohere": ("cohere", {**_LLAMA_LIKE, "logit_scale": 0.25}),
    "granite": ("granite", {**_LLAMA_LIKE, "logits_scaling": 4.0}),
    "cohere2": ("cohere2", {**_LLAMA_LIKE, "logit_scale": 0.25, "sliding_window": 8, "layer_types": _HALF_SLIDING}),
    "olmo": ("olmo", _LLAMA_LIKE),
    "olmo2": ("olmo2", _LLAMA_LIKE),
    "smollm3": ("smollm3", _LLAMA_LIKE),
    "stablelm": ("stablelm", _LLAMA_LIKE),
    "starcoder2": ("starcoder2", {**_LLAMA_LIKE, "sliding_window": 8}),
    "mixtral": ("mixtral", {**_LLAMA_LIKE, "num_local_experts": 4, "num_experts_per_tok": 2}),
    # An architecture that the engine has no fast path for.
    "bloom": ("bloom", {"hidden_size": 32, "n_layer": 2, "n_head": 4}),
}


@cache
def _backend_json() -> str:
    backend = Tokenizer(models.BPE(unk_token=None))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(_TEXTS * 4, trainer)
    return backend.to_str()


def tiny_tokenizer(chat_template: str | None = CHATML) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of 384 tokens with BOS, EOS and ChatML's markers; it can encode every text."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_backend_json()),
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=["<|im_start|>", "<|im_end|>"],
    )
    if chat_template is not None:
        tokenizer.chat_template = chat_template
    return tokenizer


def tiny_model(
    architecture: str = "llama", *, seed: int = 0, vocab_size: int = VOCAB_SIZE, **overrides
) -> PreTrainedModel:
    """A random float32 model in eval mode, wide enough (std 0.2) that its losses differ clearly between tokens."""
    model_type, settings = ARCHITECTURES[architecture]
    config = AutoConfig.for_model(
        model_type,
        **{"vocab_size": vocab_size, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, **settings, **overrides},
    )
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.2)
    return model.eval()


def tiny_folder(
    path: Path, architecture: str = "llama", *, seed: int = 0, chat_template: str | None = CHATML, **overrides
) -> Path:
    """Save a tiny model and its tokenizer as a Hugging Face folder and return the folder."""
    tiny_model(architecture, seed=seed, **overrides).save_pretrained(path)
    tiny_tokenizer(chat_template).save_pretrained(path)
    return path


def tiny_llama(path: Path, *, seed: int = 0, chat_template: str | None = CHATML, **overrides) -> Path:
    """A two-layer Llama with a ChatML tokenizer, as a Hugging Face folder."""
    return tiny_folder(path, "llama", seed=seed, chat_template=chat_template, **overrides)


def tiny_lora(path: Path, base: Path, *, seed: int = 1, rank: int = 4) -> Path:
    """A random LoRA adapter (neither matrix zero) for a model folder, saved as PEFT does; returns the folder."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    adapted = get_peft_model(model, LoraConfig(r=rank, target_modules="all-linear", task_type="CAUSAL_LM"))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.normal_(std=0.1)
    adapted.save_pretrained(path)
    return path


def each_architecture(*, fast_only: bool = False) -> list[str]:
    """Names for parametrized tests."""
    return [name for name in ARCHITECTURES if not (fast_only and name == "bloom")]
