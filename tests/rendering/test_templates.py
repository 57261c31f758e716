"""The built-in templates give the published texts; names and files are found or refused with a reason."""

import json
import os
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from lobass_core.errors import LobassError, RenderError
from lobass_core.records import Sample, Turn
from lobass_core.rendering.chat_jinja import compile_template
from lobass_core.rendering.notes import counted, sentences
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
        "the tokenizer has its own chat template",
    )
    fallback = load_template("", tiny_tokenizer(None))
    assert (fallback.name, fallback.default_reason) == ("alpaca", "the tokenizer has no chat template")


NAMED = {
    "default": CHATML,
    "tool_use": "{{ '[' ~ (tools | length) ~ ' tools]' }}" + CHATML,
    "rag": "{{ '[documents]' }}" + CHATML,
}
TOOLS = '[{"type":"function","function":{"name":"f"}}]'


def test_rows_with_tools_take_the_template_for_tools(tmp_path: Path):
    tokenizer = tiny_tokenizer(None)
    tokenizer.chat_template = NAMED
    tokenizer.save_pretrained(tmp_path)
    assert (tmp_path / "additional_chat_templates" / "tool_use.jinja").is_file()
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    template = load_template("", loaded)
    assert (template.text, template.tool_use) == (NAMED["default"], NAMED["tool_use"])
    assert template.label == "tokenizer (default; tool_use for rows with tools)"
    turns = [Turn("user", "a"), Turn("assistant", "b")]
    plain, tooled = Renderer(loaded, template, "all", 512).render([Sample.of(turns), Sample.of(turns, tools=TOOLS)])
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert plain.text == loaded.apply_chat_template(messages, tokenize=False)
    assert tooled.text == loaded.apply_chat_template(messages, tools=json.loads(TOOLS), tokenize=False)
    assert tooled.text == "[1 tools]" + plain.text
    for item in (plain, tooled):
        scored = "".join(item.text[start:end] for start, end in item.offsets[item.response_mask])
        assert scored == "b<|im_end|>"


def test_templates_in_a_list_of_the_config_are_found_by_name(tmp_path: Path):
    tiny_tokenizer(None).save_pretrained(tmp_path)
    path = tmp_path / "tokenizer_config.json"
    listed = [{"name": name, "template": text} for name, text in NAMED.items()]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": listed}), encoding="utf-8")
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert load_template("tokenizer", loaded).tool_use == NAMED["tool_use"]
    chosen = load_template("rag", loaded)
    assert (chosen.name, chosen.text, chosen.tool_use, chosen.label) == ("rag", NAMED["rag"], "", "rag")
    with pytest.raises(RenderError, match="Use alpaca, chatml, plain, tokenizer, default, tool_use, rag"):
        load_template("rags", loaded)


def test_named_templates_without_a_default_are_a_question():
    tokenizer = tiny_tokenizer(None)
    tokenizer.chat_template = {"rag": CHATML, "tool_use": CHATML}
    with pytest.raises(RenderError, match=r"has the templates rag, tool_use, but none is called default"):
        load_template("", tokenizer)
    assert load_template("rag", tokenizer).text == CHATML


def test_the_template_for_tools_is_part_of_the_fingerprint():
    tokenizer = tiny_tokenizer(None)

    def fp(chat_template) -> str:
        tokenizer.chat_template = chat_template
        return Renderer(tokenizer, load_template("", tokenizer), "all", 512).fingerprint.fp

    alone = fp(CHATML)
    assert fp({"default": CHATML}) == fp({"default": CHATML, "rag": "{{ x }}"}) == alone
    assert fp({"default": CHATML, "tool_use": CHATML}) != alone


def test_a_template_for_tools_that_hides_the_response_costs_the_rows_with_tools_only():
    tokenizer = tiny_tokenizer(None)
    hides = "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}"
    tokenizer.chat_template = {"default": CHATML, "tool_use": hides}
    turns = [Turn("user", "a"), Turn("assistant", "b")]
    renderer = Renderer(tokenizer, load_template("", tokenizer), "all", 512)
    plain, tooled = renderer.render([Sample.of(turns), Sample.of(turns, tools=TOOLS)])
    assert (plain.status, tooled.status) == ("ok", "no_response")
    assert tooled.reason.startswith("template tokenizer (tool_use) does not show where the response is")


def test_unknown_fields_that_the_template_reads_are_passed_on():
    text = (
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% if m.plan %}{{ m.plan + ': ' }}{% endif %}"
        "{{ m.content + '<|im_end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    )
    tokenizer = tiny_tokenizer(text)
    planned = Turn("assistant", "b", extra='{"plan":"first c","unread":"never","content_parts":["b"]}')
    (item,) = Renderer(tokenizer, load_template("", tokenizer), "all", 512).render(
        [Sample.of([Turn("user", "a", extra='{"plan":null}'), planned])]
    )
    assert item.text == "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nfirst c: b<|im_end|>\n"
    scored = "".join(item.text[start:end] for start, end in item.offsets[item.response_mask])
    assert scored == "first c: b<|im_end|>"
    assert sentences(counted([item.notes, item.notes])) == [
        "2 samples with the field 'plan' on a turn, which the template reads. "
        "Samples that differ only in this field count as one."
    ]


def test_thoughts_that_the_template_does_not_read_are_told():
    sample = Sample.of([Turn("user", "a"), Turn("assistant", "b", thinking="hm")])
    tokenizer = tiny_tokenizer(CHATML)
    (item,) = Renderer(tokenizer, load_template("", tokenizer), "all", 512).render([sample])
    assert (item.status, "hm" in item.text) == ("ok", False)
    assert sentences(counted([item.notes])) == [
        "1 sample with reasoning in the field 'thinking', which the template does not read. "
        "It is in neither the prompt nor the response."
    ]


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
        ("{% for m in messages %}{{ m.content | upper }}{% endfor %}", "leaves out the user's text"),
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


def test_a_pipe_is_no_template(tmp_path):
    os.mkfifo(tmp_path / "a.jinja")
    (tmp_path / "long.jinja").write_text("x" * ((1 << 20) + 1))

    with pytest.raises(LobassError, match=r"this is a pipe \(FIFO\), not a file"):
        load_template(str(tmp_path / "a.jinja"), None)
    with pytest.raises(LobassError, match="the file is larger than 1 MB"):
        load_template(str(tmp_path / "long.jinja"), None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x" * ((1 << 20) + 1), "template tokenizer is longer than 1 MB"),
        ("{{ " + "(" * 100_000, "template tokenizer is not valid Jinja: maximum recursion depth"),
        ("{{ a" + " + a" * 20_000 + " }}", "template tokenizer cannot be compiled"),
        ("{{ messages | no_such_filter }}", "template tokenizer is not valid Jinja: No filter named 'no_such_filter'"),
    ],
    ids=["long", "deep", "wide", "unknown-filter"],
)
def test_a_template_that_cannot_be_compiled_is_named(text, reason):
    tokenizer = tiny_tokenizer(text)

    with pytest.raises(RenderError, match=reason):
        Renderer(tokenizer, load_template("", tokenizer), "all", 512)
