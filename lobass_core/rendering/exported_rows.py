"""Rows of an export as token ids and labels, as they were scored. Each exported train.py holds a copy of this."""

import json
import re
from collections.abc import Iterator
from typing import Any

_UNUSABLE = re.compile("[\ud800-\udfff\ufdd0-\ufdd3]")
_START, _END = "\ufdd0", "\ufdd1"
# {% generation %} as a macro's block, so that what it holds can be seen in the text.
_MARKED = f"{{%- macro marked_answer() %}}{_START}{{{{ caller() }}}}{_END}{{%- endmacro %}}\n"
_OPENING = re.compile(r"({%[-+]?)\s*generation\s*([-+]?%})")
_CLOSING = re.compile(r"({%[-+]?)\s*endgeneration\s*([-+]?%})")
# What trainers read beside the chat template, and keys that say nothing of their own in an answer.
_NEVER_PASSED = ("weight", "training")
_SILENT = ("role", "content", "name", "tool_call_id", "instruction", "input")
_OPEN_REASONING = re.compile(r"(<think>\s*</think>|<think>|</think>)\s*$")
_NAMED_TOKENS = ("bos_token", "eos_token", "pad_token", "unk_token")


def as_templates_read(message: dict, *, parse: bool = True) -> dict:
    """A message without the nulls that Arrow adds to it, and with the arguments of its tool calls as objects."""
    read = {key: value for key, value in message.items() if value is not None and key not in _NEVER_PASSED}
    read = {key: _clean(value) for key, value in read.items()}
    if "tool_calls" in read:
        calls = read["tool_calls"]
        calls = json.loads(calls) if isinstance(calls, str) else without_nulls(calls)
        read["tool_calls"] = [_parsed(call) for call in calls] if parse else calls
    if "input" in read:
        read["instruction"] = read["content"].removesuffix("\n\n" + read["input"])
    return read


def _clean(value: Any) -> Any:
    return _UNUSABLE.sub("\ufffd", value) if isinstance(value, str) else value


def without_nulls(value: Any) -> Any:
    """The value without keys that are null."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def _parsed(call: dict) -> dict:
    function = call.get("function") or {}
    try:
        arguments = json.loads(function["arguments"])
    except (KeyError, TypeError, ValueError):
        return call
    return {**call, "function": {**function, "arguments": arguments}} if isinstance(arguments, dict) else call


class RowsAsTokens:
    """Turns a row into `input_ids` and `labels`: -100 everywhere but on the answers that are to be learnt.

    `mask_rule` "last" learns the last answer alone, and so does a pair under either rule. A row whose answers cannot be
    found in the text has no labels.
    """

    def __init__(self, tokenizer: Any, mask_rule: str = "all") -> None:
        self.tokenizer, self.mask_rule = tokenizer, mask_rule
        self._bos = tokenizer.bos_token or ""
        special = sorted({str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}, key=len)
        self._closing = re.compile(r"\s*(" + ("|".join(map(re.escape, reversed(special))) or "(?!)") + ")")
        added = tokenizer.added_tokens_decoder.items()
        self._greedy = {number: str(token) for number, token in added if token.rstrip or token.lstrip}
        self._endings: list[str] = []
        self._marking_template = ""
        if isinstance(tokenizer.chat_template, str) and _OPENING.search(tokenizer.chat_template):
            opened = _OPENING.sub(r"\1 call marked_answer() \2", tokenizer.chat_template)
            self._marking_template = _MARKED + _CLOSING.sub(r"\1 endcall \2", opened)
        if tokenizer.chat_template:
            self._endings = self._find_endings()

    @property
    def has_greedy_markers(self) -> bool:
        """Whether some special token swallows the white space beside it."""
        return bool(self._greedy)

    def __call__(self, row: dict) -> dict[str, list[int]]:
        text, spans = self.text_and_spans(row)
        return self.tokens(text, spans)

    def answered(self, row: dict) -> list[int]:
        """The tokens of the row up to the end of its last answer: what follows, such as a line break, is not learnt."""
        made = self(row)
        learnt = [place for place, label in enumerate(made["labels"]) if label != -100]
        return made["input_ids"][: learnt[-1] + 1] if learnt else made["input_ids"]

    def tokens(self, text: str, spans: list[tuple[int, int]]) -> dict[str, list[int]]:
        """The text as tokens, those with a character in one of the spans labelled."""
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        ids = list(encoded["input_ids"])
        is_learnt = [False] * len(ids)
        last_end = 0
        for place, (start, end) in enumerate(encoded["offset_mapping"]):
            marker = self._greedy.get(ids[place], "")
            if marker and (at := text.find(marker, start, end)) >= 0:
                start, end = at, at + len(marker)  # without the white space that the marker swallowed
            # A token without characters of its own stands for what lies between the one before and itself.
            first = min(last_end, start) if start == end else start
            is_learnt[place] = place > 0 and any(
                first < right and end > left if first < end else left <= first < right for left, right in spans
            )
            last_end = max(last_end, end)
        return {
            "input_ids": ids,
            "labels": [one if learnt else -100 for one, learnt in zip(ids, is_learnt, strict=True)],
        }

    def text_and_spans(self, row: dict) -> tuple[str, list[tuple[int, int]]]:
        """The row as the model reads it, and where in that text the answers lie."""
        if row.get("text") is not None:
            text = self._one_bos(self._bos + _UNUSABLE.sub("\ufffd", row["text"]))
            return text, [(len(self._bos), len(text))]
        messages = row.get("messages") or [*row["prompt"], *(row.get("completion") or row["chosen"])]
        messages = json.loads(messages) if isinstance(messages, str) else messages
        tools = json.loads(_UNUSABLE.sub("\ufffd", row["tools"])) if row.get("tools") else None
        tools = [tools] if isinstance(tools, dict) else tools
        answers = [place for place, message in enumerate(messages) if message["role"] == "assistant"]
        wanted = [messages[place].get("weight") != 0 for place in answers]
        if self.mask_rule == "last" or row.get("chosen"):
            wanted = [flag and place == answers[-1] for flag, place in zip(wanted, answers, strict=True)]
        spans: list[tuple[int, int] | None] = []
        for parse in (True, False):
            # Most templates want arguments as objects; those that join them to a text want them as they are.
            read = [as_templates_read(message, parse=parse) for message in messages]
            try:
                text = self._render(read, tools)
                spans = self._spans(read, tools, text, answers)
            except Exception:
                if not parse:
                    raise
                continue
            if None not in spans:
                break
        short = self._one_bos(text)
        cut = len(text) - len(short)
        if None in spans:
            return short, []
        found = [(span[0] - cut, span[1] - cut) for span in spans if span]
        return short, [span for span, flag in zip(found, wanted, strict=True) if flag]

    def _render(
        self, messages: list[dict], tools: list | None, *, prompt: bool = False, template: str | None = None
    ) -> str:
        named = {name: self.tokenizer.special_tokens_map.get(name) or "" for name in _NAMED_TOKENS}
        return self.tokenizer.apply_chat_template(
            messages, tools=tools, chat_template=template, tokenize=False, add_generation_prompt=prompt, **named
        )

    def _spans(
        self, messages: list[dict], tools: list | None, text: str, answers: list[int]
    ) -> list[tuple[int, int] | None]:
        """Where each answer lies: by the template's marks, by marks around its content, or by the text without it."""
        marked_by_template = self._spans_of_template(messages, tools, text, answers)
        if marked_by_template:
            return [self._closed(text, span) for span in marked_by_template]
        # Tool calls, reasoning and other fields are part of the answer and stand outside of its content.
        plain = [place for place in answers if not any(v for key, v in messages[place].items() if key not in _SILENT)]
        found: dict[int, tuple[int, int] | None] = {}
        for trimmed in (False, True):
            marked = list(messages)
            for place in plain:
                marked[place] = {**messages[place], "content": _marked(messages[place]["content"], trimmed)}
            rendered = self._render(marked, tools)
            pieces = list(_between_marks(rendered))
            if len(pieces) == len(plain) and rendered.translate(_NO_MARKS) == text:
                found = {place: self._closed(text, span) for place, span in zip(plain, pieces, strict=True)}
                break
        for place in answers:
            if place not in found:
                found[place] = self._by_prompt(messages, tools, text, place)
        return [found[place] for place in answers]

    def _spans_of_template(
        self, messages: list[dict], tools: list | None, text: str, answers: list[int]
    ) -> list[tuple[int, int]]:
        """What the template marks as answers, one span an answer; none where it marks otherwise, or leaves part out."""
        if not self._marking_template:
            return []
        rendered = self._render(messages, tools, template=self._marking_template)
        spans = list(_between_marks(rendered))
        if len(spans) != len(answers):
            spans = _joined(spans)
        if len(spans) != len(answers) or rendered.translate(_NO_MARKS) != text:
            return []
        for place, (start, end) in zip(answers, spans, strict=True):
            pieces = re.split("</?think>", messages[place]["content"])
            if any(piece.strip() not in text[start:end] for piece in pieces):
                return []
        return spans

    def _by_prompt(self, messages: list[dict], tools: list | None, text: str, place: int) -> tuple[int, int] | None:
        before = self._render(messages[:place], tools, prompt=True)
        if not text.startswith(before):
            # The generation prompt opens a reasoning, or closes an empty one, that this answer does not have.
            before = _OPEN_REASONING.sub("", before)
        start = len(before)
        through = self._render(messages[: place + 1], tools)
        if text.startswith(before) and text.startswith(through):
            return start, max(start, len(through.rstrip()))
        # The turn looks different when it is not the last: up to what closes it, then.
        ends = [text.find(ending, start) + len(ending) for ending in self._endings if ending in text[start:]]
        return (start, min(ends)) if text.startswith(before) and ends else None

    def _closed(self, text: str, span: tuple[int, int]) -> tuple[int, int]:
        """The span with the token that ends the turn."""
        for ending in self._endings:
            if text.startswith(ending, span[1]):
                return span[0], span[1] + len(ending)
        return span

    def _find_endings(self) -> list[str]:
        """What closes a turn of this template, tried on two exchanges."""
        asked = "Name a colour of the rainbow."
        exchange = [{"role": "user", "content": asked}, {"role": "assistant", "content": "Violet is one of them."}]
        for messages in ([*exchange, *exchange], exchange):
            try:
                text = self._render(messages, None)
                spans = self._spans(messages, None, text, list(range(1, len(messages), 2)))
            except Exception:
                continue
            opening = text[: text.find(asked)]
            found = []
            for number, span in enumerate(reversed([span for span in spans if span])):
                match = self._closing.match(text, span[1])
                if match and (number == 0 or match.group(1) not in opening) and match.group() not in found:
                    found.append(match.group())
            return found
        return []

    def _one_bos(self, text: str) -> str:
        while self._bos and text.startswith(self._bos * 2):
            text = text[len(self._bos) :]
        return text


_NO_MARKS = {ord(_START): None, ord(_END): None}


def _marked(content: str, trimmed: bool) -> str:
    """The content between two marks; `trimmed`: inside the outer white space, which many templates remove."""
    core = content.strip() if trimmed else content
    start = content.index(core) if core else len(content)
    return content[:start] + _START + core + _END + content[start + len(core) :]


def _between_marks(text: str) -> Iterator[tuple[int, int]]:
    """Spans between the marks, in the text without them."""
    for number, match in enumerate(re.finditer(f"{_START}(.*?){_END}", text, re.DOTALL)):
        start = match.start() - 2 * number
        yield start, start + len(match.group(1))


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans, those that touch as one."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
