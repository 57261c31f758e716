"""A tokenizer whose `apply_chat_template` runs in the process for templates of strangers."""

from contextlib import ExitStack
from typing import Any, Self

from lobass_core.rendering.template_process import OnWait, Overrun, overrun_error, template_process
from lobass_core.rendering.template_rows import REFUSED
from lobass_core.rendering.templates import BUILT_IN


class TemplateRefused(Exception):
    """The template raised an error over a conversation; the text says which."""


class _Stop(BaseException):
    """Carries an error out of code that takes every Exception for a refusal of the template."""


class GuardedTokenizer:
    """The tokenizer in everything but `apply_chat_template`, which gives text alone, of transformers' own renderer.

    `on_wait` is called while a template is waited for; what it raises comes out of the `with` block. `sample` is named
    where the template goes beyond a limit. A template of our own renders in this process.
    """

    def __init__(self, tokenizer: Any, on_wait: OnWait) -> None:
        self._tokenizer, self._on_wait = tokenizer, on_wait
        self._held = ExitStack()
        self._process: Any = None
        self.sample = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: Any) -> None:
        self._held.__exit__(kind, error, trace)
        if isinstance(error, _Stop) and error.__cause__ is not None:
            raise error.__cause__

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)

    def __call__(self, *texts: Any, **settings: Any) -> Any:
        """Texts as tokens."""
        return self._tokenizer(*texts, **settings)

    def apply_chat_template(
        self, conversation: list[dict], tools: list | None = None, chat_template: str | None = None, **settings: Any
    ) -> str:
        """The conversation as text.

        Raises:
            TemplateRefused: the template has no place for it, or fails.
        """
        assert not settings.pop("tokenize"), "texts are compared"
        text = self._tokenizer.get_chat_template(chat_template, tools)
        if text in BUILT_IN.values():
            asked = {**settings, "chat_template": text, "tokenize": False}
            return self._tokenizer.apply_chat_template(conversation, tools, **asked)
        known = self._tokenizer.special_tokens_map.items()
        named = {name: str(token) for name, token in known if isinstance(token, str)}
        try:
            if self._process is None:
                self._process = self._held.enter_context(template_process("apply", ()))
                self._process.opened(self._on_wait)
            (answer,) = self._process.answers([(text, conversation, tools, {**named, **settings})], self._on_wait)
        except Overrun as overrun:
            raise _Stop from overrun_error(overrun.limit, "of the export", "chat_template.jinja", self.sample)
        except Exception as error:
            raise _Stop from error
        if answer.kind == REFUSED:
            raise TemplateRefused(answer.text)
        return answer.text
