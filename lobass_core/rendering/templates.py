"""Templates that turn a conversation into text: the tokenizer's own, three built-in ones, or a Jinja file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from lobass_core.errors import RenderError, cause_of
from lobass_core.files.named_files import is_there, read_small, size_text
from lobass_core.rendering.chat_jinja import template_environment

# The Stanford Alpaca prompts (tatsu-lab/stanford_alpaca, train.py), with and without input. Later exchanges repeat
# only the headings; a system prompt takes the place of the introductory sentence.
ALPACA = """\
{{- bos_token }}
{%- if messages and messages[0]['role'] == 'system' %}
    {%- set introduction = messages[0]['content'] %}
    {%- set conversation = messages[1:] %}
{%- else %}
    {%- set introduction = '' %}
    {%- set conversation = messages %}
{%- endif %}
{%- if tools %}
    {{- raise_exception('the alpaca prompt has no place for tools') }}
{%- endif %}
{%- for message in conversation %}
    {%- if message['tool_calls'] or message['role'] == 'tool' %}
        {{- raise_exception('the alpaca prompt has no place for tool calls') }}
    {%- elif message['role'] == 'user' %}
        {%- if loop.first %}
            {%- if introduction %}
                {{- introduction + '\\n\\n' }}
            {%- elif message['input'] %}
                {{- 'Below is an instruction that describes a task, paired with an input ' }}
                {{- 'that provides further context. Write a response that appropriately completes the request.\\n\\n' }}
            {%- else %}
                {{- 'Below is an instruction that describes a task. ' }}
                {{- 'Write a response that appropriately completes the request.\\n\\n' }}
            {%- endif %}
        {%- else %}
            {{- '\\n\\n' }}
        {%- endif %}
        {%- if message['input'] %}
            {{- '### Instruction:\\n' + message['instruction'] + '\\n\\n### Input:\\n' + message['input'] }}
        {%- else %}
            {{- '### Instruction:\\n' + message['content'] }}
        {%- endif %}
        {{- '\\n\\n### Response:' }}
    {%- elif message['role'] == 'assistant' %}
        {%- if loop.first %}
            {{- (introduction + '\\n\\n' if introduction else '') + '### Response:' }}
        {%- endif %}
        {%- generation %}{{- message['content'] + eos_token }}{%- endgeneration %}
    {%- else %}
        {{- '\\n\\n' + message['content'] }}
    {%- endif %}
{%- endfor %}
"""

CHATML = """\
{{- bos_token }}
{%- if tools %}
    {{- '<|im_start|>system\\nTools: ' + tools | tojson + '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\\n' }}
    {%- if message['role'] == 'assistant' %}
        {%- generation %}
            {{- message['content'] }}
            {%- for call in message['tool_calls'] or [] %}
                {{- ('\\n' if message['content'] or not loop.first else '') + '<tool_call>\\n' }}
                {{- (call['function'] or call) | tojson + '\\n</tool_call>' }}
            {%- endfor %}
            {{- '<|im_end|>' }}
        {%- endgeneration %}
    {%- else %}
        {{- message['content'] + '<|im_end|>' }}
    {%- endif %}
    {{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

PLAIN = """\
{{- bos_token }}
{%- if tools %}
    {{- raise_exception('the plain template has no place for tools') }}
{%- endif %}
{%- for message in messages %}
    {%- if message['tool_calls'] %}
        {{- raise_exception('the plain template has no place for tool calls') }}
    {%- elif message['role'] == 'assistant' %}
        {%- generation %}{{- message['content'] + eos_token }}{%- endgeneration %}
        {{- '' if loop.last else '\\n' }}
    {%- else %}
        {{- message['content'] + '\\n' }}
    {%- endif %}
{%- endfor %}
"""

BUILT_IN = {"alpaca": ALPACA, "chatml": CHATML, "plain": PLAIN}


# The longest published template has 60 KB.
MAX_TEMPLATE_BYTES = 1 << 20
# The names that `apply_chat_template` knows, of a tokenizer that has several templates.
DEFAULT, TOOL_USE = "default", "tool_use"


@dataclass(frozen=True, slots=True)
class Template:
    """A chat template's text, where it comes from (built-in, tokenizer or a path) and, for a default, why.

    `tool_use` is the text for rows that offer tools, where the tokenizer has one of its own for them; "" if not.
    """

    name: str
    text: str
    source: str
    default_reason: str = ""
    tool_use: str = ""

    @property
    def label(self) -> str:
        """The name as people read it, with the names of both texts where there are two."""
        return f"{self.name} ({DEFAULT}; {TOOL_USE} for rows with tools)" if self.tool_use else self.name

    @property
    def whole_text(self) -> str:
        """All that decides a rendering, for the fingerprint."""
        return f"{self.text}\x1f{self.tool_use}" if self.tool_use else self.text

    def for_tools(self) -> "Template":
        """The template as rows with tools are rendered."""
        return Template(f"{self.name} ({TOOL_USE})", self.tool_use or self.text, self.source)


def load_template(name_or_path: str, tokenizer: Any) -> Template:
    """The template of that name or file; of "", the tokenizer's own chat template, else `alpaca`.

    A tokenizer may have several by name (`default`, `tool_use`, `rag`); one of them is taken by its name.

    Raises:
        RenderError: no such name or file, or the text is not Jinja.
    """
    template = _find(name_or_path.strip(), tokenizer)
    if len(template.whole_text) > MAX_TEMPLATE_BYTES:
        raise RenderError(
            f"template {template.name} is longer than {size_text(MAX_TEMPLATE_BYTES)}",
            where=template.source,
            do="Use another --template: alpaca, chatml or plain.",
        )
    try:
        # Parsed, not compiled: that computes constants, and "a" * 10**10 is one.
        for text in (template.text, template.tool_use):
            template_environment().parse(text)
    except (jinja2.TemplateSyntaxError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, jinja2.TemplateSyntaxError) else ""
        raise RenderError(
            f"template {template.name} is not valid Jinja: {cause_of(error)}",
            where=f"{template.source}{line}",
            do="Fix it, or use a built-in template: alpaca, chatml, plain.",
        ) from error
    return template


def _find(name: str, tokenizer: Any) -> Template:
    named = _named_templates(tokenizer)
    if name in BUILT_IN:
        return Template(name, BUILT_IN[name], "built-in")
    if name in named and len(named) > 1:
        return Template(name, named[name], "tokenizer")
    if not name and not named:
        return Template("alpaca", ALPACA, "built-in", "the tokenizer has no chat template")
    if name in ("", "tokenizer"):
        reason = "" if name else "the tokenizer has its own chat template"
        return _own(named, reason)
    path = Path(name)
    if not is_there(path):
        own = "".join(f", {choice}" for choice in named if len(named) > 1)
        raise RenderError(
            f"there is no template {name!r}",
            do=f"Use alpaca, chatml, plain, tokenizer{own}, or the path of a Jinja file.",
        )
    try:
        return Template(path.name, read_small(path, MAX_TEMPLATE_BYTES).decode("utf-8-sig"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise RenderError(f"template {path.name} cannot be read: {error}", where=str(path)) from error


def _own(named: dict[str, str], reason: str) -> Template:
    """The tokenizer's own template, as `apply_chat_template` chooses it."""
    if not named:
        raise RenderError("the tokenizer has no chat template", do="Use --template alpaca, chatml or plain.")
    if DEFAULT not in named:
        names = ", ".join(sorted(named))
        raise RenderError(
            f"the tokenizer has the templates {names}, but none is called {DEFAULT}",
            do=f"Choose one, such as --template {min(named)}.",
        )
    return Template("tokenizer", named[DEFAULT], "tokenizer", reason, named.get(TOOL_USE, ""))


def own_template(tokenizer: Any) -> str:
    """The text of the tokenizer's own chat template; empty where it has none, or none called default."""
    return _named_templates(tokenizer).get(DEFAULT, "")


def _named_templates(tokenizer: Any) -> dict[str, str]:
    """The tokenizer's chat templates by name; a single one is called default."""
    template = getattr(tokenizer, "chat_template", None)
    named = template if isinstance(template, dict) else {DEFAULT: template}
    return {name: text for name, text in named.items() if text}
