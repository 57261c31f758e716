"""The records that travel between rooms: turns, samples and the fingerprints of models and renderings."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lobass_core.words.loss_columns import BASE as BASE
from lobass_core.words.loss_columns import REFERENCE as REFERENCE

Role = Literal["system", "user", "assistant", "tool"]
SampleKind = Literal["chat", "text", "preference"]
LossStatus = Literal["ok", "truncated", "no_response", "non_finite"]
Verdict = Literal["keep", "drop", "undecided"]

# Where published rows keep the thoughts of a turn that stand beside its content. Chat templates read one of them each.
REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")
# Optional fields of a turn in the order in which its JSON has them. A new one goes to the end: a turn without it then
# keeps its JSON text, and its sample keeps its id.
_OPTIONAL = ("name", "tool_calls", "tool_call_id", "weight", "extra", "input", *REASONING_KEYS)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `tool_calls` is the JSON text of OpenAI's array; `extra` the JSON object of unknown keys.

    `weight` 0 keeps an assistant turn out of the response mask. `input` is Alpaca's second field: `content` is then
    `instruction + "\n\n" + input`, what every other template reads, and `alpaca` splits it again (None: no input).
    It is part of the identity, because the published prompts with and without input differ. So are the thoughts beside
    the content, under the key that the row has them.
    """

    role: str
    content: str
    name: str | None = None
    tool_calls: str | None = None
    tool_call_id: str | None = None
    weight: float | None = None
    extra: str | None = None
    input: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    thinking: str | None = None

    @property
    def is_answer(self) -> bool:
        """Whether the model that is trained says it."""
        return self.role == "assistant"

    @property
    def is_learnt(self) -> bool:
        """Whether it is an answer, and no weight of 0 keeps it out of the training."""
        return self.is_answer and self.weight != 0

    @property
    def thoughts(self) -> dict[str, str]:
        """The thoughts that stand beside the content, by their key."""
        return {key: text for key in REASONING_KEYS if (text := getattr(self, key)) is not None}

    @property
    def instruction(self) -> str:
        """`content` without Alpaca's input; the whole content where there is none."""
        return self.content if self.input is None else self.content.removesuffix(f"\n\n{self.input}")


@dataclass(frozen=True, slots=True)
class Sample:
    """One conversation, known by the hash of its canonical turns.

    chat        turns are the conversation; `response_turns` says which of them are the response.
    text        one assistant turn that holds the whole text; every token after BOS is response.
    preference  turns end with the chosen response; `rejected` is the continuation that lost, in place of that response.
    """

    sample_id: str
    turns: tuple[Turn, ...]
    kind: SampleKind = "chat"
    tools: str | None = None
    rejected: tuple[Turn, ...] = ()

    @classmethod
    def of(
        cls,
        turns: Sequence[Turn],
        *,
        kind: SampleKind = "chat",
        tools: str | None = None,
        rejected: Sequence[Turn] = (),
    ) -> "Sample":
        """Build a sample and its id from its parts."""
        turns, rejected = tuple(turns), tuple(rejected)
        return cls(sample_id_of(turns, kind, tools, rejected), turns, kind, tools, rejected)


def response_turns(turns: Sequence[Turn], kind: str, mask_rule: str = "all") -> list[bool]:
    """Which turns are response, the rule of every room: answers that are learnt, all of them or, for `last`, the last.

    Of a pair it is the last one under either rule, the chosen answer: what stands before it belongs to both sides.
    Where the last answer has a weight of 0, a rule that asks for the last one finds none. An exported train.py stands
    alone and says the same over again (`rendering/exported_rows.py`).
    """
    response = [turn.is_learnt for turn in turns]
    if mask_rule == "last" or kind == "preference":
        last = max((index for index, turn in enumerate(turns) if turn.is_answer), default=-1)
        response = [value and index == last for index, value in enumerate(response)]
    return response


def turn_to_dict(turn: Turn, *, with_extra: bool = True) -> dict:
    """The turn with its set fields only, in a fixed order; tool calls and extra stay JSON text."""
    row: dict = {"role": turn.role, "content": turn.content}
    for name in _OPTIONAL:
        value = getattr(turn, name)
        if value is not None and (with_extra or name != "extra"):
            row[name] = value
    return row


def turns_to_json(turns: Sequence[Turn], *, with_extra: bool = True) -> str:
    """Compact JSON text of the turns, as the store and the run folders keep it."""
    return json.dumps(
        [turn_to_dict(turn, with_extra=with_extra) for turn in turns], ensure_ascii=False, separators=(",", ":")
    )


def turns_from_json(text: str) -> tuple[Turn, ...]:
    """Inverse of `turns_to_json`."""
    return tuple(Turn(**row) for row in json.loads(text))


def sample_id_of(turns: Sequence[Turn], kind: str, tools: str | None, rejected: Sequence[Turn]) -> str:
    """sha256 (hex) of what a model would read: turns, tools and pair, without unknown keys.

    The order of keys in tools and in their calls does not count: files and libraries change it on the way.
    """
    text = _turns_identity(turns)
    if kind != "chat" or tools or rejected:
        text = json.dumps([kind, text, _tools_identity(tools), _turns_identity(rejected)], ensure_ascii=False)
    # Published files hold unpaired surrogates ("\ud83d" cut off by a crawler); they hash as themselves.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _turns_identity(turns: Sequence[Turn]) -> str:
    if any(turn.tool_calls for turn in turns):
        turns = [replace(turn, tool_calls=_calls_identity(turn.tool_calls)) for turn in turns]
    return turns_to_json(turns, with_extra=False)


def _calls_identity(text: str | None) -> str | None:
    """Tool calls with the keys of each in OpenAI's order, further ones and those of the arguments in the alphabet's."""
    try:
        calls = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return text
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        return text
    return json.dumps([_call_identity(call) for call in calls], ensure_ascii=False, separators=(",", ":"))


def _call_identity(call: dict) -> dict:
    function = call.get("function")
    if isinstance(function, dict) and isinstance(arguments := function.get("arguments"), str):
        try:
            known = json.loads(arguments)
        except (ValueError, RecursionError):
            known = None
        if isinstance(known, dict | list):
            function = {**function, "arguments": json.dumps(known, ensure_ascii=False, sort_keys=True)}
    call = _ordered(call, ("id", "type"), ("function",))
    return {**call, "function": _ordered(function, ("name",), ("arguments",))} if isinstance(function, dict) else call


def _ordered(row: dict, first: tuple[str, ...], last: tuple[str, ...]) -> dict:
    rest = sorted(key for key in row if key not in first and key not in last)
    return {key: row[key] for key in (*first, *rest, *last) if key in row}


def _tools_identity(text: str | None) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"), sort_keys=True) if text else ""
    except (ValueError, RecursionError):
        return text or ""


def _short_hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ModelFingerprint:
    """What decides a model's losses: the bytes of its weights, adapter and tokenizer, and the compute dtype."""

    weights: str
    tokenizer: str
    dtype: str
    adapter: str = ""

    @property
    def fp(self) -> str:
        """16 hex digits that name the model in the store and in shards."""
        return _short_hash("model", self.weights, self.tokenizer, self.dtype, self.adapter)


@dataclass(frozen=True, slots=True)
class RenderFingerprint:
    """What decides the tokens: template text, tokenizer, mask rule, limit, truncation side, renderer version."""

    template_text: str
    tokenizer: str
    mask_rule: str
    max_tokens: int
    truncation_side: str
    version: int

    @property
    def fp(self) -> str:
        """16 hex digits; losses of two models are comparable only under the same one."""
        return _short_hash(
            "render",
            self.template_text,
            self.tokenizer,
            self.mask_rule,
            str(self.max_tokens),
            self.truncation_side,
            str(self.version),
        )
