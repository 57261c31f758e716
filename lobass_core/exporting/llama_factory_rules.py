"""What LLaMA-Factory does with rows: established by running LLaMA-Factory 0.9.5 on rows of every kind.

It renders with templates of its own, so that lengths are near those that were scored, not equal to them; it drops no
row for its length.
"""

import numpy as np

from lobass_core.exporting import row_facts as fact
from lobass_core.exporting.case import Case, empty_answers
from lobass_core.exporting.findings import Finding
from lobass_core.exporting.lengths import UNKNOWN

OWN_TEMPLATE = "; lengths are those of the scored template, which are close to LLaMA-Factory's own"


def llama_factory(case: Case) -> list[Finding]:
    """The formattings sharegpt and alpaca."""
    lengths, longer = case.lengths, case.longer()
    n_response = np.where(lengths.last != UNKNOWN, lengths.end - lengths.last, lengths.total - lengths.first)
    # `infer_seqlen` gives the answer all it needs while it takes less than half of the limit.
    answer_whole = (lengths.first != UNKNOWN) & (n_response * 2 < case.cutoff)
    not_in_turns = fact.NOT_IN_TURNS | (fact.PARALLEL_RESULTS if case.format == "sharegpt" else 0)
    return [
        Finding(
            "not in turns",
            "dropped",
            "are dropped: user and assistant do not take turns",
            "LLaMA-Factory skips a row that starts with the assistant, ends with a question or repeats a role, "
            "with one warning in its log",
            case.places(not_in_turns),
        ),
        Finding(
            "prompt over the limit",
            "cut",
            f"lose the end of their prompt at {case.cutoff:,} tokens",
            f"the answer is kept in full; raise cutoff_len to keep both{OWN_TEMPLATE}",
            np.flatnonzero(longer & answer_whole),
        ),
        Finding(
            "answer over the limit",
            "cut",
            f"are cut at {case.cutoff:,} tokens, including the answer",
            f"raise cutoff_len to keep all of it{OWN_TEMPLATE}",
            np.flatnonzero(longer & ~answer_whole),
        ),
        empty_answers(case.places(fact.EMPTY_ANSWERS | fact.SOME_EMPTY_ANSWERS | fact.EMPTY_CHOSEN)),
        Finding(
            "weight 0",
            "trained as it is",
            "have answers with weight 0",
            "LLaMA-Factory ignores weights and trains on these answers too",
            case.places(fact.WEIGHT_ZERO),
        ),
        Finding(
            "reasoning beside the content",
            "cut",
            "lose their reasoning",
            "it is in a separate field, and LLaMA-Factory reads only the content",
            case.places(fact.THOUGHTS),
        ),
        Finding(
            "other fields of turns",
            "written",
            "have other fields on their turns",
            "a turn in this format has only a role and a text; the other fields are left out",
            case.places(fact.TURN_FIELDS if case.format in ("alpaca", "llama-factory") else 0),
        ),
    ]
