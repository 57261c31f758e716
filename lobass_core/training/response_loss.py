"""Mean NLL of the response tokens, with gradients; the head runs only where a response token is predicted."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.onednn import is_linear
from lobass_core.scoring.output_head import OutputHead
from lobass_core.training import head_loss
from lobass_core.training.head_loss import head_loss_sum

IGNORED = -100


def response_loss_sum(loaded: LoadedModel, input_ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Scalar, nats, over a right-padded batch; its mean is over `n_targets` tokens.

    No attention mask is needed: causality keeps the padding from the tokens before it.

        input_ids   [BOS] What is 2+2 ? [/INST]  4  [EOS]
        labels      -100  ....................   4  [EOS]     (a label is predicted by the state before it)
    """
    targets = labels[:, 1:]
    predicted = targets != IGNORED
    if loaded.head is None:
        return _by_whole_rows(loaded, input_ids, labels)
    hidden = loaded.body(input_ids=input_ids[:, :-1], attention_mask=None, use_cache=False).last_hidden_state
    states, wanted = hidden[predicted], targets[predicted]
    if is_linear(loaded.head.module):
        return head_loss_sum(states, wanted, loaded.head)
    return _in_slices(states, wanted, loaded.head, _n_rows(loaded))


def n_targets(labels: torch.Tensor) -> int:
    """How many tokens of a batch are predicted."""
    return int((labels[:, 1:] != IGNORED).sum())


def micro_batches(
    input_ids: torch.Tensor, labels: torch.Tensor, most_tokens: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """A step's rows, in their order, in batches of at most `most_tokens`, each as wide as its longest row.

    A row is never cut: one that is longer makes a batch by itself.
    """
    places = torch.arange(1, labels.shape[1] + 1, device=labels.device)
    ends = ((labels != IGNORED) * places).amax(dim=1).tolist()
    start = 0
    while start < len(ends):
        end, width = start, 0
        while end < len(ends) and (end == start or max(width, ends[end]) * (end + 1 - start) <= most_tokens):
            width = max(width, ends[end])
            end += 1
        yield input_ids[start:end, :width], labels[start:end, :width]
        start = end


def _n_rows(loaded: LoadedModel) -> int:
    """Rows of logits that are made at a time."""
    return max(1, head_loss.MOST_LOGITS // int(loaded.causal_lm.config.get_text_config().vocab_size))


def _in_slices(states: torch.Tensor, targets: torch.Tensor, head: OutputHead, n_rows: int) -> torch.Tensor:
    """Through a head that is more than a matrix: its logits are computed again on the way back."""

    def loss_sum(some: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        logits: Any = head.module(some).float()
        # Out of place, unlike in scoring: the gradient needs what an operation in place would overwrite.
        if head.scale != 1.0:
            logits = logits * head.scale
        if head.softcap:
            logits = torch.tanh(logits / head.softcap) * head.softcap
        return functional.cross_entropy(logits, wanted, reduction="sum")

    starts = range(0, len(targets), n_rows)
    parts: list[Any] = [
        checkpoint(loss_sum, states[start : start + n_rows], targets[start : start + n_rows], use_reentrant=False)
        for start in starts
    ]
    return torch.stack(parts).sum()


def _by_whole_rows(loaded: LoadedModel, input_ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Through a model's own forward pass, which makes the logits of every position: few rows at a time.

    Where that is more than once, the pass is done again on the way back, so that no logits are kept.
    """

    def loss_sum(ids: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        logits = loaded.model(input_ids=ids[:, :-1], use_cache=False).logits
        predicted = wanted[:, 1:] != IGNORED
        return functional.cross_entropy(logits[predicted].float(), wanted[:, 1:][predicted], reduction="sum")

    parts = list(micro_batches(input_ids, labels, _n_rows(loaded)))
    if len(parts) == 1:
        return loss_sum(input_ids, labels)
    losses: list[Any] = [checkpoint(loss_sum, *part, use_reentrant=False) for part in parts]
    return torch.stack(losses).sum()
