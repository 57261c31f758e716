"""Rows of an export become the tokens that were scored: ids and labels, under templates of every kind."""

import json
from collections.abc import Callable

import jinja2
import pyarrow as pa
import pytest

from lobass_core.exporting.arrow_rows import CHAT_SHAPES, row_schema
from lobass_core.exporting.plan import ExportRow
from lobass_core.exporting.survey import survey
from lobass_core.exporting.trainer_rows import MessageStyle, trl_row
from lobass_core.formats.messages import parse
from lobass_core.records import Sample, Turn
from lobass_core.rendering.carried_template import carried_template
from lobass_core.rendering.chat_jinja import compile_template
from lobass_core.rendering.exported_rows import RowsAsTokens, as_templates_read
from lobass_core.rendering.render import Renderer
from lobass_core.rendering.templates import BUILT_IN, Template
from tests.chat_templates import EVERY
from tests.models import tiny_tokenizer


def _chat(*messages: dict, **more) -> Sample:
    return parse({"messages": list(messages), **more}, {}).sample


def _said(role: str, content: str, **more) -> dict:
    return {"role": role, "content": content, **more}


def _call(name: str, **arguments) -> dict:
    return {"id": "c1", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
PLAIN = [
    _chat(_said("user", "2+2?"), _said("assistant", "4")),
    _chat(
        _said("system", "Be brief."),
        _said("user", "Hi  "),
        _said("assistant", "  Hello \n"),
        _said("user", "Bye"),
        _said("assistant", "Goodbye", weight=0),
        _said("user", "Really?"),
        _said("assistant", "Yes <|im_end|> é"),
    ),
    _chat(_said("user", "Say nothing."), _said("assistant", "")),
    _chat(_said("user", "\ufdd0 marks"), _said("assistant", "and \ufdd1 more")),
]
CALLS = [
    _chat(
        _said("user", "Oslo?"),
        _said("assistant", "", tool_calls=[_call("weather", city="Oslo", days=2)]),
        _said("tool", '{"c": 4}', tool_call_id="c1"),
        _said("assistant", "4 °C"),
        tools=[TOOL],
    ),
    _chat(
        _said("user", "Rome?"),
        _said("assistant", "Let me look.", tool_calls=[_call("weather", town="Rome", exact=True)]),
        _said("tool", "20", tool_call_id="c1"),
        _said("assistant", "Warm."),
    ),
]
THOUGHTS = [
    _chat(
        _said("user", "2+2?"),
        _said("assistant", "4", reasoning_content="two and two"),
        _said("user", "3+3?"),
        _said("assistant", "6", reasoning_content="three and three", mood="calm"),
    ),
    _chat(_said("user", "Hi"), _said("assistant", "Hello")),
]
ALPACA = Sample.of((Turn("user", "Simplify.\n\n4/16", input="4/16"), Turn("assistant", "1/4")))
TEXT = Sample.of((Turn("assistant", "Once upon a time."),), kind="text")


def _as_loaded(samples: list[Sample]) -> list[dict]:
    """The rows as `datasets` gives them back: every message with every key, null where it had none."""
    found = survey(ExportRow("d", place, "d", sample, {}) for place, sample in enumerate(samples))
    style = MessageStyle(found.turn_columns, calls_as_text=not found.plain_calls)
    kind = samples[0].kind
    schema = row_schema(found, kind, CHAT_SHAPES[kind], style)
    return pa.Table.from_pylist([trl_row(sample, style) for sample in samples], schema=schema).to_pylist()


def _renderer(template: str, mask_rule: str) -> tuple[Renderer, Callable[[dict], dict]]:
    tokenizer = tiny_tokenizer(template)
    renderer = Renderer(tokenizer, Template("t", template, "test"), mask_rule, 10_000)
    tokenizer.chat_template = carried_template(Template("t", template, "test"))
    return renderer, RowsAsTokens(tokenizer, mask_rule)


def _check(samples: list[Sample], template: str, mask_rule: str = "all") -> int:
    """Compare every sample that the template can render; returns how many those were."""
    renderer, as_tokens = _renderer(template, mask_rule)
    n_compared = 0
    for scored, row in zip(renderer.render(samples), _as_loaded(samples), strict=True):
        if not len(scored.input_ids):
            continue
        made = as_tokens(row)
        assert made["input_ids"] == scored.input_ids.tolist()
        learnt = [label != -100 for label in made["labels"]]
        assert learnt == scored.response_mask.tolist(), scored.text
        assert [i for i, flag in zip(made["labels"], learnt, strict=True) if flag] == scored.input_ids[
            scored.response_mask
        ].tolist()
        n_compared += 1
    return n_compared


@pytest.mark.parametrize("mask_rule", ["all", "last"])
@pytest.mark.parametrize("name", [*EVERY, *BUILT_IN])
def test_plain_chats(name, mask_rule):
    assert _check(PLAIN, (EVERY | BUILT_IN)[name], mask_rule) == len(PLAIN)


@pytest.mark.parametrize("name", ["prints json", "walks arguments", "joins arguments", "asks for the key", "chatml"])
def test_tool_calls(name):
    n_compared = _check([*CALLS, *PLAIN], (EVERY | BUILT_IN)[name])
    # The template that asks for the key prints a call and nothing of the text beside it: the renderer refuses that row.
    assert n_compared == len(PLAIN) + (1 if name == "asks for the key" else 2)


def test_keys_of_a_call_keep_their_order():
    """ChatML prints a call as it is. One order becomes an Arrow type, two become text."""
    first = {"type": "function", "function": {"arguments": '{"city": "Oslo"}', "name": "weather"}}
    turned = _chat(_said("user", "Oslo?"), _said("assistant", "", tool_calls=[first]))
    found = survey([ExportRow("d", 0, "d", turned, {})])
    assert (found.plain_calls, found.function_keys) == (True, ("arguments", "name"))
    assert _check([turned], BUILT_IN["chatml"]) == 1
    both = survey(ExportRow("d", place, "d", sample, {}) for place, sample in enumerate([turned, *CALLS]))
    assert not both.plain_calls
    assert _check([turned, *CALLS], BUILT_IN["chatml"]) == 3


def test_marks_of_the_template_say_where_an_answer_ends():
    """The end of this template's answers is no special token: nothing but the marks tells that it is learnt."""
    template = (
        "{%- for message in messages %}{{- message.role + ': ' }}{%- if message.role == 'assistant' %}"
        "{%- generation -%} {{- message.content + ' [end]' }}{%- endgeneration %}{%- else %}{{- message.content }}"
        "{%- endif %}{{- '\\n' }}{%- endfor %}"
    )
    assert _check(PLAIN, template) == len(PLAIN)
    learnt = _renderer(template, "all")[1]({"messages": [_said("user", "Hi"), _said("assistant", "Yes")]})["labels"]
    assert tiny_tokenizer().decode([token for token in learnt if token != -100]) == "Yes [end]"


@pytest.mark.parametrize("name", ["thinks", "prints json"])
def test_reasoning_in_a_field_of_its_own(name):
    """Printed before the answer, with a mood, by a template that reads both fields; ignored by others."""
    assert _check([*THOUGHTS, *PLAIN], EVERY[name]) == len(PLAIN) + 2
    if name == "thinks":
        assert "calm" in _renderer(EVERY[name], "all")[0].render(THOUGHTS)[0].text


@pytest.mark.parametrize("name", BUILT_IN)
def test_alpaca_rows_and_texts(name):
    assert _check([ALPACA, PLAIN[0]], BUILT_IN[name]) == 2
    assert _check([TEXT], BUILT_IN[name]) == 1


def test_a_template_that_prints_the_date_prints_the_date_of_the_scores():
    template = "{{ strftime_now('%d %b %Y') }} {{ strftime_now(\"%Y\") }}"
    tokenizer = tiny_tokenizer(carried_template(Template("t", template, "test")))
    assert tokenizer.apply_chat_template([{"role": "user", "content": "x"}], tokenize=False) == "26 Jul 2024 2024"
    assert carried_template(Template("t", "no date", "test")) == "no date"


def test_a_template_for_rows_with_tools_goes_along_in_the_same_file():
    template = Template(
        "t", "plain\n{{ messages[0].content }}\n", "test", tool_use="{%- if true %}\ntools\n{%- endif %}\n"
    )
    tokenizer = tiny_tokenizer(carried_template(template))
    messages = [{"role": "user", "content": "x"}]
    assert tokenizer.apply_chat_template(messages, tokenize=False) == "plain\nx"
    assert tokenizer.apply_chat_template(messages, tools=[TOOL], tokenize=False) == "tools"


def test_the_keys_that_arrow_adds_are_taken_away():
    """The comparisons above can fail: with its nulls, the same row is refused by a template that asks for the key."""
    row = _as_loaded([CALLS[0]])[0]
    assert row["messages"][0]["tool_calls"] is None
    template = compile_template(EVERY["asks for the key"])
    with pytest.raises(jinja2.UndefinedError):
        template.render(messages=row["messages"], bos_token="")
    read = [as_templates_read(message) for message in row["messages"]]
    assert "Oslo?" in template.render(messages=read, bos_token="")


@pytest.mark.parametrize("mask_rule", ["all", "last"])
def test_a_pair_learns_its_chosen_answer_and_ends_there(mask_rule):
    """The template prints a line break after the answer, which was not scored; the answer before was not either."""
    asked = [Turn("user", "Hi"), Turn("assistant", "Hello"), Turn("user", "2+2?")]
    pair = Sample.of((*asked, Turn("assistant", "4")), kind="preference", rejected=(Turn("assistant", "5"),))
    assert _check([pair], EVERY["prints json"], mask_rule) == 1
    renderer, as_tokens = _renderer(EVERY["prints json"], mask_rule)
    (scored,) = renderer.render([pair])
    ids = as_tokens.answered(_as_loaded([pair])[0])
    last = int(scored.response_mask.nonzero()[0][-1])
    assert ids == scored.input_ids[: last + 1].tolist() and last < len(scored.input_ids) - 1
