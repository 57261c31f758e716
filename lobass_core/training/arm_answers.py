"""Answers that an arm writes by itself: decoded greedily in batches, compared with the final answers of the data."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.token_table import TokenTable
from lobass_core.validation.final_answers import final_answer

# An answer may be twice as long as the response of the data that it is compared with, and no longer than this.
MOST_ANSWER_TOKENS = 512
# Prompt and answer of a batch, padding included: the cache of keys and values stays under 1 GB for 500M parameters.
BATCH_TOKENS = 8192
MOST_ROWS = 32


def answer_limit(table: TokenTable, row: int) -> int:
    """Tokens that an answer to this row may have, whatever rows are answered beside it."""
    return min(MOST_ANSWER_TOKENS, 2 * (len(table.ids_of(row)) - prompt_length(table, row)))


def prompt_length(table: TokenTable, row: int) -> int:
    """How many tokens of a sample come before its last response."""
    outside = np.flatnonzero(~table.mask_of(row))
    return int(outside[-1]) + 1 if len(outside) else 0


def right_answers(
    loaded: LoadedModel,
    tokenizer: Any,
    table: TokenTable,
    answers: Mapping[int, str],
    on_batch: Callable[[int], None],
    check: Callable[[], None],
) -> dict[int, bool]:
    """Whether the model's own answer to each row is the one given, by row of the table.

    `on_batch` hears of the rows of every batch; `check` is called at every token and may raise.
    """
    rows = np.array(sorted(answers), dtype=np.int64)
    settings = GenerationConfig(
        do_sample=False,
        num_beams=1,
        max_new_tokens=MOST_ANSWER_TOKENS,
        pad_token_id=_padding(tokenizer),
        eos_token_id=_ends(tokenizer, table, rows),
    )
    right: dict[int, bool] = {}
    was_training = loaded.model.training
    loaded.model.eval()
    for batch in _batches(table, rows):
        prompts = [table.ids_of(row)[: prompt_length(table, row)] for row in batch]
        limits = [answer_limit(table, row) for row in batch]
        texts = _written(loaded, tokenizer, prompts, limits, settings, check)
        right |= {row: final_answer(text) == answers[row] for row, text in zip(batch, texts, strict=True)}
        on_batch(len(batch))
    loaded.model.train(was_training)
    return right


def _batches(table: TokenTable, rows: np.ndarray) -> Iterator[list[int]]:
    """Rows with answers of about the same length, longest first, so that trouble with memory shows early."""
    ordered = sorted(rows.tolist(), key=lambda row: (-answer_limit(table, row), table.sample_ids[row]))
    place = 0
    while place < len(ordered):
        widest = max(prompt_length(table, row) for row in ordered[place : place + MOST_ROWS])
        size = max(1, min(MOST_ROWS, BATCH_TOKENS // (widest + answer_limit(table, ordered[place]))))
        yield ordered[place : place + size]
        place += size


@torch.no_grad()
def _written(
    loaded: LoadedModel,
    tokenizer: Any,
    prompts: list[np.ndarray],
    limits: list[int],
    settings: GenerationConfig,
    check: Callable[[], None],
) -> list[str]:
    """What the model writes after each prompt, within the limit of each."""
    width = max(len(prompt) for prompt in prompts)
    ids = torch.full((len(prompts), width), int(settings.pad_token_id), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for place, prompt in enumerate(prompts):
        ids[place, width - len(prompt) :] = torch.from_numpy(prompt.astype(np.int64))
        mask[place, width - len(prompt) :] = 1
    written = loaded.model.generate(
        input_ids=ids.to(loaded.device),
        attention_mask=mask.to(loaded.device),
        generation_config=settings,
        stopping_criteria=StoppingCriteriaList([_Stop(check, width, limits)]),
    )
    answers = [row[width : width + limit] for row, limit in zip(written.tolist(), limits, strict=True)]
    return tokenizer.batch_decode(answers, skip_special_tokens=True)


class _Stop(StoppingCriteria):
    """Ends each answer at its limit, and looks at every token whether the run is to stop."""

    def __init__(self, check: Callable[[], None], width: int, limits: list[int]) -> None:
        self.check, self.width, self.limits = check, width, torch.tensor(limits)

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        self.check()
        return (input_ids.shape[1] - self.width >= self.limits).to(input_ids.device)


def _padding(tokenizer: Any) -> int:
    return next((int(one) for one in (tokenizer.pad_token_id, tokenizer.eos_token_id) if one is not None), 0)


def _ends(tokenizer: Any, table: TokenTable, rows: np.ndarray) -> list[int]:
    """Tokens that end an answer: the tokenizer's own, and the special token that ends the responses of the data."""
    last = {int(table.ids_of(row)[-1]) for row in rows.tolist()}
    special = set(tokenizer.all_special_ids)
    own = set() if tokenizer.eos_token_id is None else {int(tokenizer.eos_token_id)}
    return sorted(own | (last & special)) or [_padding(tokenizer)]
