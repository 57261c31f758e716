"""Where a template puts the responses: character spans of the rendered text, found once and checked.

Three ways, in this order, and never the length of a separately tokenised prefix:

    generation marks    {% generation %} blocks of the template
    content marks       the assistant's content between two invisible marks; the marked rendering without its marks
                        must be the unmarked one, so a template that looks into the content or drops part is noticed
    generation prompt   text up to the turn with `add_generation_prompt` and text up to the end of the turn, both of
                        which must be prefixes of the whole (tool calls, reasoning that the template takes apart or
                        that has a field of its own)

Only the turns that are to be scored are looked for: what a template does to the others is prompt.
"""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lobass_core.errors import RenderError, cause_of
from lobass_core.records import REASONING_KEYS
from lobass_core.rendering.chat_jinja import (
    GENERATION_END,
    GENERATION_START,
    RESPONSE_END,
    RESPONSE_START,
    compile_template,
    without_marks,
)
from lobass_core.rendering.marked_text import Span, joined, spans_between, wrap_core, wrap_whole
from lobass_core.rendering.template_keys import message_keys
from lobass_core.rendering.templates import Template

_GENERATION = re.compile(r"{%[-+]?\s*generation\s*[-+]?%}")
_EMPTY_REASONING = re.compile(r"\s*(<think>\s*)?(</think>\s*)?")
# What a generation prompt ends with where it opens a reasoning for the model, or closes an empty one.
_OPEN_REASONING = re.compile(r"(<think>\s*</think>|<think>|</think>)\s*$")
_REASONING_TAG = re.compile(r"</?think>")
# Keys of a message that say nothing of their own in the response.
_SILENT_KEYS = frozenset(("role", "content", "name", "tool_call_id", "instruction", "input"))

Message = dict[str, Any]


class SpanNotFound(Exception):
    """This conversation's responses cannot be told from its prompt under this template; the text says why."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A rendered conversation and the character span of each wanted turn, end-of-turn token included."""

    text: str
    spans: tuple[Span, ...]


class ResponseFinder:
    """Renders conversations and finds their responses; `special_tokens` are those that can end a turn."""

    def __init__(
        self,
        template: Template,
        variables: dict[str, str],
        special_tokens: Sequence[str],
        tools: list[Any] | None = None,
    ) -> None:
        """Compile the template and try it on two exchanges, with `tools` where it is made for rows that offer some.

        Raises:
            RenderError: the template cannot render them, or hides where a response lies.
        """
        self.template = template
        self._compiled = compile_template(template.text)
        self.keys = message_keys(template.text)
        self._has_generation = _GENERATION.search(template.text) is not None
        self._variables = variables
        self._end_of_turn: tuple[str, ...] = ()
        self._prompt_is_prefix = False
        self._probe(special_tokens, tools)

    def find(
        self, messages: Sequence[Message], tools: list[Any] | None = None, wanted: Sequence[int] | None = None
    ) -> Marked:
        """Render the conversation and find the spans of the wanted turns (None: every assistant turn), in order.

        Raises:
            SpanNotFound: the template refuses the conversation or hides a response in it.
        """
        turns = [index for index, message in enumerate(messages) if message["role"] == "assistant"]
        wanted = turns if wanted is None else wanted
        if self._has_generation:
            marked = self._render(messages, tools)
            spans = spans_between(marked, GENERATION_START, GENERATION_END) or []
            # Some templates mark a turn in pieces: its text, then its end token.
            spans = spans if len(spans) == len(turns) else joined(spans)
            if len(spans) == len(turns):
                text, span_of = without_marks(marked), dict(zip(turns, spans, strict=True))
                if all(self._left_out(messages[index], text[slice(*span_of[index])]) == "" for index in wanted):
                    return self._closed(text, [span_of[index] for index in wanted])
        return self._unmarked(messages, tools, wanted)

    def _unmarked(self, messages: Sequence[Message], tools: list[Any] | None, wanted: Sequence[int]) -> Marked:
        """The spans where the template marks none, or not one a turn."""
        text = without_marks(self._render(messages, tools))
        # A tool call, reasoning and other fields are response too, and stand outside of the content.
        plain = [index for index in wanted if not self._speaking_keys(messages[index])]
        span_of = self._by_content(messages, tools, text, plain)
        for index in wanted:
            if index not in span_of:
                span_of[index] = self._by_prompt(messages, tools, text, index)
        return Marked(text, tuple(span_of[index] for index in wanted))

    def _speaking_keys(self, message: Message) -> set[str]:
        """Keys beside the content whose text stands in the turn: tool calls, and what the template reads."""
        return {
            key
            for key, value in message.items()
            if value
            and key not in _SILENT_KEYS
            and (
                key == "tool_calls"
                or (isinstance(value, str | list | dict) and (self.keys is None or key in self.keys))
            )
        }

    def _render(self, messages: Sequence[Message], tools: list[Any] | None, *, prompt: bool = False) -> str:
        try:
            return self._compiled.render(
                messages=messages, tools=tools, documents=None, add_generation_prompt=prompt, **self._variables
            )
        except MemoryError:
            raise
        except Exception as error:  # whatever Python's own operators raise: 1 / 0, range(10**9), [][1]
            raise SpanNotFound(f"the template rejects it: {cause_of(error)}") from error

    def _left_out(self, message: Message, text: str) -> str:
        """What a rendered turn lacks: part of its content, its reasoning, a tool that it calls; "" if nothing.

        Of several fields with reasoning a template prints one; fields that it never reads are not looked for.
        """
        calls = message.get("tool_calls") or []
        names = [str((call.get("function") or call).get("name", "")) for call in calls if isinstance(call, dict)]
        if any(name not in text for name in names):
            return "a tool call"
        speaking = self._speaking_keys(message)
        thoughts = [message[key] for key in REASONING_KEYS if key in speaking and isinstance(message[key], str)]
        if thoughts and not any(thought.strip() in text for thought in thoughts):
            return "the reasoning"
        pieces = _REASONING_TAG.split(message["content"])
        return "" if all(piece.strip() in text for piece in pieces) else "part"

    def _by_content(
        self, messages: Sequence[Message], tools: list[Any] | None, text: str, turns: Sequence[int]
    ) -> dict[int, Span]:
        """Spans of these turns by marks around their content; none where the template treats marked content apart."""
        for wrap in (wrap_whole, wrap_core):
            wrapped = list(messages)
            for index in turns:
                wrapped[index] = {**messages[index], "content": wrap(messages[index]["content"])}
            marked = self._render(wrapped, tools)
            spans = spans_between(marked, RESPONSE_START, RESPONSE_END) or []
            if len(spans) == len(turns) and without_marks(marked) == text:
                return dict(zip(turns, self._closed(text, spans).spans, strict=True))
        return {}

    def _by_prompt(self, messages: Sequence[Message], tools: list[Any] | None, text: str, index: int) -> Span:
        if not self._prompt_is_prefix:
            raise SpanNotFound(f"turn {index + 1} cannot be found in the rendered text")
        before = _begun(without_marks(self._render(messages[:index], tools, prompt=True)), text)
        through = without_marks(self._render(messages[: index + 1], tools))
        if before is None:
            raise SpanNotFound(f"the template renders turn {index + 1} differently when more turns follow")
        start = len(before)
        if text.startswith(through) and start <= len(through):
            end = max(start, len(through.rstrip()))
        else:
            # The turn looks different when it is not the last (reasoning left out): up to its end-of-turn token, then.
            ends = [text.find(ending, start) + len(ending) for ending in self._end_of_turn if ending in text[start:]]
            end = min(ends, default=start)
        missing = self._left_out(messages[index], text[start:end])
        if missing:
            is_last = all(message["role"] != "assistant" for message in messages[index + 1 :])
            advice = "" if is_last else "; --mask last scores only the last answer"
            raise SpanNotFound(f"the template leaves out {missing} of turn {index + 1}{advice}")
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

    def _probe(self, special_tokens: Sequence[str], tools: list[Any] | None) -> None:
        asked, said = "Name a colour of the rainbow.", "Violet is one of them."
        exchanges = [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
        conversation = [*exchanges, {"role": "user", "content": asked}, {"role": "assistant", "content": said}]
        for messages in (conversation, exchanges):
            try:
                marked = self.find(messages, tools)
                break
            except SpanNotFound as error:
                refusal = str(error)
        else:
            raise RenderError(
                f"template {self.template.name} does not show where the response is: {refusal}",
                where=f"{self.template.source}, in a plain exchange of a user and an assistant",
                do="Mark the response with {% generation %} ... {% endgeneration %}, or use alpaca, chatml or plain.",
            )
        if asked not in marked.text:
            raise RenderError(
                f"template {self.template.name} leaves out the user's text",
                where=self.template.source,
                do="Print the content of user messages, or use alpaca, chatml or plain.",
            )
        with contextlib.suppress(SpanNotFound):
            # Marks of a template may take in the head and the end token of a turn, which must be known without them.
            marked = self._unmarked(messages, tools, [i for i, m in enumerate(messages) if m["role"] == "assistant"])
        self._end_of_turn = _end_of_turn(marked, asked, special_tokens)
        self._prompt_is_prefix = self._ends_where_responses_start(messages[:-1], tools, marked)

    def _ends_where_responses_start(self, asked: Sequence[Message], tools: list[Any] | None, marked: Marked) -> bool:
        """Whether the generation prompt ends where a response starts, but for what the model writes before its content:
        the tags of an empty reasoning, or a channel. Of a template that adds no prompt that would be the turn's head.
        """
        try:
            unprompted = without_marks(self._render(asked, tools))
            prompted = without_marks(self._render(asked, tools, prompt=True))
        except SpanNotFound:
            return False
        before, start = _begun(prompted, marked.text), marked.spans[-1][0]
        if before is None or len(before) > start:
            return False
        adds_prompt = prompted.startswith(unprompted) and len(prompted) > len(unprompted)
        return adds_prompt or _EMPTY_REASONING.fullmatch(marked.text[len(before) : start]) is not None


def _begun(prompt: str, text: str) -> str | None:
    """The generation prompt as the text begins with it: whole, or without the reasoning that it opens or closes."""
    return next((begun for begun in (prompt, _OPEN_REASONING.sub("", prompt)) if text.startswith(begun)), None)


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
        ending = closing.match(marked.text, end)
        if ending and (number == 0 or ending.group(1) not in opening) and ending.group() not in endings:
            endings.append(ending.group())
    return tuple(endings)
