"""Formats are told from the rows, with a reason that names what was seen; a person's word goes first."""

from typing import Any

import pytest

from lobass_core.errors import InputFileError, RequestError
from lobass_core.formats import RowError
from lobass_core.formats.classify import classify
from lobass_core.formats.detect import asked_format, detect, parse_row
from lobass_core.formats.raw_records import BadRecord, RawRecord

TURNS = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]


def records(*values: Any) -> list[RawRecord | BadRecord]:
    return [RawRecord(index, index + 1, value, "") for index, value in enumerate(values)]


@pytest.mark.parametrize(
    ("row", "name", "mapping"),
    [
        ({"instruction": "", "input": "", "output": ""}, "alpaca",
         {"instruction": "instruction", "input": "input", "output": "output"}),
        ({"instruction": "", "response": ""}, "alpaca", {"instruction": "instruction", "output": "response"}),
        ({"instruction": "", "context": "", "response": "", "category": ""}, "alpaca",
         {"instruction": "instruction", "input": "context", "output": "response"}),
        ({"id": 1, "conversations": TURNS}, "sharegpt", {"conversations": "conversations"}),
        ({"messages": TURNS, "tools": []}, "messages", {"messages": "messages", "tools": "tools"}),
        ({"messages": '[{"role": "user"}]'}, "messages", {"messages": "messages"}),
        ({"prompt": "", "completion": ""}, "prompt-completion", {"prompt": "prompt", "completion": "completion"}),
        ({"Question": "", "Answer": ""}, "prompt-completion", {"prompt": "Question", "completion": "Answer"}),
        ({"query": "", "response": ""}, "prompt-completion", {"prompt": "query", "completion": "response"}),
        ({"problem": "", "solution": "", "answer": ""}, "prompt-completion",
         {"prompt": "problem", "completion": "solution"}),
        ({"system_prompt": "", "question": "", "response": ""}, "prompt-completion",
         {"prompt": "question", "completion": "response", "system": "system_prompt"}),
        ({"text": "", "code": "", "test_list": []}, "prompt-completion", {"prompt": "text", "completion": "code"}),
        ({"Body": "", "Question": "", "Answer": 1}, "columns", {"prompt": "Body+Question", "response": "Answer"}),
        ({"text": "a"}, "text", {"text": "text"}),
        ({"chosen": "a", "rejected": "b"}, "preference", {"chosen": "chosen", "rejected": "rejected"}),
        ({"conversations": TURNS, "chosen": {}, "rejected": {}}, "preference",
         {"chosen": "chosen", "rejected": "rejected", "prompt": "conversations"}),
        ({"prompt": {"text": "q", "role": "prompter", "replies": []}}, "tree", {"tree": "prompt"}),
    ],
)  # fmt: skip
def test_classify(row: dict, name: str, mapping: dict) -> None:
    found = classify(row)
    assert found is not None
    assert (found[0], dict(found[1])) == (name, mapping)


@pytest.mark.parametrize("row", [{"a": 1}, {"instruction": "a"}, {"turns": ["q"]}, "text", None, [], {}])
def test_what_is_no_format(row: Any) -> None:
    assert classify(row) is None


def test_reasons() -> None:
    assert detect(records(*[{"text": "a"}] * 1000)).reason == "every one of 1,000 sampled rows has text"
    some = detect(records({"question": "a", "answer": "b"}, {"question": "c", "answer": "d"}, {"x": 1}))
    assert (some.reason, round(some.confidence, 3)) == ("2 of 3 rows have question and answer", 0.667)
    solved = detect(records({"problem": "", "solution": "", "answer": ""}))
    assert solved.reason == (
        "every row has problem and solution; the worked solution is the response, and answer is kept as another field"
    )


def test_mixed_schemas_read_under_their_sibling() -> None:
    question = {"instruction": "s", "question": "q", "answer": "a"}
    alpaca = {"instruction": "i", "input": "x", "output": "o"}
    pair = {"prompt": "p", "response": "r"}
    detection = detect(records(question, question, alpaca, pair))
    assert detection.mapping == {"instruction": "instruction", "input": "question", "output": "answer"}
    read = [[turn.content for turn in parse_row(row, detection).sample.turns] for row in (question, alpaca, pair)]
    assert read == [["s\n\nq", "a"], ["i\n\nx", "o"], ["p", "r"]]
    with pytest.raises(RowError, match="'instruction' is missing"):
        parse_row({"messages": TURNS}, detection)
    with pytest.raises(RowError, match="the record is text, not an object with fields"):
        parse_row("loose", detection)


def test_files_without_answers_or_fields_say_so() -> None:
    with pytest.raises(InputFileError, match="questions but no answers"):
        detect(records({"question_id": 1, "turns": ["q"]}))
    with pytest.raises(InputFileError, match="its records are text, not objects"):
        detect(records("a", "b"))
    with pytest.raises(InputFileError, match="no known format fits its fields: 'a', 'b'") as caught:
        detect(records({"a": 1, "b": 2}))
    assert "--map" in caught.value.do


def test_a_mapping_alone_means_columns() -> None:
    rows = records({"q": "a", "a": "b"})
    detection = asked_format("auto", {"prompt": "q", "response": "a"}, rows)
    assert (detection.format, detection.mapping) == ("columns", {"prompt": "q", "response": "a"})
    assert detection.reason == "as requested; 1 of 1 sampled rows fit"
    assert asked_format("alpaca", {"prompt": "q", "response": "a"}, rows).mapping == {"instruction": "q", "output": "a"}
    assert asked_format("prompt-completion", {"prompt": "q", "response": "a"}, rows).confidence == 1


def test_an_asked_format_finds_its_columns() -> None:
    rows = records({"instruction": "a", "response": "b"})
    assert asked_format("alpaca", {}, rows).mapping == {"instruction": "instruction", "output": "response"}
    assert asked_format("messages", {}, rows).confidence == 0


def test_wrong_mappings() -> None:
    rows = records({"q": "a", "a": "b"})
    with pytest.raises(RequestError, match="no row has the column 'answer' given for response") as caught:
        asked_format("columns", {"prompt": "q", "response": "answer"}, rows)
    assert caught.value.do == "The columns are q, a."
    with pytest.raises(RequestError, match="the format columns has no field 'promt'"):
        asked_format("columns", {"promt": "q"}, rows)
