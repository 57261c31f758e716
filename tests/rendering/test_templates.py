"""The built-in templates give the published texts; names and files are found or refused with a reason."""

from pathlib import Path

import pytest

from lobass_core.errors import RenderError
from lobass_core.records import Sample, Turn
from lobass_core.rendering.chat_jinja import compile_template
from lobass_core.rendering.render import Renderer
from lobass_core.rendering.templates import load_template
from tests.models import CHATML, tiny_tokenizer


def text_of(name: str, sample: Sample) -> str:
    tokenizer = tiny_tokenizer(None)
    return Renderer(tokenizer, load_template(name, tokenizer), "all", 4096).render([sample])[0].text


def test_alpaca_without_input_is_the_published_prompt():
    sample = Sample.of([Turn("user", "Name a fruit."), Turn("assistant", "Apple")])
    assert text_of("alpaca", sample) == (
        "<s>Below is an instruction that describes a task. "
        "Write a response that appropriately completes the request.\n\n"
        "### Instruction:\nName a fruit.\n\n### Response:Apple</s>"
    )


def test_alpaca_with_input_is_the_published_prompt():
    sample = Sample.of([Turn("user", "Add.\n\n1\n\n2", input="1\n\n2"), Turn("assistant", "3")])
    assert text_of("alpaca", sample) == (
        "<s>Below is an instruction that describes a task, paired with an input that provides further context. "
        "Write a response that appropriately completes the request.\n\n"
        "### Instruction:\nAdd.\n\n### Input:\n1\n\n2\n\n### Response:3</s>"
    )


def test_alpaca_takes_a_system_prompt_and_a_history():
    turns = [Turn("system", "Be brief."), Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c")]
    sample = Sample.of([*turns, Turn("assistant", "d")])
    assert text_of("alpaca", sample) == (
        "<s>Be brief.\n\n### Instruction:\na\n\n### Response:b</s>\n\n### Instruction:\nc\n\n### Response:d</s>"
    )


def test_every_other_template_reads_the_joined_content():
    sample = Sample.of([Turn("user", "Add.\n\n1", input="1"), Turn("assistant", "3")])
    assert text_of("plain", sample) == "<s>Add.\n\n1\n3</s>"
    assert text_of("chatml", sample) == (
        "<s><|im_start|>user\nAdd.\n\n1<|im_end|>\n<|im_start|>assistant\n3<|im_end|>\n"
    )


def test_no_name_takes_the_tokenizers_own_template_else_alpaca():
    own = load_template("", tiny_tokenizer(CHATML))
    assert (own.name, own.text, own.default_reason) == (
        "tokenizer",
        CHATML,
        "the tokenizer has a chat template of its own",
    )
    fallback = load_template("", tiny_tokenizer(None))
    assert (fallback.name, fallback.default_reason) == ("alpaca", "the tokenizer has no chat template")


def test_a_jinja_file_is_a_template(tmp_path: Path):
    path = tmp_path / "mine.jinja"
    path.write_text("{% for m in messages %}{{ m.role }}>{{ m.content }}\n{% endfor %}", encoding="utf-8")
    template = load_template(str(path), tiny_tokenizer(None))
    assert (template.name, template.source) == ("mine.jinja", str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no template"),
        ("{% for m in messages %}", "not valid Jinja"),
        ("{% for m in messages %}{{ m.content | upper }}{% endfor %}", "leaves out what the user says"),
        ("{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}", "does not show"),
        ("{% for m in messages %}{{ m.content.nothing.at_all }}{% endfor %}", "does not show"),
        ("{% for m in messages %}{% if m.role == 'assistant' %}{{ m.content }}{% endif %}{% endfor %}", "leaves out"),
        ("{{ ''.__class__.__mro__ }}", "does not show"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused(tmp_path: Path, text: str | None, message: str):
    path = tmp_path / "bad.jinja"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    tokenizer = tiny_tokenizer(None)
    with pytest.raises(RenderError, match=message):
        Renderer(tokenizer, load_template(str(path), tokenizer), "all", 100)


def test_a_clock_in_a_template_stands_still():
    assert compile_template("{{ strftime_now('%d %b %Y') }}").render() == "26 Jul 2024"
