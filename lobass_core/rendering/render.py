"""Samples become token ids with the response marked; scoring and training read the same ones."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lobass_core.errors import RenderError, RequestError
from lobass_core.learnability.response_bytes import n_response_bytes
from lobass_core.records import RenderFingerprint, Sample, response_turns
from lobass_core.rendering.finders import Finder, finder_of
from lobass_core.rendering.fingerprint import tokenizer_fingerprint
from lobass_core.rendering.messages import clean, messages_of, tools_of
from lobass_core.rendering.notes import Note, notes_of
from lobass_core.rendering.response_mask import fitting_tokens, response_mask
from lobass_core.rendering.template_process import OnWait, TemplateLimitError
from lobass_core.rendering.template_rows import Row
from lobass_core.rendering.templates import Template

# Raise it whenever the same settings would give other tokens or another mask: cached losses then no longer match.
# 2: of a pair the chosen answer alone is response; a special token that swallows the white space at the start of a
# response is not; rows with tools take the template tool_use; templates get thoughts and unknown fields of turns.
RENDER_VERSION = 2
TRUNCATION_SIDE = "right"
DEFAULT_MAX_TOKENS = 2048
# Samples that become tokens together: while they do, the process of the template renders the next ones.
SAMPLES_AT_ONCE = 128

# What a template for tools is tried with: it may loop over them.
PROBE_TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Look a word up.",
        "parameters": {
            "type": "object",
            "properties": {"word": {"type": "string", "description": "The word."}},
            "required": ["word"],
        },
    },
}

RenderStatus = Literal["ok", "truncated", "no_response"]


@dataclass(frozen=True, slots=True)
class Rendered:
    """One sample as tokens.

        input_ids      [BOS] What is 2+2 ? [/INST]  4  [EOS]
        response_mask    0    0   0   0  0    0     1    1

    `offsets` holds each token's (start, end) in `text`. The first token is never response: nothing predicts it.
    `reason` says why a sample has no response; it then has no tokens, unless the response was merely empty.
    `notes` are what a person should know of it all the same (see notes.py).
    """

    sample_id: str
    text: str
    input_ids: np.ndarray
    offsets: np.ndarray
    response_mask: np.ndarray
    status: RenderStatus
    n_dropped_tokens: int = 0
    n_dropped_response_tokens: int = 0
    reason: str = ""
    notes: tuple[Note, ...] = ()

    @property
    def n_response_tokens(self) -> int:
        return int(self.response_mask.sum())

    @property
    def n_response_bytes(self) -> int:
        """Bytes of the text that the response tokens cover."""
        return n_response_bytes(self.text, self.offsets[:, 0], self.offsets[:, 1], self.response_mask)


class Renderer:
    """Renders samples with one tokenizer, template, mask rule and limit."""

    def __init__(
        self,
        tokenizer: Any,
        template: Template,
        mask_rule: str,
        max_tokens: int,
        on_wait: OnWait = lambda: None,
    ) -> None:
        """Check that the tokenizer knows where its tokens lie and that the template shows where a response does.

        `on_wait` is called several times a second while a template is waited for, and may raise.

        Raises:
            RenderError: one of them does not.
        """
        if max_tokens < 2:
            raise RequestError(f"max_tokens {max_tokens} leaves no room for a response", do="Use 2 or more.")
        if not getattr(tokenizer, "is_fast", False):
            raise RenderError(
                f"tokenizer {type(tokenizer).__name__} does not say which characters a token covers",
                where=str(getattr(tokenizer, "name_or_path", "")),
                do="Use its fast version, which is saved with a tokenizer.json.",
            )
        self.tokenizer, self.template, self.mask_rule, self.max_tokens = tokenizer, template, mask_rule, max_tokens
        self._special = sorted({str(token) for token in tokenizer.added_tokens_decoder.values() if token.special})
        # Special tokens and those that swallow the white space beside them, and what they themselves are.
        self._markers = {
            token_id: str(token)
            for token_id, token in tokenizer.added_tokens_decoder.items()
            if token.special or token.rstrip or token.lstrip
        }
        self._bos = str(tokenizer.bos_token or "")
        self._bos_id = tokenizer.bos_token_id if self._bos else None
        variables = {name: str(value) for name, value in tokenizer.special_tokens_map.items() if isinstance(value, str)}
        self._variables = {"bos_token": "", "eos_token": "", "pad_token": "", "unk_token": "", **variables}
        self._on_wait = on_wait
        self._finder = finder_of(template, self._variables, self._special, None, on_wait)
        self._of_tools: Finder | RenderError | None = None

    @property
    def fingerprint(self) -> RenderFingerprint:
        """Under which losses of two models can be compared."""
        return RenderFingerprint(
            template_text=self.template.whole_text,
            tokenizer=tokenizer_fingerprint(self.tokenizer),
            mask_rule=self.mask_rule,
            max_tokens=self.max_tokens,
            truncation_side=TRUNCATION_SIDE,
            version=RENDER_VERSION,
        )

    def render(self, samples: Sequence[Sample]) -> list[Rendered]:
        """Render the samples in order; a sample without a findable response keeps its place, with the reason.

        Raises:
            RenderError: the template goes beyond a limit at a sample.
        """
        texts_and_spans = self._texts_and_spans(samples)
        rendered: list[Rendered] = []
        for start in range(0, len(samples), SAMPLES_AT_ONCE):
            part = samples[start : start + SAMPLES_AT_ONCE]
            rendered += self._as_tokens(part, list(itertools.islice(texts_and_spans, len(part))))
        return rendered

    def _as_tokens(
        self, samples: Sequence[Sample], texts_and_spans: list[tuple[str, list[tuple[int, int]], str]]
    ) -> list[Rendered]:
        encoded = self.tokenizer(
            [text for text, _, _ in texts_and_spans],
            add_special_tokens=False,
            return_offsets_mapping=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )
        return [
            self._masked(sample, text, spans, reason, ids, offsets)
            for sample, (text, spans, reason), ids, offsets in zip(
                samples, texts_and_spans, encoded["input_ids"], encoded["offset_mapping"], strict=True
            )
        ]

    def _texts_and_spans(self, samples: Sequence[Sample]) -> Iterator[tuple[str, list[tuple[int, int]], str]]:
        """Text, spans of the response and the reason why there are none, of each sample in order."""
        plans = [self._plan(sample) for sample in samples]
        finders = list(dict.fromkeys(plan for plan in plans if not isinstance(plan, str)))
        answers = {
            finder: finder.find_all(
                (sample.sample_id, self._row(sample, finder))
                for sample, plan in zip(samples, plans, strict=True)
                if plan is finder
            )
            for finder in finders
        }
        for sample, plan in zip(samples, plans, strict=True):
            if isinstance(plan, str):
                yield self._plain_text(sample) if sample.kind == "text" else ("", [], plan)
                continue
            marked = next(answers[plan])
            if isinstance(marked, str):
                yield "", [], marked
                continue
            text, shift = self._one_bos(marked.text, already=0)
            yield text, [(start + shift, end + shift) for start, end in marked.spans], ""
        for answer in answers.values():
            next(answer, None)  # which gives the process back

    def _plan(self, sample: Sample) -> Finder | str:
        """Who renders the sample, or why nobody does."""
        if sample.kind == "text":
            return "needs no template"
        if not any(response_turns(sample.turns, sample.kind, self.mask_rule)):
            return "it has no assistant turn to score"
        try:
            return self._finder_of(sample)
        except TemplateLimitError:
            raise
        except RenderError as error:
            return str(error)

    def _plain_text(self, sample: Sample) -> tuple[str, list[tuple[int, int]], str]:
        text = clean("".join(turn.content for turn in sample.turns))
        text, start = self._one_bos(self._bos + text)
        return text, [(start, len(text))], "" if len(text) > start else "the text is empty"

    def _row(self, sample: Sample, finder: Finder) -> Row:
        wanted = [index for index, flag in enumerate(response_turns(sample.turns, sample.kind, self.mask_rule)) if flag]
        try:
            messages = messages_of(sample, finder.keys)
            has_calls = any(turn.tool_calls for turn in sample.turns)
            as_text = messages_of(sample, finder.keys, parse_arguments=False) if has_calls else None
            return messages, as_text, tools_of(sample), wanted
        except ValueError as error:
            return str(error)

    def _finder_of(self, sample: Sample) -> Finder:
        """The finder of the template that rows like this one take; the one for tools is made when a row needs it."""
        if not (self.template.tool_use and sample.tools):
            return self._finder
        if self._of_tools is None:
            of_tools = (self.template.for_tools(), self._variables, self._special, [PROBE_TOOL], self._on_wait)
            try:
                self._of_tools = finder_of(*of_tools)
            except TemplateLimitError:
                raise
            except RenderError as error:
                self._of_tools = error
        if isinstance(self._of_tools, RenderError):
            raise self._of_tools
        return self._of_tools

    def _one_bos(self, text: str, already: int | None = None) -> tuple[str, int]:
        """Text with at most one BOS at its head, and (for `already`) the shift, else the length of that head."""
        n_cut = 0
        while self._bos and text.startswith(self._bos * 2):
            text, n_cut = text[len(self._bos) :], n_cut + len(self._bos)
        if already is not None:
            return text, -n_cut
        return text, len(self._bos) if self._bos and text.startswith(self._bos) else 0

    def _masked(
        self,
        sample: Sample,
        text: str,
        spans: list[tuple[int, int]],
        reason: str,
        ids: list[int],
        offsets: list[tuple[int, int]],
    ) -> Rendered:
        input_ids = np.asarray(ids, dtype=np.int32)
        places = np.asarray(offsets, dtype=np.int32).reshape(-1, 2)
        mask = response_mask(self._own_places(text, input_ids, places), spans)
        begins_with_bos = self._bos_id is not None and len(ids) > 0 and ids[0] == self._bos_id
        keep, n_dropped = fitting_tokens(mask, self.max_tokens, begins_with_bos=begins_with_bos)
        n_response = int(mask.sum())
        input_ids, places, mask = input_ids[keep], places[keep], mask[keep]
        status: RenderStatus = "truncated" if n_dropped else "ok"
        if not mask.any():
            status, reason = "no_response", reason or "its response is empty"
        notes = notes_of(sample, self._finder_of(sample).keys) if len(input_ids) else ()
        n_lost = n_response - int(mask.sum())
        return Rendered(sample.sample_id, text, input_ids, places, mask, status, n_dropped, n_lost, reason, notes)

    def _own_places(self, text: str, input_ids: np.ndarray, places: np.ndarray) -> np.ndarray:
        """The characters of each token, without the white space that a marker swallowed: it is the response's, or the
        prompt's, whatever the marker is."""
        own = places.copy()
        for row in np.flatnonzero(np.isin(input_ids, list(self._markers))):
            start, end = places[row]
            content = self._markers[int(input_ids[row])]
            if end - start > len(content) and (at := text.find(content, start, end)) >= 0:
                own[row] = at, at + len(content)
        return own


def resolve_max_tokens(asked: int, *limits: int | None) -> int:
    """The limit to render under: as asked, else 2048 or the least of the models' own limits.

    Raises:
        RequestError: more is asked than a model can read.
    """
    known = [limit for limit in limits if limit and limit < 10**9]
    if not asked:
        return min([DEFAULT_MAX_TOKENS, *known])
    if known and asked > min(known):
        raise RequestError(
            f"{asked} tokens are more than the model's limit of {min(known)}",
            do=f"Use --max-tokens {min(known)} or less.",
        )
    return asked
