"""What Axolotl does with rows: established by running Axolotl 0.19 on rows of every kind."""

import numpy as np

from lobass_core.exporting import row_facts as fact
from lobass_core.exporting.case import Case, unknown_lengths
from lobass_core.exporting.findings import Finding
from lobass_core.exporting.lengths import UNKNOWN

# What a chat template may put around an answer, in tokens.
FRAME_TOKENS = 32


def axolotl(case: Case) -> list[Finding]:
    """`chat_template`, and `chat_template.default` under `rl: dpo` for pairs."""
    return [
        *_lengths(case),
        Finding(
            "empty answer",
            "masked",
            "are fully masked: the answer is empty",
            "Axolotl finds no answer to train on",
            case.places(fact.EMPTY_ANSWERS),
        ),
        Finding(
            "some empty answers",
            "cut",
            "have an empty answer among others",
            "Axolotl skips that turn",
            case.places(fact.SOME_EMPTY_ANSWERS),
        ),
        Finding(
            "empty chosen answer",
            "trained as it is",
            "have an empty chosen answer",
            "Axolotl replaces it with a placeholder and trains on that",
            case.places(fact.EMPTY_CHOSEN),
        ),
        Finding(
            "broken arguments",
            "fails",
            "have tool arguments that are not JSON",
            "Axolotl stops with an error at such a row",
            case.places(fact.BROKEN_ARGUMENTS),
        ),
        Finding(
            "weight 0",
            "written",
            "have answers with weight 0",
            "message_field_training in the fragment excludes these answers",
            case.places(fact.WEIGHT_ZERO),
        ),
        Finding(
            "no answer at the end",
            "trained as it is",
            "do not end with an answer",
            "Axolotl trains on the earlier answers",
            case.places(fact.NOT_ENDING_WITH_ANSWER),
        ),
    ]


def _lengths(case: Case) -> list[Finding]:
    total, first = case.lengths.total, case.lengths.first
    is_pair = case.has(fact.PAIR)
    # Of the rejected answer only the bytes are known, and a token has at least one.
    other = np.where(first != UNKNOWN, first + case.facts.rejected_bytes + FRAME_TOKENS, np.iinfo(np.int64).max)
    longer = case.longer()
    unclear = ~longer & ((total == UNKNOWN) | (is_pair & (other > case.cutoff)))
    return [
        Finding(
            "over the limit",
            "dropped",
            f"are dropped: longer than {case.cutoff:,} tokens",
            "raise sequence_len, or set excess_length_strategy to truncate",
            np.flatnonzero(longer),
        ),
        *unknown_lengths(case, np.flatnonzero(unclear & ~is_pair)),
        Finding(
            "length of the rejected answer not known",
            "unknown",
            "have a rejected answer of unknown length",
            f"Axolotl drops a pair if either side is longer than {case.cutoff:,} tokens, and the chosen one was scored",
            np.flatnonzero(unclear & is_pair),
        ),
    ]
