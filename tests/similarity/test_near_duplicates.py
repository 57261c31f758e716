"""Exact and near duplicates meet in one group, different texts do not, in any order."""

import random

import numpy as np
import pytest

from lobass_core.similarity.near_duplicates import duplicate_groups, shingles

WORDS = [f"word{i}" for i in range(400)]


def _text(seed: int, n_words: int = 60) -> str:
    rng = random.Random(seed)
    return " ".join(rng.choice(WORDS) for _ in range(n_words))


def _with_last_word(text: str, word: str) -> str:
    return " ".join([*text.split(" ")[:-1], word])


def test_shingles_are_distinct_sorted_runs_of_three_words():
    assert shingles("a b c d") == ["a b c", "b c d"]
    assert shingles("a a a a a") == ["a a a"]
    assert shingles("two words") == ["two words"]


def test_groups_are_numbered_by_their_first_member():
    one, two, three = _text(1), _text(2), _text(3)
    texts = [one, two, one.upper(), three, _with_last_word(two, "changed"), one + "!"]
    assert duplicate_groups(texts).tolist() == [0, 1, 0, 2, 1, 0]


def test_no_texts_give_no_groups():
    assert duplicate_groups([]).shape == (0,)


def test_texts_without_words_are_equal_only_to_themselves():
    assert duplicate_groups(["?!", "...", "?!", " ?! "]).tolist() == [0, 1, 0, 0]


def test_a_text_that_shares_its_first_half_is_no_near_duplicate():
    # 28 of 88 shingles are shared: a Jaccard similarity of 0.32.
    left, right = _text(4).split(" "), _text(5).split(" ")
    assert duplicate_groups([" ".join(left), " ".join(left[:30] + right[30:])]).tolist() == [0, 1]


def test_chinese_counts_characters_as_words():
    story = "春天来了小草从土里钻出来花儿也慢慢地开了孩子们在公园里跑来跑去非常开心地唱着歌跳着舞一直玩到太阳下山才回家"
    assert duplicate_groups([story, story[:-1] + "屋", story[::-1]]).tolist() == [0, 0, 1]


def test_unpaired_surrogates_are_grouped_like_other_text():
    broken = _text(6) + " \ud83d"
    assert duplicate_groups([broken, _text(7), broken]).tolist() == [0, 1, 0]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_partition_does_not_depend_on_row_order(seed):
    texts = [_text(i // 3) if i % 3 else _with_last_word(_text(i // 3), f"tail{i}") for i in range(300)]
    groups = duplicate_groups(texts)
    assert groups.tolist() == [i // 3 for i in range(300)]
    order = np.random.default_rng(seed).permutation(len(texts))
    shuffled = duplicate_groups([texts[i] for i in order])
    pairs = {(a, b) for a, b in zip(groups[order].tolist(), shuffled.tolist(), strict=True)}
    assert len(pairs) == 100
