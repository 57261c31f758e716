"""What a model has to pass before it scores: weights that are numbers, and no look at later tokens."""

from typing import Any

import torch

from lobass_core.errors import ModelError, cause_of, out_of_memory

N_TOKENS = 12
# How far logits may move, in standard deviations of the logits, when only a later token changes. Dense models do not
# move at all: products of the same shape give the same bits (44 families measured, float32 and bfloat16). Random
# encoders, the hardest to see, moved by 2.6e-3 or more in float32 and 1.5e-2 in bfloat16.
_ROUNDING = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 1e-3, torch.bfloat16: 5e-3}
# A mixture of experts sorts its tokens by expert, so that products change their shapes and round otherwise (1e-6 in
# float32); in a coarse dtype a token in doubt may even get another expert. So: the median token, and a wider limit.
_WITH_EXPERTS = 20
_EXPERT_KEYS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")


def check_finite_weights(model: Any, where: str) -> None:
    """Refuse a model with weights that are not numbers.

    Raises:
        ModelError: it names the first such tensor.
    """
    for name, weight in model.named_parameters():
        if not weight.is_floating_point() or weight.numel() == 0:
            continue
        # Least and most: NaN comes through, and no copy of the weights is made.
        least, most = torch.aminmax(weight.detach())
        if bool(torch.isfinite(least)) and bool(torch.isfinite(most)):
            continue
        n_wrong = int((~torch.isfinite(weight)).sum())
        raise ModelError(
            f"the weights are damaged: {n_wrong:,} of {weight.numel():,} numbers in {name} are NaN or infinite",
            where=where,
            do="Download or save the model again.",
        )


def check_causal(model: Any, n_tokens_known: int, where: str) -> None:
    """Refuse a model whose predictions change with a later token, as an encoder's do.

    Raises:
        ModelError: they do, or the model cannot read a few tokens.
    """
    device = next(model.parameters()).device
    ids = (torch.arange(1, N_TOKENS + 1, device=device) * n_tokens_known) // (N_TOKENS + 2)
    other = ids.clone()
    other[-1] = n_tokens_known // (2 * N_TOKENS + 4)
    try:
        with torch.inference_mode():
            before, after = (model(input_ids=row[None], use_cache=False).logits[0, :-1].float() for row in (ids, other))
    except Exception as error:
        if out_of_memory(error):
            raise
        raise ModelError(
            f"the model cannot read {N_TOKENS} tokens: {cause_of(error)}",
            where=where,
            do="Use a causal language model for text.",
        ) from error
    numbers = torch.isfinite(before) & torch.isfinite(after)
    if not numbers.any():
        # Nothing to tell by; a run of which no loss is a number fails at its end.
        return
    by_token = (before - after).abs().where(numbers, torch.zeros(())).amax(dim=1) / before[numbers].std()
    limit = _ROUNDING.get(next(model.parameters()).dtype, 1e-4)
    if _has_experts(model.config.get_text_config()):
        moved, limit = float(by_token.median()), limit * _WITH_EXPERTS
    else:
        moved = float(by_token.max())
    if moved <= limit:
        return
    raise ModelError(
        f"{model.config.model_type} is not causal here: its prediction of a token depends on later tokens",
        where=where,
        do="Use a causal language model (a decoder).",
    )


def _has_experts(config: Any) -> bool:
    return any((getattr(config, key, None) or 0) > 1 for key in _EXPERT_KEYS)
