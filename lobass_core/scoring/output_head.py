"""What stands between a model's last hidden state and its logits, family by family."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

# Families whose logits are exactly: head(last hidden state), scaled and soft-capped as below. tests/invariants compares
# each with its own forward pass. Any other family takes the plain path.
KNOWN_FAMILIES = frozenset(
    {
        "llama",
        "mistral",
        "mixtral",
        "qwen2",
        "qwen3",
        "gemma",
        "gemma2",
        "gemma3_text",
        "gpt2",
        "gpt_neox",
        "phi",
        "phi3",
        "opt",
        "cohere",
        "cohere2",
        "granite",
        "olmo",
        "olmo2",
        "smollm3",
        "stablelm",
        "starcoder2",
    }
)


@dataclass(frozen=True, slots=True)
class OutputHead:
    """The vocabulary projection, the factor on its logits, and the cap c of c * tanh(logit / c); 0 for none."""

    module: nn.Module
    scale: float = 1.0
    softcap: float = 0.0

    def shape(self, logits: torch.Tensor) -> torch.Tensor:
        """Scale and cap float32 logits, in place where that is possible."""
        if self.scale != 1.0:
            logits = logits.mul_(self.scale)
        if self.softcap:
            logits = logits.div_(self.softcap).tanh_().mul_(self.softcap)
        return logits


def find_output_head(model: Any) -> OutputHead | None:
    """The head of a causal LM of a known family, else None."""
    config = model.config
    head = model.get_output_embeddings()
    # A model that brings its own code may call itself llama and compute something else.
    ours = type(model).__module__.startswith("transformers.")
    if config.model_type not in KNOWN_FAMILIES or head is None or not ours:
        return None
    scale = 1.0
    if config.model_type in ("cohere", "cohere2"):
        scale = float(config.logit_scale)
    elif config.model_type == "granite":
        scale = 1.0 / float(config.logits_scaling)
    return OutputHead(head, scale, float(getattr(config, "final_logit_softcapping", None) or 0.0))
