"""What each trainer does with rows without saying so, by its published rules, told beforehand with counts and rows.

Rules were established by running TRL 1.16, LLaMA-Factory 0.9.5 and Axolotl 0.19 on rows of every kind.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa

from lobass_core.exporting import row_facts as fact
from lobass_core.exporting.plan import ExportPlan
from lobass_core.exporting.row_facts import RowFacts
from lobass_core.specs import ExportFormat

Effect = Literal["written", "trained as it is", "cut", "masked", "dropped", "fails", "not written"]
# Effects after which the trainer does not learn from the row.
LOST = ("masked", "dropped", "fails", "not written")


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One rule over all rows. `what` completes "12 rows ..."; `places` point into the picks."""

    rule: str
    effect: Effect
    what: str
    why: str
    places: np.ndarray = field(default_factory=lambda: np.array([], np.int64))

    @property
    def n_rows(self) -> int:
        return len(self.places)


@dataclass(frozen=True, slots=True, eq=False)
class Preflight:
    """What would become of the rows of a selection in one format, and in the trainer that reads it ("" for none)."""

    format: ExportFormat
    trainer: str
    setting: str  # the trainer's name for its length limit
    cutoff_tokens: int
    n_rows: int
    n_without_length: int  # never scored, or cut when they were: their length is not known
    findings: tuple[Finding, ...]
    plan: ExportPlan

    @property
    def n_left(self) -> int:
        """Rows that the trainer learns from."""
        lost = [finding.places for finding in self.findings if finding.effect in LOST]
        return self.n_rows - len(np.unique(np.concatenate(lost))) if lost else self.n_rows

    def rows(self, finding: Finding, limit: int | None = None) -> list[dict]:
        """dataset, row_index and sample_id of the finding's rows (of the first `limit`), in the order of the files."""
        places = pa.array(finding.places[:limit], pa.int64())
        table = self.plan.picks.select(["source", "row_index", "sample_id"]).take(places)
        return [
            {"dataset": self.plan.sources[row.pop("source")].dataset, **row} for row in table.to_pylist()
        ]  # fmt: skip

    def to_dict(self) -> dict:
        return {
            "format": self.format,
            "trainer": self.trainer,
            "cutoff_tokens": self.cutoff_tokens,
            "n_rows": self.n_rows,
            "n_left": self.n_left,
            "n_without_length": self.n_without_length,
            "findings": [
                {
                    "rule": finding.rule,
                    "effect": finding.effect,
                    "n_rows": finding.n_rows,
                    "what": finding.what,
                    "why": finding.why,
                    "rows": [] if finding.effect == "written" else self.rows(finding),
                }
                for finding in self.findings
            ],
        }


@dataclass(frozen=True, slots=True)
class _Case:
    """The rows of one selection as the rules see them."""

    facts: RowFacts
    n_prompt: np.ndarray
    n_response: np.ndarray
    known: np.ndarray  # bool: the length is known
    cutoff: int

    def with_bits(self, bits: int) -> np.ndarray:
        return self.facts.places(bits)

    def longer(self) -> np.ndarray:
        """bool: prompt and response together pass the limit."""
        return self.known & (self.n_prompt + self.n_response > self.cutoff)

    def prompt_fills(self) -> np.ndarray:
        """bool: nothing of the one answer is left under the limit. Pairs are cut instead."""
        one = (self.facts.bits & np.uint16(fact.SEVERAL_ANSWERS | fact.PAIR)) == 0
        return self.known & one & (self.n_prompt >= self.cutoff)


def _trl(case: _Case) -> list[Finding]:
    fills = case.prompt_fills()
    findings = [
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
            "their response loses its end; raise max_length to keep it",
            np.flatnonzero(case.longer() & ~fills),
        ),
        Finding(
            "empty answer",
            "trained as it is",
            "have an empty answer",
            "the end token alone is learnt: to say nothing",
            case.with_bits(fact.EMPTY_ANSWERS | fact.SOME_EMPTY_ANSWERS),
        ),
        Finding(
            "no answer at the end",
            "trained as it is",
            "do not end with an answer",
            "TRL trains on them as they are",
            case.with_bits(fact.NOT_ENDING_WITH_ANSWER),
        ),
        Finding(
            "answer at the start",
            "trained as it is",
            "begin with the assistant",
            "TRL trains on them as they are",
            case.with_bits(fact.STARTS_WITH_ANSWER),
        ),
    ]
    chats = np.flatnonzero((case.facts.bits & np.uint16(fact.PAIR | fact.TEXT)) == 0)
    if case.facts.one_target:
        why = "the completion alone is learnt, under any chat template"
        findings.append(Finding("prompt and completion", "written", "are prompt and completion", why, chats))
    else:
        why = "train.py sets assistant_only_loss: the chat template must mark the answers with {% generation %}"
        findings.append(Finding("whole conversations", "written", "are whole conversations", why, chats))
        findings.append(
            Finding(
                "weight 0",
                "trained as it is",
                "have turns with weight 0",
                "TRL ignores weights: these turns are learnt too",
                case.with_bits(fact.WEIGHT_ZERO),
            )
        )
    return findings


def _llama_factory(case: _Case) -> list[Finding]:
    longer = case.longer()
    # `infer_seqlen` gives the answer all it needs while it takes less than half of the limit.
    answer_whole = case.n_response * 2 < case.cutoff
    return [
        Finding(
            "not in turns",
            "dropped",
            "are dropped: user and assistant do not take turns",
            "LLaMA-Factory skips a row that starts with the assistant, ends with a question or repeats a role, "
            "with one warning in its log",
            case.with_bits(fact.NOT_IN_TURNS),
        ),
        Finding(
            "prompt over the limit",
            "cut",
            f"lose the end of their prompt at {case.cutoff:,} tokens",
            "the answer is kept whole; raise cutoff_len to keep both",
            np.flatnonzero(longer & answer_whole),
        ),
        Finding(
            "answer over the limit",
            "cut",
            f"are cut at {case.cutoff:,} tokens, the answer too",
            "raise cutoff_len to keep all of it",
            np.flatnonzero(longer & ~answer_whole),
        ),
        Finding(
            "empty answer",
            "trained as it is",
            "have an empty answer",
            "the end token alone is learnt: to say nothing",
            case.with_bits(fact.EMPTY_ANSWERS | fact.SOME_EMPTY_ANSWERS),
        ),
        Finding(
            "weight 0",
            "trained as it is",
            "have turns with weight 0",
            "LLaMA-Factory ignores weights: these turns are learnt too",
            case.with_bits(fact.WEIGHT_ZERO),
        ),
        Finding(
            "text beside a tool call",
            "cut",
            "have text beside a tool call",
            "a turn is one or the other here: the call is learnt, the text is not written",
            case.with_bits(fact.TEXT_BESIDE_CALL),
        ),
        Finding(
            "reasoning beside the content",
            "cut",
            "lose their reasoning",
            "it is in a field of its own, and LLaMA-Factory reads the content alone",
            case.with_bits(fact.THOUGHTS),
        ),
    ]


def _axolotl(case: _Case) -> list[Finding]:
    return [
        Finding(
            "over the limit",
            "dropped",
            f"are dropped: longer than {case.cutoff:,} tokens",
            "raise sequence_len, or set excess_length_strategy to truncate",
            np.flatnonzero(case.longer()),
        ),
        Finding(
            "empty answer",
            "masked",
            "are masked to nothing: the answer is empty",
            "Axolotl finds no answer to train on",
            case.with_bits(fact.EMPTY_ANSWERS),
        ),
        Finding(
            "some empty answers",
            "cut",
            "have an empty answer among others",
            "Axolotl leaves that turn out",
            case.with_bits(fact.SOME_EMPTY_ANSWERS),
        ),
        Finding(
            "tool call without text",
            "cut",
            "have a tool call without text",
            "Axolotl was seen to leave such turns out of the loss",
            case.with_bits(fact.BARE_CALL),
        ),
        Finding(
            "broken arguments",
            "fails",
            "have tool arguments that are not JSON",
            "Axolotl stops at such a row",
            case.with_bits(fact.BROKEN_ARGUMENTS),
        ),
        Finding(
            "weight 0",
            "written",
            "have turns with weight 0",
            "the fragment's message_field_training leaves these turns out, which Axolotl alone would not",
            case.with_bits(fact.WEIGHT_ZERO),
        ),
        Finding(
            "no answer at the end",
            "trained as it is",
            "do not end with an answer",
            "Axolotl trains on the answers before",
            case.with_bits(fact.NOT_ENDING_WITH_ANSWER),
        ),
    ]


@dataclass(frozen=True, slots=True)
class Trainer:
    """One trainer: its name, its own limit in tokens, what it calls that, and its rules."""

    label: str
    cutoff_tokens: int
    setting: str
    rules: Callable[[_Case], list[Finding]]


TRL = Trainer("TRL", 1024, "max_length", _trl)
LLAMA_FACTORY = Trainer("LLaMA-Factory", 2048, "cutoff_len", _llama_factory)
# Axolotl has no useful default: every example sets sequence_len.
AXOLOTL = Trainer("Axolotl", 2048, "sequence_len", _axolotl)
# Who reads a format as it is. Source rows and plain tables are read by people's own scripts.
TRAINERS: dict[str, Trainer] = {
    "trl": TRL,
    "messages": TRL,
    "prompt-completion": TRL,
    "huggingface": TRL,
    "llama-factory": LLAMA_FACTORY,
    "alpaca": LLAMA_FACTORY,
    "sharegpt": LLAMA_FACTORY,
    "axolotl": AXOLOTL,
}


def judge(plan: ExportPlan, facts: RowFacts, format: ExportFormat, cutoff_tokens: int = 0) -> Preflight:
    """Apply a format's and its trainer's rules to the rows; `cutoff_tokens` 0 is the trainer's own limit.

    Lengths are those that were counted when the rows were scored: with the base model's tokenizer and that template.
    """
    trainer = TRAINERS.get(format)
    cutoff = (cutoff_tokens or trainer.cutoff_tokens) if trainer else 0
    n_prompt, n_response = (
        plan.picks[name].to_numpy(zero_copy_only=False).astype(np.int64)
        for name in ("n_prompt_tokens", "n_response_tokens")
    )
    cut_before = np.array(["truncated" in (names or "") for names in plan.picks["flags"].to_pylist()], bool)
    known = (n_response > 0) & ~cut_before
    refused = facts.refused.get(format, {})
    findings = [
        Finding("fits", "written", "rows are written", "", _without(len(known), refused)),
        *_refusals(refused, format),
    ]
    if trainer:
        case = _Case(facts, n_prompt, n_response, known, cutoff)
        findings += [_of(finding, refused) for finding in trainer.rules(case)]
    findings += [_pairs(facts, refused), _repeats(plan, refused)]
    return Preflight(
        format=format,
        trainer=trainer.label if trainer else "",
        setting=trainer.setting if trainer else "",
        cutoff_tokens=cutoff,
        n_rows=len(known),
        n_without_length=int((~known).sum()),
        findings=tuple(findings),
        plan=plan,
    )


def _without(n_rows: int, refused: dict[int, str]) -> np.ndarray:
    return np.setdiff1d(np.arange(n_rows), np.array(list(refused), np.int64))


def _of(finding: Finding, refused: dict[int, str]) -> Finding:
    """The finding without rows that the format never wrote."""
    places = np.setdiff1d(finding.places, np.array(list(refused), np.int64))
    return Finding(finding.rule, finding.effect, finding.what, finding.why, places)


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


def _pairs(facts: RowFacts, refused: dict[int, str]) -> Finding:
    why = "they stand in a file of their own, for preference training"
    return _of(Finding("pairs", "written", "are preference pairs", why, facts.places(fact.PAIR)), refused)


def _repeats(plan: ExportPlan, refused: dict[int, str]) -> Finding:
    """Rows whose conversation an earlier row of the export holds already."""
    first: dict[str, int] = {}
    again = [
        place
        for place, sample_id in enumerate(plan.picks["sample_id"].to_pylist())
        if first.setdefault(sample_id, place) != place
    ]
    why = "they are learnt more than once"
    finding = Finding("repeats", "trained as it is", "repeat a conversation", why, np.array(again, np.int64))
    return _of(finding, refused)
