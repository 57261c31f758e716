"""What each trainer does with rows without saying so, by its published rules, told beforehand with counts and rows."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lobass_core.exporting import row_facts as fact
from lobass_core.exporting.axolotl_rules import axolotl
from lobass_core.exporting.case import Case
from lobass_core.exporting.findings import Finding, Preflight
from lobass_core.exporting.lengths import Lengths
from lobass_core.exporting.llama_factory_rules import llama_factory
from lobass_core.exporting.plan import ExportPlan
from lobass_core.exporting.row_facts import RowFacts
from lobass_core.exporting.trl_rules import trl
from lobass_core.specs import ExportFormat


@dataclass(frozen=True, slots=True)
class Trainer:
    """One trainer: its name, its own limit in tokens, what it calls that, and its rules."""

    label: str
    cutoff_tokens: int
    setting: str
    rules: Callable[[Case], list[Finding]]


TRL = Trainer("TRL", 1024, "max_length", trl)
LLAMA_FACTORY = Trainer("LLaMA-Factory", 2048, "cutoff_len", llama_factory)
# Axolotl has no useful default: every example sets sequence_len.
AXOLOTL = Trainer("Axolotl", 2048, "sequence_len", axolotl)
# Who reads a format as it is. Source rows and plain tables are read by people's own scripts.
TRAINERS: dict[str, Trainer] = {
    "trl": TRL,
    "messages": TRL,
    "prompt-completion": TRL,
    "huggingface": TRL,
    "tokens": TRL,
    "llama-factory": LLAMA_FACTORY,
    "alpaca": LLAMA_FACTORY,
    "sharegpt": LLAMA_FACTORY,
    "axolotl": AXOLOTL,
}


def judge(
    plan: ExportPlan, facts: RowFacts, lengths: Lengths, format: ExportFormat, cutoff_tokens: int = 0
) -> Preflight:
    """Apply a format's and its trainer's rules to the rows; `cutoff_tokens` 0 is the trainer's own limit.

    Lengths are those that the rows had when they were scored: with the base model's tokenizer and that template.
    """
    trainer = TRAINERS.get(format)
    cutoff = (cutoff_tokens or trainer.cutoff_tokens) if trainer else 0
    n_rows = plan.picks.num_rows
    refused = facts.refused.get(format, {})
    gone = np.array(list(refused), np.int64)
    template = str(plan.facts.get("render", {}).get("chat_template", ""))
    findings = [Finding("fits", "written", "rows are written", "", np.setdiff1d(np.arange(n_rows), gone))]
    findings += _refusals(refused, format)
    if trainer:
        case = Case(facts, lengths, format, cutoff, marks_answers="generation" in template)
        findings += [finding.without(gone) for finding in trainer.rules(case)]
    if format != "tokens":
        findings.append(_pairs(facts).without(gone))
    findings += [_other_ids(facts, format).without(gone), _repeats(plan).without(gone)]
    return Preflight(
        format=format,
        trainer=trainer.label if trainer else "",
        setting=trainer.setting if trainer else "",
        cutoff_tokens=cutoff,
        n_rows=n_rows,
        findings=tuple(findings),
        plan=plan,
    )


def _refusals(refused: dict[int, str], format: str) -> list[Finding]:
    """One finding a reason, the most frequent first."""
    return [
        Finding(
            "does not fit",
            "not written",
            f"do not fit {format}",
            reason,
            np.array([place for place, why in refused.items() if why == reason], np.int64),
        )
        for reason, _ in Counter(refused.values()).most_common()
    ]


def _pairs(facts: RowFacts) -> Finding:
    why = "they are written to a separate file for preference training; their score is that of the chosen answer"
    return Finding("pairs", "written", "are preference pairs", why, facts.places(fact.PAIR))


def _other_ids(facts: RowFacts, format: str) -> Finding:
    why = "the format writes some of their fields differently, so decisions on these samples no longer apply to them"
    places = np.array(facts.other_ids.get(format, []), np.int64)
    return Finding("other samples", "other id", "become other samples when the export is imported again", why, places)


def _repeats(plan: ExportPlan) -> Finding:
    """Rows whose conversation an earlier row of the export holds already."""
    first: dict[str, int] = {}
    again = [
        place
        for place, sample_id in enumerate(plan.picks["sample_id"].to_pylist())
        if first.setdefault(sample_id, place) != place
    ]
    why = "the model trains on them more than once"
    return Finding("repeats", "trained as it is", "repeat a conversation", why, np.array(again, np.int64))
