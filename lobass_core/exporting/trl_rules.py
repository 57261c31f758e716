"""What TRL does with rows: established by running TRL 1.16 on rows of every kind."""

import numpy as np

from lobass_core.exporting import row_facts as fact
from lobass_core.exporting.case import Case, empty_answers, unknown_lengths
from lobass_core.exporting.findings import Finding
from lobass_core.exporting.lengths import UNKNOWN

AS_IT_IS = "TRL trains on them as they are"
# What a chat template may put before an answer, in tokens: a pair of texts is that much shorter in TRL.
FRAME_TOKENS = 64


def trl(case: Case) -> list[Finding]:
    """SFTTrainer, and DPOTrainer for pairs: what is dropped, cut and learnt."""
    first, at_least = case.answer_from()
    total = case.lengths.kept_total if case.format == "tokens" else case.lengths.total
    is_text = case.has(fact.TEXT)
    reach = np.maximum(first, at_least)
    fills = (reach >= case.cutoff + (FRAME_TOKENS if _reads_texts(case) else 0)) & ~is_text
    unclear = ((first == UNKNOWN) | (reach >= case.cutoff)) & ~fills & ~((total != UNKNOWN) & (total <= case.cutoff))
    unclear &= ~is_text
    return [
        Finding(
            "prompt over the limit",
            "dropped",
            f"are dropped: the prompt alone fills {case.cutoff:,} tokens",
            "raise max_length, or leave them out",
            np.flatnonzero(fills),
        ),
        Finding(
            "answer over the limit",
            "cut",
            f"are cut at {case.cutoff:,} tokens",
            "the response loses its end; raise max_length to keep it",
            np.flatnonzero((total > case.cutoff) & ~fills & ~unclear),
        ),
        *unknown_lengths(case, np.flatnonzero(unclear)),
        empty_answers(case.places(fact.EMPTY_ANSWERS | fact.SOME_EMPTY_ANSWERS | fact.EMPTY_CHOSEN)),
        Finding(
            "no answer at the end",
            "trained as it is",
            "do not end with an answer",
            AS_IT_IS,
            case.places(fact.NOT_ENDING_WITH_ANSWER),
        ),
        Finding(
            "answer at the start",
            "trained as it is",
            "start with the assistant",
            AS_IT_IS,
            case.places(fact.STARTS_WITH_ANSWER),
        ),
        *(_whats_learnt(case) if case.format != "tokens" else []),
    ]


def _reads_texts(case: Case) -> bool:
    return case.format == "prompt-completion" and case.facts.text_pairs


def _whats_learnt(case: Case) -> list[Finding]:
    chats = np.flatnonzero(~case.has(fact.PAIR | fact.TEXT))
    weights = Finding(
        "weight 0",
        "trained as it is",
        "have answers with weight 0",
        "TRL ignores weights and trains on these answers too",
        case.places(fact.WEIGHT_ZERO),
    )
    if case.format == "trl":
        name, what = (
            ("prompt and completion", "are prompt and completion")
            if case.facts.one_target
            else ("whole conversations", "are whole conversations")
        )
        scored = case.lengths.kept_total.max(initial=UNKNOWN) != UNKNOWN
        tokens = "the tokens that were scored, and trains on the scored answers" if scored else "tokens"
        why = f"train.py turns them into {tokens}"
        return [Finding(name, "written", what, why, chats)]
    if case.format == "prompt-completion":
        earlier = Finding(
            "earlier answers",
            "cut",
            "have earlier answers",
            "these become part of the prompt and are not trained on; the formats trl and tokens include them in "
            "training",
            case.places(fact.SEVERAL_ANSWERS),
        )
        last = Finding(
            weights.rule,
            weights.effect,
            "end with an answer of weight 0",
            "it is the completion, so TRL trains on it anyway",
            case.places(fact.LAST_WEIGHT_ZERO),
        )
        texts = Finding(
            "pairs of texts",
            "trained as it is",
            "are pairs of texts, which TRL reads without the chat template",
            "the formats trl, huggingface and tokens keep what was scored",
            chats if case.facts.text_pairs else np.array([], np.int64),
        )
        return [earlier, last, texts]
    if case.marks_answers:
        why = "set assistant_only_loss=True: without it TRL also trains on the questions"
    else:
        why = (
            "TRL also trains on the questions: the chat template does not mark the answers with {% generation %}, "
            "which assistant_only_loss needs. The formats trl and tokens train only on the answers"
        )
    return [Finding("whole conversations", "written", "are whole conversations", why, chats), weights]
