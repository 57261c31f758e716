"""What a person may say about a file: which list, which lines, which speakers, without pictures, which columns."""

import json
from pathlib import Path
from typing import Any

import pytest

from lobass_core.errors import RequestError
from lobass_core.formats.detect import Detection, parse_row
from lobass_core.formats.raw_records import decode_line
from lobass_core.specs import ImportSpec
from lobass_core.workflows.source_file import ReadRow, SourceFile

CASES = Path(__file__).parent / "cases"


def opened(path: Path, **settings: Any) -> SourceFile:
    return SourceFile.open(ImportSpec(path=str(path), domain="d", **settings))


def contents(rows: list[ReadRow]) -> list[list[str]]:
    return [[turn.content for turn in row.sample.turns] for row in rows if row.sample]


def test_splits_are_all_read_and_named() -> None:
    source = opened(CASES / "json-shapes/splits.json")
    rows = list(source.rows())
    assert [row.value["split"] for row in rows] == ["train"] * 3 + ["validation"] + ["test"] * 2
    assert rows[0].source == ('{"split": "train", "prompt": "What colour is a ripe lemon?", "response": "Yellow."}')
    assert [json.loads(row.source) for row in rows] == [row.value for row in rows]
    assert source.stream.shape == (
        "one JSON object with its rows under 'train', 'validation' and 'test'; the column split tells them apart"
    )
    by_split = SourceFile.open(ImportSpec(path=str(CASES / "json-shapes/splits.json"), domain_column="split"))
    assert [row.domain for row in by_split.rows()] == ["train"] * 3 + ["validation"] + ["test"] * 2


@pytest.mark.parametrize("name", ["dataset.test", "test"])
def test_one_list_can_be_asked_for(name: str) -> None:
    source = opened(CASES / "json-shapes/nested_wrapper.json", row_list=name)
    [row] = source.rows()
    assert row.source == '{"prompt": "What colour is a ripe lemon?", "response": "Yellow."}'
    assert source.stream.shape == "one JSON object with its rows under 'dataset.test'; not read: 'dataset.train'"


def test_a_list_that_is_not_there() -> None:
    with pytest.raises(RequestError, match="the object has no list of rows named 'dev'") as caught:
        opened(CASES / "json-shapes/splits.json", row_list="dev")
    assert caught.value.do == "Its lists are 'train', 'validation', 'test'."
    for path, option in (("plain.jsonl", {"row_list": "train"}), ("plain.parquet", {"skip_lines": 1})):
        with pytest.raises(RequestError, match="the file has no"):
            opened(CASES / "arrow" / path, **option)


def test_lists_of_other_things_are_rejected_or_named_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    good = {"prompt": "p", "response": "r"}
    path.write_text(json.dumps({"images": [{"file": "a.png"}], "rows": [good], "info": {"by": [{"name": "x"}]}}))
    source = opened(path)
    assert [row.reason for row in source.rows()] == ["'prompt' is missing", ""]
    assert source.stream.shape.endswith("; not read: 'info.by'")
    path.write_text(json.dumps({"train": [good], "test": [[{"role": "user", "content": "q"}]], "split": [good]}))
    assert [row.value for row in opened(path).rows()] == [
        {"split": "train", **good},
        {"split": "test", "messages": [{"role": "user", "content": "q"}]},
        {"split": "split", **good},
    ]
    own = {**good, "split": "mine"}
    path.write_text(json.dumps({"train": [own], "test": [good]}))
    assert [row.value for row in opened(path).rows()] == [{"file_split": "train", **own}, {"split": "test", **good}]


def test_tables_in_an_object_keep_numbers_and_say_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"prompt": ["a", "b", "c"], "response": [3.10, "x"], "version": 2}')
    rows = list(opened(path).rows())
    assert contents(rows) == [["a", "3.10"], ["b", "x"]]
    assert rows[0].source == '{"prompt": "a", "response": 3.10}'
    assert rows[2].reason == "the columns differ in length: the longest has 3 values, response has 2"
    path.write_text('{"train": {"prompt": ["a"], "response": ["b"]}, "test": {"prompt": ["c"], "response": ["d"]}}')
    assert contents(list(opened(path).rows())) == [["a", "b"], ["c", "d"]]
    path.write_text('{"features": [], "rows": [{"row_idx": 0, "row": {"text": "t"}, "truncated_cells": ["text"]}]}')
    [row] = opened(path, format="text").rows()
    assert row.reason == "the Hub's response truncates the cells text: download the file itself"


def test_one_conversation_and_a_row_of_turns_stay_a_single_row(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    for row in (
        {"messages": messages, "tools": [{"type": "function", "function": {"name": "f"}}]},
        {"instruction": "q", "output": "a", "history": [["x", "y"]]},
        {"prompt": messages[:1], "completion": messages[1:]},
    ):
        path.write_text(json.dumps(row))
        assert [found.value for found in opened(path).rows()] == [row]
    path.write_text(json.dumps(messages))
    with pytest.raises(Exception, match="its records are single turns"):
        opened(path)


def test_text_after_an_object_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    # Longer than what is looked at to tell an object from several.
    path.write_text(json.dumps({"data": [{"prompt": "p" * 1_100_000, "response": "r"}]}, indent=1) + '\n["rest"]')
    rows = list(opened(path).rows())
    assert [(row.row_index, row.reason) for row in rows] == [(0, ""), (1, "text after the end of the object")]


def test_skipped_lines_count_as_lines() -> None:
    rows = list(opened(CASES / "csv/title_line.csv", skip_lines=2).rows())
    assert [(row.line, *(turn.content for turn in row.sample.turns)) for row in rows if row.sample] == [
        (4, "What colour is a ripe lemon?", "Yellow."),
        (5, "Name a planet with rings.", "Saturn has bright rings."),
        (6, "How many legs has a spider?", "Eight legs."),
    ]
    assert len(list(opened(CASES / "json-shapes/comments.json", skip_lines=1).rows())) == 3
    with pytest.raises(RequestError, match="-1 lines cannot be skipped"):
        ImportSpec("a.csv", domain="d", skip_lines=-1)


ROLES = (
    ("gpt4", "assistant"),
    ("问", "user"),
    ("答", "assistant"),
    ("0", "user"),
    ("1", "assistant"),
    ("AI ", "assistant"),
)


def test_unknown_speakers_get_a_role() -> None:
    source = opened(CASES / "roles/odd_roles.jsonl", roles=ROLES)
    rows = list(source.rows())
    plain = list(opened(CASES / "roles/odd_roles.jsonl").rows())
    newly = {row.row_index for row, before in zip(rows, plain, strict=True) if row.sample and not before.sample}
    assert newly == {0, 6, 8, 17}
    assert [(turn.role, turn.content) for turn in rows[8].sample.turns] == [  # type: ignore[union-attr]
        ("user", "Name a fruit."),
        ("assistant", "Mango."),
    ]
    # The settings lie in the mapping: with it the stored record reads as the same sample.
    detection = Detection(source.detection.format, source.detection.mapping, "", 1.0)
    again = [parse_row(decode_line(row.source), detection).sample for row in rows if row.sample]
    assert again == [row.sample for row in rows if row.sample]


def test_roles_reach_every_form_of_a_conversation(tmp_path: Path) -> None:
    turns = [{"from": "Q", "value": "q"}, {"from": "gpt-4", "value": "a"}]
    columns = {"from": ["Q", "gpt-4"], "value": ["q", "a"]}
    rows = [
        {"conversations": turns},
        {"conversations": json.dumps(turns)},
        {"conversations": repr(turns)},
        {"conversations": columns},
        turns,
        {"prompt": turns[0], "completion": turns[1]},
    ]
    path = tmp_path / "a.jsonl"
    for row in rows:
        path.write_text(json.dumps(row) + "\n" + json.dumps(row) + "\n")
        read = list(opened(path, roles=(("q", "user"), ("gpt-4", "assistant"))).rows())
        assert contents(read) == [["q", "a"]] * 2, row
    with pytest.raises(RequestError, match="unknown role 'robot'"):
        ImportSpec("a.jsonl", domain="d", roles=(("gpt4", "robot"),))


@pytest.mark.parametrize(
    ("name", "expected", "media"),
    [
        ("alpaca_images.jsonl", [["Describe.", "A pier."], ["Describe a pier.", "Long."]], [{"image": 1}, None]),
        ("hub_image.parquet", [["What?", "A pier."], ["Where?", "At sea."]], [{"image": 1}, {"image": 1}]),
        (
            "llava.jsonl",
            [["What is shown?", "A harbour with boats."], ["Name a boat.", "Ketch."]],
            [{"image": 1}, None],
        ),
        (
            "sharegpt_images.jsonl",
            [["Who is it?", "A goalkeeper."], ["What happens?", "A goal."], ["What is said?", "Hello."]],
            [{"image": 1}, {"video": 1}, {"audio": 1}],
        ),
    ],
)
def test_text_without_its_pictures(name: str, expected: list, media: list) -> None:
    source = opened(CASES / "images" / name, text_only=True)
    rows = list(source.rows())
    assert contents(rows) == expected
    assert [row.media for row in rows] == media
    detection = Detection(source.detection.format, source.detection.mapping, "", 1.0)
    assert [parse_row(decode_line(row.source), detection).sample for row in rows] == [row.sample for row in rows]
    assert parse_row(decode_line(rows[0].source), detection).extra.keys() <= {"id"}


def test_media_in_turns_and_parts(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    parts = [
        {"type": "text", "text": "What is "},
        {"type": "image_url", "image_url": {"url": "x"}},
        {"type": "input_audio", "input_audio": {}},
        {"type": "text", "text": "this?"},
    ]
    answer = {"role": "assistant", "content": "A sea."}
    rows: list[dict] = [
        {"messages": [{"role": "user", "content": parts}, answer]},
        {"messages": [{"role": "user", "content": "Look\n<image>\nhere", "images": ["a", "b"]}, answer]},
        {"messages": [{"role": "user", "content": "An SVG has <image> tags."}, answer]},
        {"messages": [{"role": "user", "content": "No <video>"}, answer], "videos": None},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [row.reason for row in opened(path).rows()] == [
        "has 1 image and 1 audio file besides its text; only text is read",
        "has 2 images besides its text; only text is read",
        "",
        "has 1 video besides its text; only text is read",
    ]
    taken = list(opened(path, text_only=True).rows())
    assert [turns[0] for turns in contents(taken)] == [
        "What is this?",
        "Look\nhere",
        "An SVG has <image> tags.",
        "No ",
    ]


def test_columns_are_joined_and_lists_written_a_line_an_item(tmp_path: Path) -> None:
    path = tmp_path / "aqua.jsonl"
    row = {"question": "A train?", "options": ["A)21", "B)21.50", 3], "rationale": "Because.", "correct": "A"}
    path.write_text(json.dumps(row).replace("3]", "3.10]") + "\n")
    for joined in ("question,options", "question+options", "question, options"):
        source = opened(path, mapping=(("prompt", joined), ("response", "rationale")))
        [read] = source.rows()
        assert contents([read]) == [["A train?\nA)21\nB)21.50\n3.10", "Because."]]
        assert source.detection.mapping == {"prompt": "question+options", "response": "rationale"}
    [alone] = opened(path, mapping=(("prompt", "question"), ("response", "options"))).rows()
    assert contents([alone]) == [["A train?", "A)21\nB)21.50\n3.10"]]
    with pytest.raises(RequestError, match="no row has the column 'question,choices' given for prompt"):
        opened(path, mapping=(("prompt", "question,choices"), ("response", "correct")))


def test_a_column_whose_name_holds_a_comma() -> None:
    mapping = (("prompt", "prompt, as asked"), ("response", "response"))
    source = opened(CASES / "csv/semicolon_comma_in_header.csv", mapping=mapping)
    assert contents(list(source.rows()))[0] == ["What colour is a ripe lemon?", "Yellow."]
