"""Masks, truncation, BOS, odd characters: exact ids and positions."""

import numpy as np
import pytest
from tokenizers import AddedToken

from lobass_core.errors import RenderError, RequestError
from lobass_core.records import Sample, Turn
from lobass_core.rendering.fingerprint import tokenizer_fingerprint
from lobass_core.rendering.notes import counted, sentences
from lobass_core.rendering.render import Renderer, resolve_max_tokens
from lobass_core.rendering.response_mask import response_mask
from lobass_core.rendering.templates import Template, load_template
from tests.models import tiny_tokenizer


def renderer(template: str = "plain", max_tokens: int = 512, mask_rule: str = "all") -> Renderer:
    tokenizer = tiny_tokenizer(None)
    return Renderer(tokenizer, load_template(template, tokenizer), mask_rule, max_tokens)


def chat(asked: str, said: str) -> Sample:
    return Sample.of([Turn("user", asked), Turn("assistant", said)])


def test_mask_by_characters():
    #                    [BOS]   What    is   2+2     4     EOS
    offsets = np.array([[0, 3], [3, 7], [7, 10], [10, 14], [14, 15], [15, 19]])
    assert response_mask(offsets, [(14, 19)]).tolist() == [False, False, False, False, True, True]
    # A token across the boundary holds the response's first characters.
    assert response_mask(offsets, [(12, 15)]).tolist() == [False, False, False, True, True, False]
    assert not response_mask(offsets, []).any()


def test_the_first_token_is_never_response():
    assert response_mask(np.array([[0, 2], [2, 4]]), [(0, 4)]).tolist() == [False, True]


def test_a_token_whose_white_space_was_trimmed_takes_the_gap_before_it():
    offsets = np.array([[0, 1], [2, 2], [2, 3]])
    assert response_mask(offsets, [(1, 3)]).tolist() == [False, True, True]
    assert response_mask(offsets, [(2, 3)]).tolist() == [False, False, True]


def test_ids_offsets_and_mask_agree():
    (item,) = renderer().render([chat("ab", "cd")])
    assert item.text == "<s>ab\ncd</s>"
    pieces = [item.text[start:end] for start, end in item.offsets]
    assert "".join(pieces) == item.text
    assert "".join(p for p, flag in zip(pieces, item.response_mask, strict=True) if flag) == "cd</s>"
    assert (item.input_ids.dtype, item.offsets.dtype, item.response_mask.dtype) == (np.int32, np.int32, np.bool_)


def test_order_and_company_change_nothing():
    samples = [chat("x" * n, "y" * (n + 1)) for n in range(5)]
    together = renderer().render(samples)
    for sample, item in zip(samples, together, strict=True):
        (alone,) = renderer().render([sample])
        assert alone.input_ids.tolist() == item.input_ids.tolist()
        assert alone.response_mask.tolist() == item.response_mask.tolist()


def test_no_samples_give_none():
    assert renderer().render([]) == []


def test_never_two_bos():
    tokenizer = tiny_tokenizer(None)
    twice = Template(
        "twice", "{{ bos_token }}{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}", "test"
    )
    (item,) = Renderer(tokenizer, twice, "all", 100).render([chat("ab", "cd")])
    assert item.text == "<s>abcd"
    assert item.input_ids.tolist().count(tokenizer.bos_token_id) == 1
    text = Sample.of([Turn("assistant", "<s>once")], kind="text")
    (item,) = renderer().render([text])
    assert item.text == "<s>once"
    assert item.response_mask.tolist() == [False] + [True] * (len(item.input_ids) - 1)


def test_whole_text_is_response_but_for_bos():
    (item,) = renderer().render([Sample.of([Turn("assistant", "hello you")], kind="text")])
    assert item.text == "<s>hello you"
    assert not item.response_mask[0]
    assert item.response_mask[1:].all()


def test_the_chosen_side_of_a_pair_is_scored():
    pair = Sample.of(
        [Turn("user", "a"), Turn("assistant", "good")], kind="preference", rejected=[Turn("assistant", "bad")]
    )
    (item,) = renderer().render([pair])
    assert item.text == "<s>a\ngood</s>"


@pytest.mark.parametrize("mask_rule", ["all", "last"])
def test_of_a_pair_the_chosen_answer_alone_is_scored(mask_rule: str):
    turns = [Turn("user", "a"), Turn("assistant", "shared"), Turn("user", "b"), Turn("assistant", "good")]
    pair = Sample.of(turns, kind="preference", rejected=[Turn("assistant", "bad")])
    (item,) = renderer(mask_rule=mask_rule).render([pair])
    assert item.text == "<s>a\nshared</s>\nb\ngood</s>"
    scored = "".join(item.text[start:end] for start, end in item.offsets[item.response_mask])
    assert scored == "good</s>"
    assert sentences(counted([item.notes])) == [
        "For 1 preference pair, only the chosen answer is scored, not the rejected one."
    ]
    # The same turns as a conversation teach both answers, unless the last one alone is asked for.
    (chat_item,) = renderer(mask_rule=mask_rule).render([Sample.of(turns)])
    scored = "".join(item.text[start:end] for start, end in chat_item.offsets[chat_item.response_mask])
    assert scored == ("shared</s>good</s>" if mask_rule == "all" else "good</s>")


@pytest.mark.parametrize("said", ["Baltic.", " Baltic.", "\nBaltic.", " \n\n Baltic."])
@pytest.mark.parametrize("strips", [{"rstrip": True}, {"lstrip": True, "rstrip": True}])
def test_a_marker_that_swallows_white_space_is_not_response(said: str, strips: dict):
    tokenizer = tiny_tokenizer(None)
    markers = [
        AddedToken(name, special=True, normalized=False, **strips) for name in ("<|user|>", "<|bot|>", "<|end|>")
    ]
    tokenizer.add_special_tokens({"additional_special_tokens": markers})
    text = (
        "{% for m in messages %}{{ ('<|user|>' if m.role == 'user' else '<|bot|>') + '\n' + m.content + '<|end|>\n' }}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<|bot|>\n' }}{% endif %}"
    )
    turns = [Turn("user", "Name a sea. "), Turn("assistant", said), Turn("user", "Why?"), Turn("assistant", said + " ")]
    (item,) = Renderer(tokenizer, Template("markers", text, "test"), "all", 512).render([Sample.of(turns)])
    answer = [*tokenizer("Baltic.")["input_ids"], tokenizer.convert_tokens_to_ids("<|end|>")]
    scored = item.input_ids[item.response_mask].tolist()
    # A space before the end token is a token of its own where the marker does not swallow it.
    space = [] if "lstrip" in strips else tokenizer(" ")["input_ids"]
    assert scored == [*answer, *answer[:-1], *space, answer[-1]]


def test_truncation_cuts_the_end():
    (whole,) = renderer().render([chat("question", "z" * 40)])
    (cut,) = renderer(max_tokens=len(whole.input_ids) - 7).render([chat("question", "z" * 40)])
    assert cut.status == "truncated"
    assert (cut.n_dropped_tokens, cut.n_dropped_response_tokens) == (7, 7)
    assert cut.input_ids.tolist() == whole.input_ids[:-7].tolist()
    assert cut.n_response_tokens == whole.n_response_tokens - 7


def test_a_prompt_that_fills_the_limit_loses_its_start_and_keeps_bos():
    sample = chat("q" * 60, "r" * 60)
    (whole,) = renderer().render([sample])
    first = int(whole.response_mask.argmax())
    (cut,) = renderer(max_tokens=20).render([sample])
    assert (len(cut.input_ids), cut.status) == (20, "truncated")
    assert cut.input_ids[0] == whole.input_ids[0]
    assert cut.input_ids[1:].tolist() == whole.input_ids[first - 9 : first + 10].tolist()
    assert cut.response_mask.tolist() == [False] * 10 + [True] * 10
    assert cut.n_dropped_tokens == len(whole.input_ids) - 20


def test_exactly_the_limit_is_not_truncated():
    (whole,) = renderer().render([chat("question", "answer")])
    (same,) = renderer(max_tokens=len(whole.input_ids)).render([chat("question", "answer")])
    assert (same.status, same.n_dropped_tokens) == ("ok", 0)


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([Turn("user", "alone")], "it has no assistant turn to score"),
        ([Turn("user", "a"), Turn("assistant", "b", weight=0)], "it has no assistant turn to score"),
    ],
)
def test_nothing_to_score_keeps_its_place(turns: list[Turn], reason: str):
    items = renderer().render([chat("a", "b"), Sample.of(turns), chat("c", "d")])
    assert [item.status for item in items] == ["ok", "no_response", "ok"]
    assert items[1].reason == reason
    assert len(items[1].input_ids) == 0


def test_an_empty_answer_still_has_its_end_token():
    (item,) = renderer().render([chat("a", "")])
    assert (item.status, item.n_response_tokens) == ("ok", 1)


def test_broken_characters_become_replacement_characters():
    (item,) = renderer().render([chat("a\ud83d", "b\ufdd0\ufdd3c")])
    assert item.text == "<s>a\ufffd\nb\ufffd\ufffdc</s>"


def test_a_tokenizer_without_offsets_is_refused():
    class Slow:
        is_fast = False
        name_or_path = "slow"

    with pytest.raises(RenderError, match="does not say which characters"):
        Renderer(Slow(), Template("plain", "", "test"), "all", 100)


def test_the_fingerprint_changes_with_everything_that_changes_tokens():
    base = renderer("plain", 100).fingerprint.fp
    others = [renderer("alpaca", 100), renderer("plain", 101), renderer("plain", 100, "last")]
    assert len({base, *(other.fingerprint.fp for other in others)}) == 4
    assert renderer("plain", 100).fingerprint.fp == base


def test_a_tokenizers_fingerprint_is_of_what_it_does(tmp_path):
    from transformers import AutoTokenizer

    tokenizer = tiny_tokenizer()
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    loaded(["a", "a b c"], truncation=True, max_length=2)
    assert tokenizer_fingerprint(loaded) == tokenizer_fingerprint(tokenizer)
    loaded.add_tokens(["quux"])
    assert tokenizer_fingerprint(loaded) != tokenizer_fingerprint(tokenizer)


def test_the_limit():
    assert resolve_max_tokens(0) == 2048
    assert resolve_max_tokens(0, 512, None) == 512
    assert resolve_max_tokens(0, 4096) == 2048
    assert resolve_max_tokens(300, 512) == 300
    with pytest.raises(RequestError, match="more than the model's limit of 512"):
        resolve_max_tokens(513, 512)
