"""Where a template puts the responses: character spans of the rendered text, found once and checked.

Three ways, in this order, and never the length of a separately tokenised prefix:

    generation marks    {% generation %} blocks of the template
    content marks       the assistant's content between two invisible marks; the marked rendering without its marks
                        must be the unmarked one, so a template that looks into the content or drops part is noticed
    generation prompt   text up to the turn with `add_generation_prompt` and text up to the end of the turn, both of
                        which must be prefixes of the whole (tool calls, reasoning that the template takes apart)
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from lobass_core.errors import RenderError
from lobass_core.rendering.chat_jinja import (
    GENERATION_END,
    GENERATION_START,
    RESPONSE_END,
    RESPONSE_START,
    compile_template,
    without_marks,
)
from lobass_core.rendering.templates import Template

_GENERATION = re.compile(r"{%[-+]?\s*generation\s*[-+]?%}")
_EMPTY_REASONING = re.compile(r"\s*(<think>\s*)?(</think>\s*)?")
_REASONING_TAG = re.compile(r"</?think>")

Span = tuple[int, int]
Message = dict[str, Any]


class SpanNotFound(Exception):
    """This conversation's responses cannot be told from its prompt under this template; the text says why."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A rendered conversation and the character span of each assistant turn, end-of-turn token included."""

    text: str
    spans: tuple[Span, ...]


class ResponseFinder:
    """Renders conversations and finds their responses; `special_tokens` are those that can end a turn."""

    def __init__(self, template: Template, variables: dict[str, str], special_tokens: Sequence[str]) -> None:
        """Compile the template and try it on two exchanges.

        Raises:
            RenderError: the template cannot render them, or hides where a response lies.
        """
        self.template = template
        self._compiled = compile_template(template.text)
        self._has_generation = _GENERATION.search(template.text) is not None
        self._variables = variables
        self._end_of_turn: tuple[str, ...] = ()
        self._prompt_is_prefix = False
        self._probe(special_tokens)

    def find(self, messages: Sequence[Message], tools: list[Any] | None = None) -> Marked:
        """Render the conversation and find the span of each assistant turn, in order.

        Raises:
            SpanNotFound: the template refuses the conversation or hides a response in it.
        """
        if self._has_generation:
            marked = self._render(messages, tools)
            spans = _spans_between(marked, GENERATION_START, GENERATION_END)
            if spans is not None and self._plausible(messages, spans, without_marks(marked)):
                return self._closed(without_marks(marked), spans)
        text = without_marks(self._render(messages, tools))
        turns = [index for index, message in enumerate(messages) if message["role"] == "assistant"]
        # A tool call is response too, and stands outside of the content.
        plain = [index for index in turns if not messages[index].get("tool_calls")]
        found = self._by_content(messages, tools, text, plain)
        for index in turns:
            if index not in found:
                found[index] = self._by_prompt(messages, tools, text, index)
        return Marked(text, tuple(found[index] for index in turns))

    def _render(self, messages: Sequence[Message], tools: list[Any] | None, *, prompt: bool = False) -> str:
        try:
            return self._compiled.render(
                messages=messages, tools=tools, documents=None, add_generation_prompt=prompt, **self._variables
            )
        except (jinja2.TemplateError, TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
            raise SpanNotFound(f"the template refuses it: {error}") from error

    @staticmethod
    def _plausible(messages: Sequence[Message], spans: Sequence[Span], text: str) -> bool:
        """One block an assistant turn, each holding what the turn says."""
        turns = [message for message in messages if message["role"] == "assistant"]
        return len(turns) == len(spans) and all(
            _says_all(turn, text[start:end]) for turn, (start, end) in zip(turns, spans, strict=True)
        )

    def _by_content(
        self, messages: Sequence[Message], tools: list[Any] | None, text: str, turns: Sequence[int]
    ) -> dict[int, Span]:
        """Spans of these turns by marks around their content; none where the template treats marked content apart."""
        for wrap in (_wrap_whole, _wrap_core):
            wrapped = list(messages)
            for index in turns:
                wrapped[index] = {**messages[index], "content": wrap(messages[index]["content"])}
            marked = self._render(wrapped, tools)
            spans = _spans_between(marked, RESPONSE_START, RESPONSE_END) or []
            if len(spans) == len(turns) and without_marks(marked) == text:
                return dict(zip(turns, self._closed(text, spans).spans, strict=True))
        return {}

    def _by_prompt(self, messages: Sequence[Message], tools: list[Any] | None, text: str, index: int) -> Span:
        if not self._prompt_is_prefix:
            raise SpanNotFound(f"turn {index + 1} cannot be found in the rendered text")
        before = without_marks(self._render(messages[:index], tools, prompt=True))
        through = without_marks(self._render(messages[: index + 1], tools))
        if not text.startswith(before):
            raise SpanNotFound(f"the template renders turn {index + 1} in another way when more turns follow")
        start = len(before)
        if text.startswith(through) and start <= len(through):
            end = max(start, len(through.rstrip()))
        else:
            # The turn looks different when it is not the last (reasoning left out): up to its end-of-turn token, then.
            ends = [text.find(ending, start) + len(ending) for ending in self._end_of_turn if ending in text[start:]]
            end = min(ends, default=start)
        if not _says_all(messages[index], text[start:end]):
            raise SpanNotFound(f"the template leaves out part of turn {index + 1}")
        return start, end

    def _closed(self, text: str, spans: Sequence[Span]) -> Marked:
        """Each span with the end-of-turn token that follows it."""
        closed = []
        for start, end in spans:
            for ending in self._end_of_turn:
                if text.startswith(ending, end):
                    end += len(ending)
                    break
            closed.append((start, end))
        return Marked(text, tuple(closed))

    def _probe(self, special_tokens: Sequence[str]) -> None:
        asked, said = "Name a colour of the rainbow.", "Violet is one of them."
        exchanges = [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
        conversation = [*exchanges, {"role": "user", "content": asked}, {"role": "assistant", "content": said}]
        for messages in (conversation, exchanges):
            try:
                marked = self.find(messages)
                break
            except SpanNotFound as error:
                refusal = str(error)
        else:
            raise RenderError(
                f"template {self.template.name} does not show where a response lies: {refusal}",
                where=f"{self.template.source}, in a plain exchange of a user and an assistant",
                do="Mark the response with {% generation %} ... {% endgeneration %}, or use alpaca, chatml or plain.",
            )
        if asked not in marked.text:
            raise RenderError(
                f"template {self.template.name} leaves out what the user says",
                where=self.template.source,
                do="Print the content of user messages, or use alpaca, chatml or plain.",
            )
        self._end_of_turn = _end_of_turn(marked, asked, special_tokens)
        self._prompt_is_prefix = self._ends_where_responses_start(messages[:-1], marked)

    def _ends_where_responses_start(self, asked: Sequence[Message], marked: Marked) -> bool:
        """Whether the generation prompt ends where a response starts, but for the tags of an empty reasoning."""
        try:
            before = without_marks(self._render(asked, None, prompt=True))
        except SpanNotFound:
            return False
        start = marked.spans[-1][0]
        between = marked.text[len(before) : start]
        return (
            marked.text.startswith(before) and len(before) <= start and _EMPTY_REASONING.fullmatch(between) is not None
        )


def _says_all(message: Message, text: str) -> bool:
    """Whether a rendered turn holds all of its content, reasoning tags aside, and names every tool that it calls."""
    calls = message.get("tool_calls") or []
    names = [(call.get("function") or call).get("name", "") for call in calls if isinstance(call, dict)]
    pieces = [piece.strip() for piece in _REASONING_TAG.split(message["content"])]
    return all(piece in text for piece in (*pieces, *map(str, names)))


def _wrap_whole(content: str) -> str:
    return f"{RESPONSE_START}{content}{RESPONSE_END}"


def _wrap_core(content: str) -> str:
    """Marks inside the outer white space, which many templates trim."""
    core = content.strip()
    start = content.index(core) if core else len(content)
    return f"{content[:start]}{RESPONSE_START}{core}{RESPONSE_END}{content[start + len(core) :]}"


def _spans_between(marked: str, opening: str, closing: str) -> list[Span] | None:
    """Spans in the text without marks; None where the marks do not alternate or there are none."""
    spans, position, start = [], 0, -1
    for piece in re.split(f"([{opening}{closing}])", marked):  # the other marks take no room
        if piece == opening and start < 0:
            start = position
        elif piece == closing and start >= 0:
            spans.append((start, position))
            start = -1
        elif piece in (opening, closing):
            return None
        else:
            position += len(without_marks(piece))
    return spans if spans and start < 0 else None


def _end_of_turn(marked: Marked, asked: str, special_tokens: Sequence[str]) -> tuple[str, ...]:
    """The special tokens that close a response, with the white space before them.

    What follows the last response closes a turn. What follows an earlier one does too, unless it is what opens the
    user's turn and so stands before the first question as well.
    """
    if not special_tokens:
        return ()
    longest_first = sorted(special_tokens, key=len, reverse=True)
    closing = re.compile(r"\s*(" + "|".join(re.escape(token) for token in longest_first) + ")")
    opening = marked.text[: marked.text.index(asked)]
    endings = []
    for number, (_, end) in enumerate(reversed(marked.spans)):
        found = closing.match(marked.text, end)
        if found and (number == 0 or found.group(1) not in opening) and found.group() not in endings:
            endings.append(found.group())
    return tuple(endings)
