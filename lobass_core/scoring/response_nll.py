"""Negative log-likelihood of the response tokens, without ever holding a (tokens x vocabulary) tensor."""

from typing import cast

import torch
from torch import nn

from lobass_core.scoring.onednn import Product, is_linear, product_of
from lobass_core.scoring.output_head import OutputHead

# Columns of the vocabulary at a time, and positions at a time: a tile of float32 logits is then at most 16 MiB. On two
# CPU cores 4096 columns ran at 126 GFLOP/s and the whole head of a 128k vocabulary at 73.
TILE_COLUMNS = 4096
TILE_ROWS = 1024
# A GPU has room for larger tiles, and each costs it a few kernel launches.
TILE_COLUMNS_CUDA = 16384
TILE_ROWS_CUDA = 8192


def response_nll(hidden: torch.Tensor, targets: torch.Tensor, head: OutputHead) -> torch.Tensor:
    """float32[m]: logsumexp of the logits minus the target's logit, in nats.

    `hidden` is [m, width], the states that predict; `targets` int64[m], the tokens that they predict.
    """
    on_cuda = hidden.device.type == "cuda"
    n_rows = TILE_ROWS_CUDA if on_cuda else TILE_ROWS
    losses = torch.empty(len(targets), dtype=torch.float32, device=hidden.device)
    for start in range(0, len(targets), n_rows):
        rows = slice(start, start + n_rows)
        if is_linear(head.module):
            losses[rows] = _nll_in_tiles(
                hidden[rows], targets[rows], head, TILE_COLUMNS_CUDA if on_cuda else TILE_COLUMNS
            )
        else:
            losses[rows] = _nll_by_rows(hidden[rows], targets[rows], head)
    return losses


def _nll_in_tiles(hidden: torch.Tensor, targets: torch.Tensor, head: OutputHead, n_columns: int) -> torch.Tensor:
    """One pass over the vocabulary with a running maximum m and a running sum of exp(logit - m)."""
    linear, product = cast(nn.Linear, head.module), product_of(head.module)
    weight, bias = linear.weight, linear.bias
    vocabulary = weight.shape[0]
    top = torch.full((len(targets),), -torch.inf, dtype=torch.float32, device=hidden.device)
    total = torch.zeros_like(top)
    chosen = torch.zeros_like(top)
    for start in range(0, vocabulary, n_columns):
        end = min(start + n_columns, vocabulary)
        some = None if bias is None else bias[start:end]
        logits = head.shape(_float32_logits(product, hidden, weight[start:end], some))
        inside = (targets >= start) & (targets < end)
        here = logits.gather(1, (targets - start).clamp(0, end - start - 1).unsqueeze(1)).squeeze(1)
        chosen = torch.where(inside, here, chosen)
        new_top = torch.maximum(top, logits.amax(dim=1))
        total.mul_(torch.exp(top - new_top)).add_(logits.sub_(new_top.unsqueeze(1)).exp_().sum(dim=1))
        top = new_top
    return top + total.log_() - chosen


def _float32_logits(
    product: Product, hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
) -> torch.Tensor:
    """Logits that are never rounded to bfloat16: at a logit of 20 its steps are an eighth of a nat."""
    if hidden.dtype in (torch.float32, torch.float64):
        return product(hidden, weight, bias)
    if hidden.device.type == "cuda":
        logits = torch.mm(hidden, weight.t(), out_dtype=torch.float32)
        return logits if bias is None else logits.add_(bias)
    return product(hidden.float(), weight.float(), None if bias is None else bias.float())


def _nll_by_rows(hidden: torch.Tensor, targets: torch.Tensor, head: OutputHead) -> torch.Tensor:
    """For a head that is more than a matrix (adapted, quantised): whole rows, a few at a time."""
    losses = []
    n_rows = 64
    for start in range(0, len(targets), n_rows):
        logits = head.shape(head.module(hidden[start : start + n_rows]).float())
        here = logits.gather(1, targets[start : start + n_rows].unsqueeze(1)).squeeze(1)
        losses.append(torch.logsumexp(logits, dim=1) - here)
    return torch.cat(losses)
