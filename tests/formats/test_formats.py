"""Rows of each published format become the samples they mean, and samples become rows that read back the same."""

import json

import pytest

from lobass_core.formats import FORMATS, RowError
from lobass_core.formats.prompt_completion import build_messages
from lobass_core.records import Sample, Turn
from tests.formats.parsing import ANSWER, CALL, TOOLS, TOOLS_TEXT, USER, parse, refuses


def test_alpaca_joins_instruction_and_input() -> None:
    parsed = FORMATS["alpaca"].parse(
        {"instruction": "Simplify.", "input": "4/16", "output": "1/4", "category": "math"}, {}
    )
    assert parsed.sample.turns == (Turn("user", "Simplify.\n\n4/16", input="4/16"), Turn("assistant", "1/4"))
    assert parsed.sample.turns[0].instruction == "Simplify."
    assert parsed.extra == {"category": "math"}


@pytest.mark.parametrize("name", ["messages", "sharegpt", "prompt-completion"])
@pytest.mark.parametrize("key", ["reasoning_content", "reasoning", "thinking"])
def test_thoughts_beside_the_content_come_back_under_their_key(name: str, key: str) -> None:
    said = {"role": "assistant", "content": "4", key: "two and two"}
    sample = parse("messages", {"messages": [{"role": "user", "content": "2+2?"}, said]})
    assert sample.turns == (USER, Turn("assistant", "4", **{key: "two and two"}))
    assert parse(name, FORMATS[name].build(sample, {})) == sample


def test_alpaca_refuses_what_it_cannot_hold() -> None:
    with pytest.raises(RowError, match="no field for reasoning"):
        FORMATS["alpaca"].build(Sample.of((USER, Turn("assistant", "4", reasoning="easy"))), {})


@pytest.mark.parametrize("value", [None, ["a", "list"]])
def test_thoughts_that_are_no_text_stay_with_the_turn(value: object) -> None:
    said = {"role": "assistant", "content": "4", "reasoning_content": value}
    sample = parse("messages", {"messages": [{"role": "user", "content": "2+2?"}, said]})
    assert sample.sample_id == Sample.of((USER, ANSWER)).sample_id
    assert sample.turns[1].extra == (None if value is None else '{"reasoning_content":["a","list"]}')


@pytest.mark.parametrize(
    ("key", "value", "weight"),
    [
        ("weight", 0, 0.0),
        ("weight", 1, 1.0),
        ("loss_mask", 0, 0.0),
        ("loss_mask", 0.0, 0.0),
        ("loss_mask", False, 0.0),
        ("loss_mask", 1, None),
        ("loss_mask", [0, 1], None),
        ("loss_mask", None, None),
        ("train", False, 0.0),
        ("train", True, None),
        ("training", False, 0.0),
        ("loss", False, 0.0),
        ("loss", 0.0, None),
    ],
)
def test_answers_that_are_not_to_be_learnt_have_weight_0(key: str, value: object, weight: float | None) -> None:
    said = {"role": "assistant", "content": "4", key: value}
    sample = parse("messages", {"messages": [{"role": "user", "content": "2+2?"}, said]})
    assert sample.turns[1].weight == weight
    built = FORMATS["messages"].build(sample, {})
    assert built["messages"][1].get(key) == value
    assert parse("messages", built) == sample


def test_only_answers_are_left_out_of_learning() -> None:
    asked = {"role": "user", "content": "2+2?", "loss_mask": 0, "train": False}
    sample = parse("messages", {"messages": [asked, {"role": "assistant", "content": "4"}]})
    assert sample.sample_id == Sample.of((USER, ANSWER)).sample_id


@pytest.mark.parametrize("empty", [{"input": ""}, {"input": None}, {}])
def test_alpaca_without_input(empty: dict) -> None:
    assert parse("alpaca", {"instruction": "2+2?", "output": "4", **empty}) == Sample.of((USER, ANSWER))


def test_alpaca_with_system_and_history() -> None:
    row = {"instruction": "c", "input": "", "output": "d", "system": "s", "history": [["a", "b"]]}
    sample = parse("alpaca", row)
    assert [(turn.role, turn.content) for turn in sample.turns] == [
        ("system", "s"),
        ("user", "a"),
        ("assistant", "b"),
        ("user", "c"),
        ("assistant", "d"),
    ]
    assert FORMATS["alpaca"].build(sample, {}) == row


def test_alpaca_rejects() -> None:
    refuses("alpaca", {"instruction": "a", "output": None}, "'output' is null")
    refuses("alpaca", {"instruction": "a", "output": ["b"]}, "'output' is a list, not text")
    refuses("alpaca", {"instruction": " ", "output": ""}, "instruction, input and output are all empty")
    refuses(
        "alpaca",
        {"instruction": "a", "output": "b", "history": ["x"]},
        "exchange 1 of 'history' is not a pair of question and answer",
    )


def test_an_empty_answer_is_a_sample() -> None:
    """Trainers train the end of turn on it; whether to keep it is the curator's choice, not the importer's."""
    assert parse("alpaca", {"instruction": "a", "output": ""}).turns[1].content == ""


def test_sharegpt_roles_tools_and_system() -> None:
    row = {
        "system": "s",
        "tools": json.dumps(TOOLS),
        "conversations": [
            {"from": "human", "value": "2+2?"},
            {"from": "function_call", "value": '{"name": "add", "arguments": {"a": 2, "b": 2}}'},
            {"from": "observation", "value": "4"},
            {"from": "bing", "value": "It is 4.", "weight": 0, "mood": "calm"},
        ],
        "id": "x",
    }
    parsed = FORMATS["sharegpt"].parse(row, {})
    system, user, call, tool, last = parsed.sample.turns
    assert (system.role, system.content) == ("system", "s")
    assert user == USER
    assert json.loads(call.tool_calls or "") == [{"type": "function", "function": CALL["function"]}]
    assert tool == Turn("tool", "4")
    assert last == Turn("assistant", "It is 4.", weight=0.0, extra='{"mood":"calm"}')
    assert parsed.sample.tools == TOOLS_TEXT
    assert parsed.extra == {"id": "x"}


def test_a_chat_may_start_with_the_assistant_and_end_with_the_user() -> None:
    turns = [{"from": "gpt", "value": "Hello!"}, {"from": "human", "value": "Hi."}]
    assert [turn.role for turn in parse("sharegpt", {"conversations": turns}).turns] == ["assistant", "user"]


def test_messages_keep_what_openai_allows() -> None:
    row = {
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {
                "role": "user",
                "content": [{"type": "text", "text": "2+"}, {"type": "text", "text": "2?"}],
                "name": "Ann",
            },
            {"role": "assistant", "content": None, "tool_calls": [CALL], "function_call": None},
            {"role": "tool", "content": "4", "tool_call_id": "c1"},
            {"role": "assistant", "content": "4", "weight": 0},
        ],
        "tools": TOOLS,
    }
    sample = parse("messages", row)
    assert sample.turns[0].role == "system"
    assert (sample.turns[1].content, sample.turns[1].name) == ("2+2?", "Ann")
    assert sample.turns[2].content == ""
    assert sample.turns[3].tool_call_id == "c1"
    assert sample.turns[4].weight == 0
    built = FORMATS["messages"].build(sample, {"id": 7})
    assert built["messages"][1]["content"] == row["messages"][1]["content"]  # type: ignore[index]
    assert built["tools"] == TOOLS
    assert built["id"] == 7
    assert parse("messages", built) == sample


def test_the_old_function_call_is_a_tool_call() -> None:
    old = {"name": "add", "arguments": '{"a":2,"b":2}'}
    turns = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": None, "function_call": old}]
    calls = json.loads(parse("messages", {"messages": turns}).turns[1].tool_calls or "")
    assert calls == [{"type": "function", "function": CALL["function"]}]


def test_chat_rejects() -> None:
    def row(*turns: dict) -> dict:
        return {"messages": list(turns)}

    user = {"role": "user", "content": "a"}
    refuses("messages", row(user), "no assistant turn: there is nothing to learn from")
    refuses("messages", row(), "'messages' has no turns")
    refuses("messages", {"messages": "hello"}, "'messages' is not a list of turns")
    refuses("messages", row(user, {"role": "alien", "content": "b"}), "turn 2 has the unknown role 'alien'")
    refuses("messages", row(user, {"role": "assistant", "content": None}), "turn 2 (assistant) has no content")
    refuses("messages", row(user, {"content": "b"}), "turn 2 has no role")
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {}}]}
    refuses("messages", row(image), "turn 1 contains a part of type 'image_url'; only text is read")
    heavy = {"role": "assistant", "content": "b", "weight": "x"}
    refuses("messages", row(user, heavy), "turn 2 has a weight that is not a number")


def test_prompt_and_completion() -> None:
    mapping = {"prompt": "question", "completion": "answer"}
    assert parse("prompt-completion", {"question": "2+2?", "answer": 4}, **mapping) == Sample.of((USER, ANSWER))
    lists = {"prompt": [{"role": "user", "content": "2+2?"}], "completion": [{"role": "assistant", "content": "4"}]}
    assert parse("prompt-completion", lists) == Sample.of((USER, ANSWER))
    assert FORMATS["prompt-completion"].build(Sample.of((USER, ANSWER)), {}) == {"prompt": "2+2?", "completion": "4"}
    assert build_messages(Sample.of((USER, ANSWER)), {}) == lists
    refuses("prompt-completion", {"prompt": "", "completion": " "}, "'prompt' and 'completion' are both empty")


def test_columns_take_any_names() -> None:
    row = {"story": "Ann has 2.", "q": "And 2 more?", "a": 4.0, "about": "s"}
    sample = parse("columns", row, prompt="story+q", response="a", system="about")
    assert [turn.content for turn in sample.turns] == ["s", "Ann has 2.\nAnd 2 more?", "4.0"]
    with_input = parse("columns", row, prompt="q", input="story", response="a")
    assert with_input.turns[0] == Turn("user", "And 2 more?\n\nAnn has 2.", input="Ann has 2.")
    assert parse("columns", row, text="story").kind == "text"
    refuses("columns", row, "'nothing' is missing", prompt="nothing", response="a")
    with pytest.raises(RowError, match="no field for an input"):
        FORMATS["columns"].build(with_input, {})


def test_text() -> None:
    sample = parse("text", {"text": "Once upon a time."})
    assert (sample.kind, sample.turns) == ("text", (Turn("assistant", "Once upon a time."),))
    assert FORMATS["text"].build(sample, {}) == {"text": "Once upon a time."}
    refuses("text", {"text": " "}, "'text' is empty")


def test_a_tree_gives_its_best_path() -> None:
    def node(text: str, role: str, replies: list | None = None, **more: object) -> dict:
        return {"text": text, "role": role, "replies": replies or [], **more}

    tree = node(
        "q",
        "prompter",
        [
            node("second", "assistant", rank=1),
            node("best", "assistant", [node("more?", "prompter", [node("yes", "assistant")])], rank=0),
            node("gone", "assistant", rank=-1, deleted=True),
        ],
    )
    assert [turn.content for turn in parse("tree", {"prompt": tree}).turns] == ["q", "best", "more?", "yes"]
    tree["replies"][1]["replies"][0]["replies"] = []
    assert [turn.content for turn in parse("tree", {"prompt": tree}).turns] == ["q", "best"]
    refuses("tree", {"prompt": node("q", "prompter")}, "no assistant turn: there is nothing to learn from")
