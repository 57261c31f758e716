"""A tiny Llama as a GGUF file, written as llama.cpp's converter writes one."""

import json
from pathlib import Path

import gguf
import torch

from tests.models import MAX_POSITIONS, tiny_model, tiny_tokenizer

N_HEADS, N_KEY_HEADS = 4, 2
# Hugging Face's names of a layer's weights, and GGUF's.
_LAYER = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
_OTHERS = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}


def tiny_gguf(path: Path, *, seed: int = 0) -> Path:
    """Write the Llama of `tiny_llama(seed=...)` with its tokenizer, weights as float32, and return the file."""
    writer = gguf.GGUFWriter(path, "llama")
    model = tiny_model("llama", seed=seed)
    config = model.config
    writer.add_context_length(MAX_POSITIONS)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(N_HEADS)
    writer.add_head_count_kv(N_KEY_HEADS)
    writer.add_rope_dimension_count(config.hidden_size // N_HEADS)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    _add_tokenizer(writer)
    for name, weight in model.state_dict().items():
        writer.add_tensor(_name(name), _permuted(name, weight).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokenizer(writer: gguf.GGUFWriter) -> None:
    tokenizer = tiny_tokenizer()
    in_order = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    merges = [" ".join(pair) for pair in json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]]
    special = set(tokenizer.all_special_ids)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([token for token, _ in in_order])
    writer.add_token_types([gguf.TokenType.CONTROL if i in special else gguf.TokenType.NORMAL for _, i in in_order])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_unk_token_id(tokenizer.unk_token_id)
    writer.add_add_bos_token(False)
    writer.add_chat_template(tokenizer.chat_template)


def _name(name: str) -> str:
    if name in _OTHERS:
        return _OTHERS[name]
    _, _, layer, rest = name.split(".", 3)
    return f"blk.{layer}.{_LAYER[rest.removesuffix('.weight')]}.weight"


def _permuted(name: str, weight: torch.Tensor) -> torch.Tensor:
    """llama.cpp turns pairs of neighbours where Hugging Face turns halves: the rows of q and k change places."""
    for part, heads in (("q_proj", N_HEADS), ("k_proj", N_KEY_HEADS)):
        if part in name:
            halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, weight.shape[1])
            return halves.swapaxes(1, 2).reshape(weight.shape).contiguous()
    return weight.contiguous()
