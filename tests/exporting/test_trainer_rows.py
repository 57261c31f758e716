"""Samples in the shapes that TRL, Axolotl and LLaMA-Factory read."""

import json

import pytest

from lobass_core.exporting.columns import Columns
from lobass_core.exporting.trainer_rows import (
    MessageStyle,
    axolotl_row,
    has_one_target,
    llama_factory_row,
    messages_of,
    trl_row,
)
from lobass_core.formats.row_errors import RowError
from lobass_core.records import Sample, Turn

CALLS = json.dumps([{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}])
TOOLS = json.dumps([{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}])
SYSTEM, ASK, ANSWER = Turn("system", "Be brief."), Turn("user", "2+2?"), Turn("assistant", "4")
TOOL_CHAT = Sample.of(
    (
        SYSTEM,
        Turn("user", "Oslo?"),
        Turn("assistant", "", tool_calls=CALLS),
        Turn("tool", "4 °C", tool_call_id="c1"),
        Turn("assistant", "It is 4 °C."),
    ),
    tools=TOOLS,
)


def test_trl_one_target():
    row = trl_row(Sample.of((SYSTEM, ASK, ANSWER)), one_target=True)
    assert row == {
        "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}],
        "completion": [{"role": "assistant", "content": "4"}],
    }


def test_weights_decide_what_is_a_target():
    asked_again = (ASK, Turn("assistant", "5", weight=0.0), Turn("user", "Sure?"), ANSWER)
    assert has_one_target(Sample.of(asked_again))
    assert not has_one_target(Sample.of((ASK, ANSWER, ASK, ANSWER)))
    assert not has_one_target(Sample.of((ASK, ANSWER, Turn("user", "Thanks"))))
    assert not has_one_target(Sample.of((ANSWER,)))


def test_trl_keeps_calls_ids_and_tools():
    row = trl_row(TOOL_CHAT)
    assert row["tools"] == TOOLS
    assert row["messages"][2]["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    ]
    assert row["messages"][3] == {"role": "tool", "content": "4 °C", "tool_call_id": "c1"}


def test_thoughts_keep_their_key():
    turns = (
        ASK,
        Turn("assistant", "4", reasoning_content="two and two"),
        ASK,
        Turn("assistant", "4", thinking="again"),
    )
    messages = [
        {"role": "user", "content": "2+2?"},
        {"role": "assistant", "content": "4", "reasoning_content": "two and two"},
        {"role": "user", "content": "2+2?"},
        {"role": "assistant", "content": "4", "thinking": "again"},
    ]
    assert trl_row(Sample.of(turns)) == {"messages": messages}
    assert axolotl_row(Sample.of(turns)) == {"messages": messages}


def test_arguments_that_came_as_objects_become_text():
    calls = json.dumps([{"function": {"name": "f", "arguments": {"x": 1}}}])
    (message,) = messages_of([Turn("assistant", "", tool_calls=calls)])
    assert message["tool_calls"][0]["function"]["arguments"] == '{"x": 1}'


def test_unknown_fields_of_a_turn_stay_and_reader_notes_go():
    turn = Turn("assistant", "4", extra='{"reasoning_content": "2+2", "content_parts": ["4"]}')
    columns = Columns(frozenset())
    columns.see({"reasoning_content": "2+2"})
    assert messages_of([turn], MessageStyle(columns)) == [
        {"role": "assistant", "content": "4", "reasoning_content": "2+2"}
    ]


def test_alpaca_input_is_in_the_content_and_a_key_of_its_own():
    turn = Turn("user", "Simplify.\n\n4/16", input="4/16")
    assert messages_of([turn]) == [{"role": "user", "content": "Simplify.\n\n4/16", "input": "4/16"}]
    assert messages_of([turn], MessageStyle(with_instruction=True))[0]["instruction"] == "Simplify."


def test_axolotl_tools_are_the_text_that_they_were():
    assert axolotl_row(TOOL_CHAT)["tools"] == TOOLS


def test_axolotl_says_which_answers_are_learnt():
    sample = Sample.of((ASK, Turn("assistant", "5", weight=0.0), ASK, ANSWER, ASK, Turn("assistant", "6", weight=1.0)))
    style = MessageStyle(with_training=True)
    flags = [message.get("training") for message in axolotl_row(sample, style)["messages"]]
    assert flags == [None, False, None, True, None, True]
    last = MessageStyle(with_training=True, last_only=True)
    flags = [message.get("training") for message in axolotl_row(sample, last)["messages"]]
    assert flags == [None, False, None, False, None, True]


def test_axolotl_pairs_have_no_place_for_tools():
    pair = Sample.of((ASK, Turn("assistant", "", tool_calls=CALLS)), kind="preference", rejected=(ANSWER,))
    with pytest.raises(RowError, match="this pair has tools"):
        axolotl_row(pair)


def test_text_beside_a_tool_call_stands_before_it_for_llama_factory():
    sample = Sample.of((ASK, Turn("assistant", "Let me look.", tool_calls=CALLS), Turn("tool", "4"), ANSWER))
    assert llama_factory_row(sample)["messages"][1] == {
        "role": "function_call",
        "content": 'Let me look.<tool_call>[{"name": "weather", "arguments": {"city": "Oslo"}}]</tool_call>',
    }
    confusing = Sample.of((ASK, Turn("assistant", "A <tool_call> is ...", tool_calls=CALLS)))
    with pytest.raises(RowError, match="cannot tell the tool call"):
        llama_factory_row(confusing)


def test_llama_factory_takes_calls_as_turns_and_the_system_prompt_beside():
    row = llama_factory_row(TOOL_CHAT)
    assert row["system"] == "Be brief." and row["tools"] == TOOLS
    assert row["messages"] == [
        {"role": "user", "content": "Oslo?"},
        {"role": "function_call", "content": '[{"name": "weather", "arguments": {"city": "Oslo"}}]'},
        {"role": "tool", "content": "4 °C"},
        {"role": "assistant", "content": "It is 4 °C."},
    ]


def test_llama_factory_columns_are_there_without_system_and_tools():
    assert llama_factory_row(Sample.of((ASK, ANSWER))) == {
        "system": "",
        "tools": "",
        "messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}],
    }


def test_llama_factory_reads_parallel_results_as_one_turn():
    sample = Sample.of((ASK, Turn("assistant", "", tool_calls=CALLS), Turn("tool", "a"), Turn("tool", "b"), ANSWER))
    assert [message["content"] for message in llama_factory_row(sample)["messages"]][2:] == [
        "a\n</tool_response>\n<tool_response>\nb",
        "4",
    ]


def test_pairs():
    pair = Sample.of((SYSTEM, ASK, ANSWER), kind="preference", rejected=(Turn("assistant", "5"),))
    user, chosen, rejected = (
        {"role": "user", "content": "2+2?"},
        {"role": "assistant", "content": "4"},
        {"role": "assistant", "content": "5"},
    )
    assert trl_row(pair) == {
        "prompt": [{"role": "system", "content": "Be brief."}, user],
        "chosen": [chosen],
        "rejected": [rejected],
    }
    assert llama_factory_row(pair) == {
        "system": "Be brief.",
        "tools": "",
        "messages": [user],
        "chosen": chosen,
        "rejected": rejected,
    }
    assert axolotl_row(pair)["chosen"] == chosen


@pytest.mark.parametrize("build", [axolotl_row, llama_factory_row])
def test_pairs_of_several_turns_are_refused_where_one_is_asked(build):
    pair = Sample.of((ASK, ANSWER), kind="preference", rejected=(Turn("assistant", "5"), ASK, ANSWER))
    with pytest.raises(RowError, match="compares single turns"):
        build(pair)


def test_texts():
    text = Sample.of((Turn("assistant", "Once."),), kind="text")
    assert trl_row(text) == axolotl_row(text) == llama_factory_row(text) == {"text": "Once."}


def test_llama_factory_refuses_arguments_that_are_no_json():
    calls = json.dumps([{"function": {"name": "f", "arguments": "city=Oslo"}}])
    with pytest.raises(RowError, match="not JSON"):
        llama_factory_row(Sample.of((ASK, Turn("assistant", "", tool_calls=calls))))
