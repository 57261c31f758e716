"""Published chat templates: our response mask against the one that transformers makes, and against the answers.

TRL's training templates mark answers with {% generation %}; transformers turns these marks into a mask by a way of its
own. The same templates without the marks, and the original ones, must give the answers all the same.
"""

import json
import re

import pytest

from lobass_core.formats import FORMATS
from lobass_core.records import Sample, Turn
from lobass_core.rendering.messages import messages_of, tools_of
from lobass_core.rendering.render import Rendered, Renderer
from lobass_core.rendering.template_keys import message_keys
from lobass_core.rendering.templates import Template
from tests.rendering.published import marked_tokenizer, published

pytestmark = pytest.mark.slow

TOKENIZER = marked_tokenizer()
CALLS = json.dumps(
    [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome", "days": 2}'}}]
)
CALL_TEXT = '{"name": "weather", "arguments": {"city": "Rome", "days": 2}}'
CITY = {"type": "object", "properties": {"city": {"type": "string", "description": "c"}}, "required": ["city"]}
TOOLS = json.dumps([{"type": "function", "function": {"name": "weather", "description": "w", "parameters": CITY}}])
CHAT = Sample.of([Turn("user", "Is it 4?"), Turn("assistant", "4 it is."), Turn("user", "b"), Turn("assistant", "two")])
CALLED = Sample.of(
    [
        Turn("user", "Rain?"),
        Turn("assistant", "I look.", tool_calls=CALLS),
        Turn("tool", "sunny", tool_call_id="c1", name="weather"),
        Turn("assistant", "No rain."),
    ],
    tools=TOOLS,
)
THOUGHT = Sample.of(
    [Turn("user", "Rain?"), Turn("assistant", "No.", reasoning_content="Sun today.", thinking="Sun today.")]
)
TRAINING = [
    "cohere", "cohere2", "deepseek_r1_distill", "deepseekv3", "diffusion_gemma", "gemma3", "gemma", "glm4moe", "lfm2",
    "lfm2_v2", "llama3", "nemotron_3_nano", "nemotron_3_ultra", "phi3", "phi3_5", "qwen2_5", "qwen3_5_think", "qwen3_8",
    "qwen3_instruct_2507", "qwen3", "qwen3_vl",
]  # fmt: skip
WITH_TOOLS = [
    "deepseekv3", "glm4moe", "lfm2_v2", "nemotron_3_nano", "qwen2_5", "qwen3_5_think", "qwen3", "qwen3_instruct_2507",
]  # fmt: skip


def rendered(text: str, sample: Sample, mask_rule: str = "all") -> Rendered:
    return Renderer(TOKENIZER, Template("published", text, "test"), mask_rule, 4096).render([sample])[0]


def response_text(item: Rendered) -> str:
    scored = item.offsets[item.response_mask]
    return "".join(item.text[place] for place in sorted({place for pair in scored for place in range(*pair)}))


def agrees_with_transformers(text: str, sample: Sample) -> bool:
    item = rendered(text, sample)
    assert item.status == "ok", item.reason
    encoded = TOKENIZER.apply_chat_template(
        messages_of(sample, message_keys(text)),
        tools=tools_of(sample),
        chat_template=text,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    assert item.input_ids.tolist() == list(encoded["input_ids"])
    return item.response_mask.tolist() == [bool(flag) for flag in encoded["assistant_masks"]]


@pytest.mark.parametrize("name", TRAINING)
def test_marked_answers_are_those_that_transformers_finds(name: str):
    assert agrees_with_transformers(published(f"{name}_training"), CHAT)


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_marked_tool_calls_are_those_that_transformers_finds(name: str):
    assert agrees_with_transformers(published(f"{name}_training"), CALLED)


@pytest.mark.parametrize("name", ["glm4moe", "nemotron_3_nano", "qwen3", "qwen3_5_think"])
def test_marked_thoughts_are_those_that_transformers_finds(name: str):
    text = published(f"{name}_training")
    assert agrees_with_transformers(text, THOUGHT)
    assert "Sun today." in response_text(rendered(text, THOUGHT))


@pytest.mark.parametrize("name", TRAINING)
def test_without_the_marks_the_same_answers_are_found(name: str):
    marked = published(f"{name}_training")
    unmarked = re.sub(r"{%(-?)\s*generation\s*(-?)%}", r"{%\1 if true \2%}", marked)
    unmarked = re.sub(r"{%(-?)\s*endgeneration\s*(-?)%}", r"{%\1 endif \2%}", unmarked)
    (one, other) = (rendered(text, CHAT) for text in (marked, unmarked))
    assert one.text == other.text
    assert re.fullmatch(r"\s*4 it is\.(<[^<>]*>)*\s*two(<[^<>]*>)*", response_text(other))
    assert not (other.response_mask & ~one.response_mask).any()
    # The marks may take in more: the head of the turn, an empty reasoning, the line end after the end token.
    more = one.offsets[one.response_mask & ~other.response_mask]
    assert re.fullmatch(r"(\s|<[^<>]*>)*", "".join(one.text[start:end] for start, end in more))


RAW_CALL = {"type": "function", "function": {"name": "weather", "arguments": {"city": "Rome", "days": 2}}}
RAW = {
    "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Rain?"},
        {"role": "assistant", "content": "", "reasoning_content": "Look it up.", "tool_calls": [RAW_CALL]},
        {"role": "tool", "content": "sunny", "name": "weather"},
        {"role": "assistant", "content": "No rain.", "reasoning_content": "Sun it is.", "end_turn": True, "id": 7},
    ],
    "tools": json.loads(TOOLS),
}
READ_ALIKE = [
    "gemma4_v5", "glm4moe", "lfm2_2_5_v2", "llama3_1", "nemotron_3_nano", "nemotron_3_super",
    "nemotron_3_ultra", "qwen2_5", "qwen3", "qwen3_5_nothink", "qwen3_5_think", "qwen3_6", "qwen3_8", "qwen3_vl",
]  # fmt: skip


@pytest.mark.parametrize("name", READ_ALIKE)
def test_a_row_reads_as_apply_chat_template_reads_it(name: str):
    """From the row as published, on a path that shares nothing with ours but Jinja; arguments of tools are objects."""
    text = published(name)
    sample = FORMATS["messages"].parse(RAW, {}).sample
    item = rendered(text, sample, "last")
    assert item.status == "ok", item.reason
    expected = TOKENIZER.apply_chat_template(RAW["messages"], tools=RAW["tools"], chat_template=text, tokenize=False)
    assert item.text == expected
    assert "No rain." in response_text(item)
    assert "sunny" not in response_text(item)


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("qwen2_5", f"I look.\n<tool_call>\n{CALL_TEXT}\n</tool_call><|im_end|>"),
        ("qwen3", f"I look.\n<tool_call>\n{CALL_TEXT}\n</tool_call><|im_end|>"),
        (
            "qwen3_5_think",
            "\n</think>\n\nI look.\n\n<tool_call>\n<function=weather>\n<parameter=city>\nRome\n</parameter>\n"
            "<parameter=days>\n2\n</parameter>\n</function>\n</tool_call><|im_end|>",
        ),
        (
            "glm4moe",
            "\n<think></think>\nI look.\n<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>Rome</arg_value>\n"
            "<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>",
        ),
    ],
)  # fmt: skip
def test_arguments_are_objects_and_the_call_is_response(name: str, called: str):
    item = rendered(published(name), CALLED)
    assert item.status == "ok", item.reason
    assert called in response_text(item)
    assert "No rain." in response_text(item)
    assert "sunny" not in response_text(item)


@pytest.mark.parametrize("name", ["llama3_1", "llama3_2"])
def test_calls_without_text_under_llama(name: str):
    calls = Sample.of([CALLED.turns[0], Turn("assistant", "", tool_calls=CALLS), *CALLED.turns[2:]], tools=TOOLS)
    item = rendered(published(name), calls)
    assert item.status == "ok", item.reason
    assert response_text(item) == (
        '{"name": "weather", "parameters": {"city": "Rome", "days": 2}}<|eot_id|>No rain.<|eot_id|>'
    )


def test_channels_that_the_model_writes_are_response():
    bare = Sample.of([CALLED.turns[0], Turn("assistant", "", tool_calls=CALLS), *CALLED.turns[2:]], tools=TOOLS)
    item = rendered(published("gptoss"), bare)
    assert item.status == "ok", item.reason
    scored = response_text(item)
    assert '<|channel|>commentary json<|message|>{"city": "Rome", "days": 2}<|call|>' in scored
    assert scored.endswith("No rain.<|return|>")
    assert "sunny" not in scored
    # It leaves out what is said beside a call once the answer follows.
    assert rendered(published("gptoss"), CALLED).reason.startswith("the template leaves out part of turn 2")
    thought = response_text(rendered(published("gptoss"), THOUGHT))
    assert thought == (
        "<|channel|>analysis<|message|>Sun today.<|end|><|start|>assistant<|channel|>final<|message|>No.<|return|>"
    )


# The conversation whose earlier answer loses its thoughts under every template that thinks.
SEAS = Sample.of(
    [
        Turn("user", "Name a sea."),
        Turn("assistant", "<think>\nhmm\n</think>\n\nBaltic."),
        Turn("user", "Again?"),
        Turn("assistant", "<think>\nuh\n</think>\n\nAral."),
    ]
)
LAST = {
    "qwen3": "<think>\nuh\n</think>\n\nAral.<|im_end|>",
    "qwen3_5_think": "uh\n</think>\n\nAral.<|im_end|>",
    "qwen3_5_nothink": "<think>\nuh\n</think>\n\nAral.<|im_end|>",
    "qwen3_6": "uh\n</think>\n\nAral.<|im_end|>",
    "glm4moe": "\n<think>uh</think>\nAral.",
    "nemotron_3_nano": "<think>\nuh\n</think>\n\nAral.<|im_end|>",
    "lfm2_2_5": "<think>\nuh\n</think>\n\nAral.<|im_end|>\n",
}


@pytest.mark.parametrize("name", LAST)
def test_the_last_answer_is_scored_although_an_earlier_one_lost_its_thoughts(name: str):
    item = rendered(published(name), SEAS, "last")
    assert (item.status, response_text(item)) == ("ok", LAST[name])
    assert "hmm" not in item.text


@pytest.mark.parametrize("name", LAST)
def test_all_answers_are_refused_when_one_lost_its_thoughts(name: str):
    item = rendered(published(name), SEAS, "all")
    assert (item.status, item.reason) == (
        "no_response",
        "the template leaves out part of turn 2; --mask last scores only the last answer",
    )


@pytest.mark.parametrize("name", ["deepseek_r1_distill", "deepseekv3"])
def test_a_template_that_drops_every_thought_is_refused_with_that_reason(name: str):
    item = rendered(published(name), SEAS, "last")
    assert (item.status, item.reason) == ("no_response", "the template leaves out part of turn 4")
