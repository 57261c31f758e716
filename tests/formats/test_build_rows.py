"""Samples written as rows of a format and read back, and what a format cannot hold."""

import json

import pytest

from lobass_core.formats import FORMATS, RowError
from lobass_core.records import Sample, Turn
from tests.formats.parsing import ANSWER, CALL, CALLS, TOOLS, TOOLS_TEXT, USER, parse

CALLING = Turn("assistant", "", tool_calls=CALLS)
SAMPLES = [
    Sample.of((USER, ANSWER)),
    Sample.of((Turn("system", "s"), USER, ANSWER, Turn("user", "And 3+3?"), Turn("assistant", "6"))),
    Sample.of((Turn("user", "Simplify.\n\n4/16", input="4/16"), Turn("assistant", "1/4"))),
    Sample.of((USER, CALLING, Turn("tool", "4", tool_call_id="c1"), ANSWER), tools=TOOLS_TEXT),
    Sample.of((USER, Turn("assistant", "5", weight=0.0), Turn("user", "No."), ANSWER)),
    Sample.of((Turn("user", "猫\u2028\u0000"), Turn("assistant", "‮rtl")),),
]  # fmt: skip


FITS = {
    "alpaca": [0, 1, 2, 5],
    "sharegpt": [0, 1, 2, 3, 4, 5],
    "messages": [0, 1, 2, 3, 4, 5],
    "prompt-completion": [0, 1, 2, 3, 4, 5],
    "columns": [0, 5],
}


@pytest.mark.parametrize("name", FITS)
def test_samples_survive_the_way_out_and_in(name: str) -> None:
    extra = {"id": "r1", "score": 0.5}
    fitting = []
    for number, sample in enumerate(SAMPLES):
        try:
            row = FORMATS[name].build(sample, extra)
        except RowError:
            continue
        parsed = FORMATS[name].parse(json.loads(json.dumps(row)), {})
        if name != "columns" or sample.turns[0].input is None:
            assert parsed.sample == sample
            fitting.append(number)
        assert {"id": "r1", "score": 0.5}.items() <= parsed.extra.items()
    assert fitting == FITS[name]


def test_what_does_not_fit_says_why() -> None:
    def reason(name: str, sample: Sample) -> str:
        with pytest.raises(RowError) as caught:
            FORMATS[name].build(sample, {})
        return caught.value.reason

    assert reason("alpaca", SAMPLES[3]) == "Alpaca has no field for tools"
    assert reason("alpaca", SAMPLES[4]) == "Alpaca cannot exclude a turn with weight 0 from training"
    assert reason("alpaca", Sample.of((ANSWER, USER))) == "user and assistant do not take turns, as Alpaca requires"
    assert (
        reason("columns", SAMPLES[1])
        == "the conversation has more than one question and answer, which columns cannot hold"
    )
    ends_with_user = Sample.of((USER, ANSWER, USER))
    assert reason("prompt-completion", ends_with_user) == "the conversation does not end with an assistant answer"
    pair = Sample.of((USER, ANSWER), kind="preference", rejected=(Turn("assistant", "5"),))
    for name in ("alpaca", "sharegpt", "messages", "prompt-completion", "columns", "text"):
        assert "preference" in reason(name, pair) or name == "columns"


def test_half_characters_in_json_inside_texts_are_replaced() -> None:
    call = {"name": "add", "arguments": '{"a": "\\ud83d"}'}
    turns = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": None, "function_call": call}]
    sample = parse("messages", {"messages": turns, "tools": '[{"name": "\\udc4d"}]'})
    assert json.loads(sample.turns[1].tool_calls or "")[0]["function"]["arguments"] == '{"a": "\ufffd"}'
    assert json.loads(sample.tools or "") == [{"type": "function", "function": {"name": "\ufffd"}}]
    said = parse(
        "messages", {"messages": "[{'role': 'user', 'content': '\\ud83d'}, {'role': 'assistant', 'content': 'b'}]"}
    )
    assert said.turns[0].content == "\ufffd"


def test_bare_tools_get_openais_form() -> None:
    function = {"name": "add", "parameters": {"type": "object"}}
    wrapped = [{"type": "function", "function": function}]
    turns = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}]
    for tools in (
        [function],
        function,
        json.dumps([function]),
        [json.dumps(function)],
        [{"type": "function", **function}],
        wrapped,
    ):
        assert json.loads(parse("messages", {"messages": turns, "tools": tools}).tools or "") == wrapped
    padded = [
        {"type": "function", "function": {"name": "add", "strict": None, "parameters": {"type": "object", "x": None}}}
    ]
    assert json.loads(parse("messages", {"messages": turns, "tools": padded}).tools or "") == wrapped
    kept = [{"type": "function", "function": {"name": "add", "parameters": {"enum": [1, None], "default": None}}}]
    assert json.loads(parse("messages", {"messages": turns, "tools": kept}).tools or "") == kept
    other = [{"type": "web_search", "name": "search"}]
    assert json.loads(parse("messages", {"messages": turns, "tools": other}).tools or "") == other


def test_the_same_calls_in_another_order_of_keys_are_the_same_sample() -> None:
    def sample(call: dict, tools: object) -> Sample:
        turns = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
        return parse("messages", {"messages": turns, "tools": tools})

    first = sample(CALL, TOOLS)
    arguments = {"b": 2, "a": 2}
    swapped = {"function": {"arguments": arguments, "name": "add"}, "type": "function", "id": "c1"}
    assert sample(swapped, json.dumps([{"function": {"name": "add"}, "type": "function"}])).sample_id == first.sample_id
    # What was written first is kept: a template renders the keys in their order.
    assert (
        json.loads(sample(swapped, TOOLS).turns[1].tool_calls or "")[0]["function"]["arguments"] == '{"b": 2, "a": 2}'
    )
