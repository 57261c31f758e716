"""What trainers do without a word, told beforehand: each rule on the row that it is about."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from lobass_core.exporting import row_facts as fact
from lobass_core.exporting.findings import Preflight
from lobass_core.exporting.judge import judge
from lobass_core.exporting.lengths import Lengths
from lobass_core.exporting.plan import PICKS_SCHEMA, ExportPlan, ExportRow, SourceFile
from lobass_core.exporting.row_facts import bits_of, look_at
from lobass_core.jobs.token_files import KeptLengths
from lobass_core.records import Sample, Turn

ASK, ANSWER, EMPTY = Turn("user", "2+2?"), Turn("assistant", "4"), Turn("assistant", "")
CALL = Turn("assistant", "", tool_calls='[{"type":"function","function":{"name":"f","arguments":"{}"}}]')
SOURCE = SourceFile("d", "d.jsonl", "0" * 64, 9, 0, "messages", {}, "jsonl", "utf-8")


def _preflight(
    format: str, *samples: Sample, lengths: list[tuple[int, int]] | None = None, cutoff: int = 0, flags: str = ""
) -> Preflight:
    lengths = lengths or [(5, 5)] * len(samples)
    picks = pa.table(
        {
            "source": [0] * len(samples),
            "row_index": list(range(len(samples))),
            "sample_id": [sample.sample_id for sample in samples],
            "domain": ["math"] * len(samples),
            "rank": list(range(1, len(samples) + 1)),
            "reason": ["score"] * len(samples),
            **{name: [1.0] * len(samples) for name in ("score", "learnability", "base_loss", "reference_loss")},
            "n_response_tokens": [n for _, n in lengths],
            "n_prompt_tokens": [n for n, _ in lengths],
            "flags": [flags] * len(samples),
        },
        schema=PICKS_SCHEMA,
    )
    plan = ExportPlan(format, "s", (SOURCE,), picks, {})  # type: ignore[arg-type]
    rows = [ExportRow("d", index, "math", sample, {}) for index, sample in enumerate(samples)]
    facts = look_at(rows)
    one_answer = (facts.bits & np.uint32(fact.SEVERAL_ANSWERS)) == 0
    lengths_known = Lengths.counted(picks, one_answer)
    return judge(plan, facts, lengths_known, format, cutoff)  # type: ignore[arg-type]


def _found(preflight: Preflight) -> dict[tuple[str, str], list[int]]:
    """(rule, effect) -> places, of the rules that touch a row, those apart that say how it is written."""
    return {
        (finding.rule, finding.effect): finding.places.tolist()
        for finding in preflight.findings
        if finding.n_rows and finding.effect != "written"
    }


GOOD = Sample.of((ASK, ANSWER))
THOUGHT = Sample.of((ASK, Turn("assistant", "4", reasoning_content="two and two")))


@pytest.mark.parametrize(
    ("format", "found", "n_left"),
    [
        ("trl", {}, 2),
        ("axolotl", {}, 2),
        ("messages", {}, 2),
        ("source", {}, 2),
        ("llama-factory", {("reasoning beside the content", "cut"): [1], ("other samples", "other id"): [1]}, 2),
        ("sharegpt", {("reasoning beside the content", "cut"): [1]}, 2),
        ("alpaca", {("does not fit", "not written"): [1]}, 1),
    ],
)
def test_formats_that_lose_reasoning_say_so(format, found, n_left):
    preflight = _preflight(format, GOOD, THOUGHT)
    assert (_found(preflight), preflight.n_left) == (found, n_left)


@pytest.mark.parametrize("format", ["trl", "llama-factory", "axolotl", "messages", "alpaca", "sharegpt", "source"])
def test_a_plain_exchange_is_fine_everywhere(format):
    preflight = _preflight(format, GOOD)
    assert _found(preflight) == {}
    assert (preflight.n_rows, preflight.n_left) == (1, 1)


@pytest.mark.parametrize(
    ("turns", "trl", "llama_factory", "axolotl"),
    [
        ((ASK, ANSWER, ASK), "no answer at the end", "not in turns", "no answer at the end"),
        ((ANSWER, ASK, ANSWER), "answer at the start", "not in turns", None),
        ((ASK, ASK, ANSWER), None, "not in turns", None),
        ((ASK, EMPTY), "empty answer", "empty answer", "empty answer"),
        ((ASK, ANSWER, ASK, EMPTY), "empty answer", "empty answer", "some empty answers"),
        ((ASK, Turn("assistant", "5", weight=0.0), ASK, ANSWER, ASK, ANSWER), None, "weight 0", None),
        ((ASK, CALL, Turn("tool", "4"), ANSWER), None, None, None),
        ((ASK, CALL, Turn("tool", "4"), Turn("tool", "4"), ANSWER), None, None, None),
    ],
)
def test_rules_of_shape(turns, trl, llama_factory, axolotl):
    for format, rule in (("trl", trl), ("llama-factory", llama_factory), ("axolotl", axolotl)):
        found = _found(_preflight(format, GOOD, Sample.of(turns)))
        shown = [(name, places) for (name, _), places in found.items() if name != "other samples"]
        assert shown == ([(rule, [1])] if rule else []), format


def test_what_is_lost_and_what_is_not():
    start, empty = Sample.of((ANSWER, ASK, ANSWER)), Sample.of((ASK, EMPTY))
    assert {name: _preflight(name, GOOD, start, empty).n_left for name in ("trl", "llama-factory", "axolotl")} == {
        "trl": 3,
        "llama-factory": 2,
        "axolotl": 2,
    }


def test_weights_are_honoured_by_the_script_and_by_no_bare_trainer():
    sample = Sample.of((ASK, Turn("assistant", "5", weight=0.0), ASK, ANSWER, ASK, ANSWER))
    assert _found(_preflight("trl", sample)) == {}
    for format in ("messages", "huggingface", "llama-factory"):
        assert _found(_preflight(format, sample))[("weight 0", "trained as it is")] == [0]
    last = Sample.of((ASK, ANSWER, ASK, Turn("assistant", "5", weight=0.0)))
    assert _found(_preflight("prompt-completion", last)) == {("weight 0", "trained as it is"): [0]}


def test_prompt_and_completion_says_that_earlier_answers_are_not_learnt():
    assert _found(_preflight("prompt-completion", GOOD, Sample.of((ASK, ANSWER, ASK, ANSWER)))) == {
        ("earlier answers", "cut"): [1]
    }


def test_pairs_of_texts_are_shorter_in_trl_than_they_were_scored():
    """TRL reads texts without the chat template: whether a prompt near the limit fills it is not known."""
    other = Sample.of((ASK, ANSWER, ASK, ANSWER))
    at_all = _preflight("prompt-completion", *[GOOD] * 4, lengths=[(5, 5), (99, 5), (100, 5), (164, 5)], cutoff=100)
    assert (at_all.n_left, at_all.n_unknown) == (2, 1)
    found = _found(at_all)
    assert found[("pairs of texts", "trained as it is")] == [0, 1, 2, 3]
    assert found[("prompt over the limit", "dropped")] == [3]
    assert found[("length not known", "unknown")] == [2]
    turns = _preflight("prompt-completion", GOOD, GOOD, other, lengths=[(99, 5), (100, 5), (5, 5)], cutoff=100)
    assert (turns.n_left, turns.n_unknown) == (2, 0)
    assert ("pairs of texts", "trained as it is") not in _found(turns)


def test_parallel_results_are_one_turn_in_the_layout_for_llama_factory_alone():
    both = Sample.of((ASK, Turn("assistant", "", tool_calls=CALL.tool_calls), *[Turn("tool", "4")] * 2, ANSWER))
    assert _found(_preflight("sharegpt", both))[("not in turns", "dropped")] == [0]
    assert ("not in turns", "dropped") not in _found(_preflight("llama-factory", both))


def test_an_empty_chosen_answer_is_said():
    pair = Sample.of((ASK, EMPTY), kind="preference", rejected=(ANSWER,))
    for format, rule in (
        ("trl", "empty answer"),
        ("llama-factory", "empty answer"),
        ("axolotl", "empty chosen answer"),
    ):
        assert _found(_preflight(format, pair))[(rule, "trained as it is")] == [0]


def test_rows_that_come_back_as_other_samples_are_counted():
    calls = '[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]'
    named = Sample.of((ASK, Turn("assistant", "", tool_calls=calls), Turn("tool", "4", tool_call_id="c1"), ANSWER))
    assert _found(_preflight("llama-factory", GOOD, named)) == {("other samples", "other id"): [1]}
    assert _found(_preflight("trl", GOOD, named)) == {}


@pytest.mark.parametrize(
    ("cutoff", "trl", "axolotl"),
    [
        (1024, {}, {}),
        # The prompt has 400 tokens, the chosen answer 100; of the rejected one only its 90 bytes are known.
        (500, {}, {("length of the rejected answer not known", "unknown"): [0]}),
        (450, {("answer over the limit", "cut"): [0]}, {("over the limit", "dropped"): [0]}),
        (400, {("prompt over the limit", "dropped"): [0]}, {("over the limit", "dropped"): [0]}),
    ],
)
def test_lengths_of_pairs(cutoff, trl, axolotl):
    pair = Sample.of((ASK, ANSWER), kind="preference", rejected=(Turn("assistant", "x" * 90),))
    for format, expected in (("trl", trl), ("axolotl", axolotl)):
        assert _found(_preflight(format, pair, lengths=[(400, 100)], cutoff=cutoff)) == expected, format


#            prompt, response: fits    answer over  prompt over   just fits    long answer
LENGTHS = [(400, 100), (900, 300), (1100, 10), (1000, 24), (100, 1500)]


@pytest.mark.parametrize(
    ("format", "expected", "n_left"),
    [
        ("trl", {("prompt over the limit", "dropped"): [2], ("answer over the limit", "cut"): [1, 4]}, 4),
        ("llama-factory", {("prompt over the limit", "cut"): [1, 2], ("answer over the limit", "cut"): [4]}, 5),
        ("axolotl", {("over the limit", "dropped"): [1, 2, 4]}, 2),
    ],
)
def test_rules_of_length(format, expected, n_left):
    samples = [Sample.of((Turn("user", str(place)), ANSWER)) for place in range(5)]
    preflight = _preflight(format, *samples, lengths=LENGTHS, cutoff=1024)
    assert _found(preflight) == expected
    assert preflight.n_left == n_left


def test_own_limits():
    limits = {name: _preflight(name, GOOD).cutoff_tokens for name in ("trl", "llama-factory", "axolotl", "source")}
    assert limits == {"trl": 1024, "llama-factory": 2048, "axolotl": 2048, "source": 0}


def test_where_the_first_of_several_answers_begins_is_not_guessed():
    chat = Sample.of((ASK, ANSWER, ASK, ANSWER))
    preflight = _preflight("trl", chat, lengths=[(1100, 10)], cutoff=1024)
    assert _found(preflight) == {("length not known", "unknown"): [0]}
    assert (preflight.n_left, preflight.n_unknown) == (0, 1)
    assert preflight.to_dict()["n_unknown"] == 1
    assert "tokens are not on disk" in _why(preflight)


def _why(preflight: Preflight) -> str:
    """The reason of the one finding of rows of which it is uncertain what becomes of them."""
    (why,) = [finding.why for finding in preflight.findings if finding.effect == "unknown" and finding.n_rows]
    return why


def test_what_is_uncertain_has_the_reason_of_its_own_row():
    """A row that was cut at both ends is on disk, and longer than the limit: only its answer's place is not known."""
    samples = [Sample.of((Turn("user", str(place)), ANSWER)) for place in range(3)]
    counted = _preflight("trl", *samples, lengths=[(0, 0), (300, 12), (9, 9)], flags="truncated", cutoff=1024)
    whys = {finding.why: finding.places.tolist() for finding in counted.findings if finding.effect == "unknown"}
    assert list(whys.values()) == [[0], [1, 2]]
    assert [why.split(":")[0] for why in whys] == [
        "they were not scored",
        "they were cut when they were scored, and their tokens are not on disk",
    ]
    kept = KeptLengths(*(np.array([value]) for value in (512, 256, 256, 512, 1)), lost_start=np.array([True]))
    lengths = Lengths.measured(kept, np.array([900]), np.array([1]), 512)
    plan = replace(counted.plan, picks=counted.plan.picks.slice(0, 1))
    cut = judge(plan, look_at([ExportRow("d", 0, "math", samples[0], {})]), lengths, "trl", 1024)
    (finding,) = [finding for finding in cut.findings if finding.effect == "unknown"]
    assert finding.what == "are cut, or dropped if the prompt alone fills 1,024 tokens"
    assert _why(cut).startswith("they were cut when they were scored, so it is not known where the answer begins")


def test_lengths_that_nobody_knows_are_counted_not_guessed():
    preflight = _preflight("axolotl", GOOD, lengths=[(500, 12)], flags="truncated", cutoff=1024)
    assert _found(preflight) == {("length not known", "unknown"): [0]}
    assert "their tokens are not on disk" in _why(preflight)
    assert (preflight.n_left, preflight.n_unknown) == (0, 1)


def test_refused_rows_have_reasons_and_no_other_findings():
    tools = Sample.of((ASK, CALL, Turn("tool", "4"), ANSWER))
    preflight = _preflight("alpaca", GOOD, tools, Sample.of((ASK, ANSWER, ASK)), lengths=[(9999, 1)] * 3)
    refusals = [
        (finding.why, finding.places.tolist()) for finding in preflight.findings if finding.effect == "not written"
    ]
    assert refusals == [
        ("Alpaca has no field for tools", [1]),
        ("user and assistant do not take turns, as Alpaca requires", [2]),
    ]
    assert preflight.n_left == 1
    assert _found(preflight)[("prompt over the limit", "cut")] == [0]


def test_repeats_name_the_later_row():
    preflight = _preflight("trl", GOOD, Sample.of((Turn("user", "?"), ANSWER)), GOOD)
    assert _found(preflight) == {("repeats", "trained as it is"): [2]}
    (finding,) = [finding for finding in preflight.findings if finding.rule == "repeats"]
    assert preflight.rows(finding) == [{"dataset": "d", "row_index": 2, "sample_id": GOOD.sample_id}]


def test_as_plain_values_for_the_command_line():
    values = _preflight("axolotl", GOOD, Sample.of((ASK, EMPTY))).to_dict()
    json.dumps(values)
    assert values["n_left"] == 1 and values["findings"][0]["rows"] == []
    (masked,) = [finding for finding in values["findings"] if finding["effect"] == "masked"]
    assert [row["row_index"] for row in masked["rows"]] == [1]


def test_pairs_and_texts_are_not_judged_as_chats():
    pair = Sample.of((ASK, ANSWER), kind="preference", rejected=(Turn("assistant", "5"),))
    assert bits_of(pair) == fact.PAIR
    assert bits_of(Sample.of((Turn("assistant", ""),), kind="text")) == fact.TEXT
    assert np.array_equal(look_at([]).bits, [])


@pytest.mark.parametrize(
    ("format", "places"),
    [("alpaca", [1]), ("llama-factory", [1]), ("sharegpt", []), ("trl", []), ("messages", [])],
)
def test_formats_that_leave_fields_of_turns_out_say_so(format, places):
    planned = Sample.of((ASK, Turn("assistant", "4", extra='{"plan":"add"}')))
    joined = Sample.of((ASK, Turn("assistant", "5", extra='{"content_parts":["5"]}')))
    found = {finding.rule: finding for finding in _preflight(format, GOOD, planned, joined).findings}
    rule = found.get("other fields of turns")
    assert (rule.places.tolist() if rule else []) == places
    assert rule is None or rule.effect == "written"
