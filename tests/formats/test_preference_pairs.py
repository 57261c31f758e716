"""Preference pairs: every published shape gives the same sample, and comes back whole."""

import pytest

from lobass_core.formats import FORMATS
from lobass_core.formats.preference import n_prompt_turns
from lobass_core.records import Sample, Turn
from tests.formats.parsing import ANSWER, USER, parse


def test_thoughts_of_a_pair_are_kept_on_both_sides() -> None:
    row = {
        "prompt": [{"role": "user", "content": "2+2?"}],
        "chosen": [{"role": "assistant", "content": "4", "reasoning_content": "easy"}],
        "rejected": [{"role": "assistant", "content": "5", "thinking": "hm"}],
    }
    sample = parse("preference", row)
    assert sample.turns[-1] == Turn("assistant", "4", reasoning_content="easy")
    assert sample.rejected == (Turn("assistant", "5", thinking="hm"),)
    assert FORMATS["preference"].build(sample, {}) == row


DIALOGUE = "\n\nHuman: Hi.\n\nAssistant: Hello.\n\nHuman: 2+2?\n\nAssistant: "


@pytest.mark.parametrize(
    "row",
    [
        {"chosen": DIALOGUE + "4", "rejected": DIALOGUE + "5"},
        {"prompt": DIALOGUE, "chosen": "4", "rejected": "5"},
        {
            "conversations": [
                {"from": "human", "value": "Hi."},
                {"from": "gpt", "value": "Hello."},
                {"from": "human", "value": "2+2?"},
            ],
            "chosen": {"from": "gpt", "value": "4"},
            "rejected": {"from": "gpt", "value": "5"},
        },
    ],
)
def test_every_shape_of_a_pair_is_the_same_sample(row: dict) -> None:
    mapping = {"prompt": "conversations"} if "conversations" in row else {}
    sample = parse("preference", row, **mapping)
    assert [turn.content for turn in sample.turns] == ["Hi.", "Hello.", "2+2?", "4"]
    assert sample.rejected == (Turn("assistant", "5"),)
    assert n_prompt_turns(sample) == 3
    assert parse("preference", FORMATS["preference"].build(sample, {})) == sample


def test_a_pair_that_repeats_its_prompt() -> None:
    prompt = [{"role": "user", "content": "2+2?"}]
    row = {
        "prompt": "2+2?",
        "chosen": [*prompt, {"role": "assistant", "content": "4"}],
        "rejected": [*prompt, {"role": "assistant", "content": "5"}],
        "score": 1,
    }
    parsed = FORMATS["preference"].parse(row, {})
    assert parsed.sample == Sample.of((USER, ANSWER), kind="preference", rejected=(Turn("assistant", "5"),))
    assert parsed.extra == {"score": 1}


def test_dialogues_that_part_early_come_back_whole() -> None:
    chosen = "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: d"
    rejected = "\n\nHuman: a\n\nAssistant: x"
    sample = parse("preference", {"chosen": chosen, "rejected": rejected})
    assert n_prompt_turns(sample) == 1
    built = FORMATS["preference"].build(sample, {})
    assert [turn["content"] for turn in built["prompt"]] == ["a"]
    assert [turn["content"] for turn in built["chosen"]] == ["b", "c", "d"]
    assert built["rejected"] == [{"role": "assistant", "content": "x"}]
    assert parse("preference", built) == sample


def test_equal_sides_keep_an_answer_each() -> None:
    sample = parse("preference", {"prompt": "2+2?", "chosen": "4", "rejected": "4"})
    assert (sample.turns, sample.rejected) == ((USER, ANSWER), (ANSWER,))
