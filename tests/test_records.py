"""The identity of a sample: what counts, and that new fields leave old ids alone."""

import json

import pytest

from lobass_core.records import Sample, Turn, response_turns, turns_from_json, turns_to_json

CALLS = '[{"type":"function","function":{"name":"w","arguments":"{}"}}]'
THINKING = Turn("assistant", "<think>\nhm\n</think>\n\n3", weight=0.0, name="a", extra='{"reasoning_content_x":1}')


# Ids that stand in stores since before turns had fields for thoughts.
@pytest.mark.parametrize(
    ("sample_id", "sample"),
    [
        (
            "35d0ef1d1e9464f6f6657fe13ca4e3b5be5a57875ec0c67ad6670f7f5fc01c79",
            Sample.of([Turn("user", "What is 2+2?"), Turn("assistant", "4")]),
        ),
        (
            "e9301f1d53d03ee025baa0e286a16ff126f264cf24c65060342e2a8870b1c76a",
            Sample.of([Turn("system", "Be brief."), Turn("user", "Add.\n\n1", input="1"), THINKING]),
        ),
        (
            "b0fe4a4d010a1f60f76b6be6058e54310cc8ee445a3884459f96835f801ed722",
            Sample.of(
                [
                    Turn("user", "Rain?"),
                    Turn("assistant", "", tool_calls=CALLS),
                    Turn("tool", "sunny", tool_call_id="1"),
                ],
                tools='[{"type":"function"}]',
            ),
        ),
        (
            "0a4b291f815ad953e09584c6cbe559a3aa086791c1280b83d84412d897e4e808",
            Sample.of(
                [Turn("user", "a"), Turn("assistant", "good")], kind="preference", rejected=[Turn("assistant", "bad")]
            ),
        ),
        (
            "741566a4c690b0ec4aefd695b4ff53b13ce68ffd55d46c24acee01214b9685b8",
            Sample.of([Turn("assistant", "a whole text")], kind="text"),
        ),
    ],
)
def test_rows_without_thoughts_keep_their_ids(sample_id: str, sample: Sample):
    assert sample.sample_id == sample_id


def test_rows_that_differ_in_their_thoughts_are_different_samples():
    asked = Turn("user", "2+2?")
    thoughts = [
        {},
        {"reasoning_content": "easy"},
        {"reasoning_content": "hard"},
        {"reasoning": "easy"},
        {"thinking": "easy"},
    ]
    ids = {Sample.of([asked, Turn("assistant", "4", **keys)]).sample_id for keys in thoughts}
    assert len(ids) == 5


def test_thoughts_survive_the_store():
    turns = (Turn("assistant", "4", reasoning_content="a", reasoning="b", thinking="c", extra='{"k":1}', input="d"),)
    assert turns_from_json(turns_to_json(turns)) == turns
    assert turns[0].thoughts == {"reasoning_content": "a", "reasoning": "b", "thinking": "c"}


def _tooled(arguments: str, tools: str, *, swapped: bool = False) -> str:
    call = {"id": "1", "type": "function", "function": {"name": "w", "arguments": arguments}, "index": 0}
    if swapped:
        call = {key: call[key] for key in reversed(call)} | {"function": {"arguments": arguments, "name": "w"}}
    calls = json.dumps([call])
    return Sample.of([Turn("user", "Rain?"), Turn("assistant", "", tool_calls=calls)], tools=tools).sample_id


def test_the_order_of_keys_in_tools_and_calls_does_not_count():
    tools, same = '[{"type":"function","function":{"name":"w"}}]', '[{"function": {"name": "w"}, "type": "function"}]'
    assert _tooled('{"a": 1, "b": [2]}', tools) == _tooled('{"b":[2],"a":1}', same, swapped=True)
    assert _tooled('{"a": 1}', tools) != _tooled('{"a": 2}', tools)
    assert _tooled('{"a": 1}', tools) != _tooled('{"a": 1}', tools.replace('"w"', '"x"'))
    assert _tooled("[1, 2]", tools) != _tooled("[2, 1]", tools)
    assert _tooled("not JSON", "not JSON") == _tooled("not JSON", "not JSON")


@pytest.mark.parametrize(
    ("turns", "kind", "of_all", "of_last"),
    [
        ("uaua", "chat", "-a-a", "---a"),
        ("suAta", "chat", "----a", "----a"),
        ("uauA", "chat", "-a--", "----"),
        ("uau", "chat", "-a-", "-a-"),
        ("uaua", "preference", "---a", "---a"),
        ("uauA", "preference", "----", "----"),
        ("a", "text", "a", "a"),
        ("u", "chat", "-", "-"),
    ],
)
def test_which_turns_are_response(turns: str, kind: str, of_all: str, of_last: str):
    """`A` is an answer of weight 0."""
    roles = {"s": "system", "u": "user", "t": "tool", "a": "assistant", "A": "assistant"}
    made = [Turn(roles[letter], letter, weight=0.0 if letter == "A" else None) for letter in turns]
    for rule, expected in (("all", of_all), ("last", of_last)):
        flags = response_turns(made, kind, rule)
        assert "".join("a" if flag else "-" for flag in flags) == expected
