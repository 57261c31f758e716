"""Mean NLL of the response tokens, with gradients; the head runs only where a response token is predicted."""

from typing import Any

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.output_head import OutputHead

IGNORED = -100
# Logits at a time, 128 MiB in float32; what lies beyond is computed again on the way back instead of being kept.
MOST_LOGITS = 1 << 25


def response_loss(loaded: LoadedModel, input_ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Scalar, nats a response token, over a right-padded batch.

    No attention mask is needed: causality keeps the padding from the tokens before it.

        input_ids   [BOS] What is 2+2 ? [/INST]  4  [EOS]
        labels      -100  ....................   4  [EOS]     (a label is predicted by the state before it)
    """
    targets = labels[:, 1:]
    predicted = targets != IGNORED
    if loaded.head is None:
        logits = loaded.model(input_ids=input_ids[:, :-1], use_cache=False).logits
        return functional.cross_entropy(logits[predicted].float(), targets[predicted])
    hidden = loaded.body(input_ids=input_ids[:, :-1], attention_mask=None, use_cache=False).last_hidden_state
    states, wanted = hidden[predicted], targets[predicted]
    n_rows = max(1, MOST_LOGITS // int(loaded.causal_lm.config.get_text_config().vocab_size))
    if len(wanted) <= n_rows:
        return _loss_sum(states, wanted, loaded.head) / len(wanted)
    parts = [
        checkpoint(
            _loss_sum, states[start : start + n_rows], wanted[start : start + n_rows], loaded.head, use_reentrant=False
        )
        for start in range(0, len(wanted), n_rows)
    ]
    return torch.stack(parts).sum() / len(wanted)  # type: ignore[arg-type]


def _loss_sum(states: torch.Tensor, targets: torch.Tensor, head: OutputHead) -> torch.Tensor:
    logits: Any = head.module(states).float()
    # Out of place, unlike in scoring: the gradient needs what an operation in place would overwrite.
    if head.scale != 1.0:
        logits = logits * head.scale
    if head.softcap:
        logits = torch.tanh(logits / head.softcap) * head.softcap
    return functional.cross_entropy(logits, targets, reduction="sum")
