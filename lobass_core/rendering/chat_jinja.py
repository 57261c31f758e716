"""Jinja in the conventions of Hugging Face chat templates, with marks that show where a response lies.

A template comes from a hub and is not trusted: it runs in Jinja's immutable sandbox and sees plain JSON values.
"""

import datetime
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jinja2
import jinja2.ext
from jinja2 import nodes
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

# Unicode noncharacters: never in text that is meant to be read, and no tokenizer or template treats them as special.
RESPONSE_START, RESPONSE_END = "\ufdd0", "\ufdd1"
GENERATION_START, GENERATION_END = "\ufdd2", "\ufdd3"
MARKS = (RESPONSE_START, RESPONSE_END, GENERATION_START, GENERATION_END)

# Llama 3.1 and others print today's date into the system prompt. A loss must not depend on the day it was computed:
# this is the date that those templates print where no clock is given.
_TEMPLATE_DATE = datetime.date(2024, 7, 26)


class _Generation(jinja2.ext.Extension):
    """`{% generation %}...{% endgeneration %}`: the body, between two marks."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_marked"), [], [], body).set_lineno(line)

    def _marked(self, caller: Callable[[], str]) -> str:
        return f"{GENERATION_START}{caller()}{GENERATION_END}"


class TemplateRefusal(jinja2.exceptions.TemplateError):
    """The template called `raise_exception`: it has no place for this conversation."""


def _raise_exception(message: str) -> None:
    raise TemplateRefusal(message)


def fixed_date(pattern: str) -> str:
    """The date that every template prints, in its own form."""
    return _TEMPLATE_DATE.strftime(pattern)


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False
) -> str:
    # Jinja's own filter escapes HTML characters, which no model was trained on.
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


@lru_cache(maxsize=1)
def template_environment() -> ImmutableSandboxedEnvironment:
    """The sandbox with everything that Hugging Face's templates may use."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = fixed_date
    return environment


@lru_cache(maxsize=32)
def compile_template(text: str) -> jinja2.Template:
    """Compile a chat template.

    Raises:
        jinja2.TemplateSyntaxError: the text is not Jinja.
    """
    return template_environment().from_string(text)


def without_marks(text: str) -> str:
    """The text as a model reads it."""
    for mark in MARKS:
        text = text.replace(mark, "")
    return text
