"""The response is found exactly, under templates of every habit, or the sample is refused."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobass_core.records import Sample, Turn
from lobass_core.rendering.render import Rendered, Renderer
from lobass_core.rendering.templates import BUILT_IN, Template
from tests.models import CHATML, tiny_tokenizer

SPECIAL = ["<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>", "<start_of_turn>", "<end_of_turn>"]
LLAMA2 = (
    "{% for m in messages %}{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + m['content'] | trim + ' [/INST]' }}"
    "{% elif m['role'] == 'assistant' %}{{ ' ' + m['content'] | trim + ' ' + eos_token }}{% endif %}{% endfor %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' "
    "+ m['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "{% set role = 'model' if m.role == 'assistant' else m.role %}"
    "{{ '<start_of_turn>' + role + '\n' + m.content | trim + '<end_of_turn>\n' }}{% endfor %}"
)
VICUNA = (
    "{% for m in messages %}{% if m.role == 'assistant' %}{{ 'ASSISTANT: ' + m.content + eos_token + '\n' }}"
    "{% else %}{{ m.role | upper + ': ' + m.content + '\n' }}{% endif %}{% endfor %}"
)
MARKED = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% if m.role == 'assistant' %}"
    "{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}"
    "{{ '<|im_end|>\n' }}{% endfor %}"
)
REASONING = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% set c = m.content %}"
    "{% if m.role == 'assistant' %}{% set thought = '' %}{% if '</think>' in c %}"
    "{% set thought = c.split('</think>')[0].split('<think>')[-1].strip() %}"
    "{% set c = c.split('</think>')[-1].strip() %}"
    "{% endif %}{% if loop.last %}{{ '<think>\n' + thought + '\n</think>\n\n' + c }}{% else %}{{ c }}{% endif %}"
    "{% for call in m.tool_calls or [] %}{{ '<tool_call>' + (call.function | tojson) + '</tool_call>' }}{% endfor %}"
    "{% else %}{{ c }}{% endif %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TEMPLATES = {
    **BUILT_IN,
    "chatml-own": CHATML,
    "llama2": LLAMA2,
    "llama3": LLAMA3,
    "gemma": GEMMA,
    "vicuna": VICUNA,
    "marked": MARKED,
    "reasoning": REASONING,
}
END = {
    "alpaca": "</s>",
    "chatml": "<|im_end|>",
    "plain": "</s>",
    "chatml-own": "<|im_end|>",
    "llama2": " </s>",
    "llama3": "<|eot_id|>",
    "gemma": "<end_of_turn>",
    "vicuna": "</s>",
    "marked": "<|im_end|>",
    "reasoning": "<|im_end|>",
}
TRIMS = {"llama2", "llama3", "gemma"}


def tokenizer():
    made = tiny_tokenizer(None)
    made.add_special_tokens({"additional_special_tokens": SPECIAL})
    return made


TOKENIZER = tokenizer()
RENDERERS = {name: Renderer(TOKENIZER, Template(name, text, "test"), "all", 4096) for name, text in TEMPLATES.items()}


def response_text(item: Rendered) -> str:
    """Characters that the response tokens cover."""
    scored = item.offsets[item.response_mask]
    # Several byte tokens can share one character.
    return "".join(item.text[place] for place in sorted({place for pair in scored for place in range(*pair)}))


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_response_is_the_answer_and_its_end_token(name: str):
    # The answer stands in the question too, and there twice.
    sample = Sample.of([Turn("user", "Is it 4 or 4?"), Turn("assistant", "4")])
    (item,) = RENDERERS[name].render([sample])
    assert item.status == "ok"
    # Llama 2 puts a space before the answer that merges with it.
    assert response_text(item).removeprefix(" ") == "4" + END[name]
    assert TOKENIZER.decode(item.input_ids) == item.text


@pytest.mark.parametrize("name", TEMPLATES)
def test_all_assistant_turns_or_the_last(name: str):
    turns = [Turn("user", "a"), Turn("assistant", "one"), Turn("user", "b"), Turn("assistant", "two")]
    sample = Sample.of(turns)
    (item,) = RENDERERS[name].render([sample])
    assert response_text(item).replace(" ", "") == ("one" + END[name] + "two" + END[name]).replace(" ", "")
    last = Renderer(TOKENIZER, Template(name, TEMPLATES[name], "test"), "last", 4096).render([sample])[0]
    assert response_text(last).replace(" ", "") == ("two" + END[name]).replace(" ", "")
    assert last.text == item.text


def test_a_turn_of_weight_0_is_read_but_not_scored():
    turns = [
        Turn("user", "a"),
        Turn("assistant", "one", weight=0),
        Turn("user", "b"),
        Turn("assistant", "two", weight=1),
    ]
    (item,) = RENDERERS["chatml"].render([Sample.of(turns)])
    assert response_text(item) == "two<|im_end|>"
    assert "one" in item.text


text = st.text(st.characters(codec="utf-8", exclude_characters="<>|\ufdd0\ufdd1\ufdd2\ufdd3"), max_size=30)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(TEMPLATES)), st.lists(st.tuples(text, text.filter(str.strip)), min_size=1, max_size=3))
def test_any_text_any_template(name: str, exchanges: list[tuple[str, str]]):
    turns = [turn for asked, said in exchanges for turn in (Turn("user", asked), Turn("assistant", said))]
    (item,) = RENDERERS[name].render([Sample.of(turns)])
    assert item.status == "ok", item.reason
    covered = response_text(item)
    position = 0
    for _, said in exchanges:
        wanted = said.strip() if name in TRIMS else said
        position = covered.index(wanted, position) + len(wanted)
        assert covered.startswith(END[name], position)
        position += len(END[name])


def test_tool_calls_are_response_and_tool_results_are_not():
    call = [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}]
    turns = [
        Turn("user", "Rain?"),
        Turn("assistant", "", tool_calls=json.dumps(call)),
        Turn("tool", "sunny", tool_call_id="1"),
        Turn("assistant", "No."),
    ]
    sample = Sample.of(turns, tools=json.dumps([{"type": "function", "function": {"name": "weather"}}]))
    (item,) = RENDERERS["chatml"].render([sample])
    assert response_text(item) == (
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call><|im_end|>No.<|im_end|>'
    )
    (own,) = RENDERERS["reasoning"].render([sample])
    assert response_text(own) == (
        '<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call><|im_end|>No.<|im_end|>'
    )


def test_a_template_that_would_lose_a_tool_call_refuses_the_sample():
    call = json.dumps([{"type": "function", "function": {"name": "weather", "arguments": "{}"}}])
    sample = Sample.of([Turn("user", "Rain?"), Turn("assistant", "", tool_calls=call)])
    for name in ("llama3", "alpaca", "plain"):
        (item,) = RENDERERS[name].render([sample])
        assert (item.status, item.n_response_tokens) == ("no_response", 0)
        assert item.reason


def test_reasoning_that_the_template_takes_apart_is_response():
    sample = Sample.of([Turn("user", "2+2?"), Turn("assistant", "<think>\neasy\n</think>\n\n4")])
    (item,) = RENDERERS["reasoning"].render([sample])
    assert response_text(item) == "<think>\neasy\n</think>\n\n4<|im_end|>"


def test_a_conversation_that_the_template_refuses_says_so():
    sample = Sample.of([Turn("system", "s"), Turn("user", "a"), Turn("assistant", "b")])
    (item,) = RENDERERS["gemma"].render([sample])
    assert (item.status, item.reason) == ("no_response", "the template rejects it: no system role")
