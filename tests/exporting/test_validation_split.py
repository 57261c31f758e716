"""Rows set aside for validation: about as many as asked, near duplicates together, whatever the order of the rows."""

import numpy as np
import pytest

from lobass_core.errors import ExportError
from lobass_core.exporting.validation_split import validation_rows
from lobass_core.similarity.near_duplicates import duplicate_groups

N = 200
STORY = "The ferry to the island leaves at nine and comes back before dark"
TEXTS = [
    f"{word} number {n} of the {word} set about {n * 7} {word}s" for n in range(N // 2) for word in ("lake", "road")
]


def _rows(texts, asked, *, kinds=None, seed=0):
    ids = [f"{place:04}" for place in range(len(texts))]
    return validation_rows(ids, duplicate_groups(texts), kinds or ["chat"] * len(texts), asked, seed)


@pytest.mark.parametrize(("asked", "n"), [(0.02, 4), (0.5, 100), (1, 1), (30, 30)])
def test_a_share_or_a_number(asked, n):
    assert _rows(TEXTS, asked).sum() == n


def test_near_duplicates_and_repeats_are_on_one_side():
    family = [STORY, STORY, f"{STORY}, they say", f"{STORY}, they say, in winter"]
    texts = [*TEXTS[:40], *family]
    for seed in range(12):
        found = _rows(texts, 12, seed=seed)
        assert found[40:].sum() in (0, 4)
        assert found.sum() == 12
    assert any(_rows(texts, 12, seed=seed)[40:].all() for seed in range(12))


def test_the_order_of_the_rows_does_not_count_and_the_seed_does():
    ids, shuffled = np.arange(N), np.random.default_rng(0).permutation(N)
    names = [f"{place:04}" for place in ids]
    groups = duplicate_groups(TEXTS)
    first = validation_rows(names, groups, ["chat"] * N, 0.1, 3)
    again = validation_rows([names[k] for k in shuffled], groups[shuffled], ["chat"] * N, 0.1, 3)
    assert (first[shuffled] == again).all()
    assert (first != validation_rows(names, groups, ["chat"] * N, 0.1, 4)).any()


def test_each_kind_gives_its_share_and_keeps_a_row():
    kinds = ["chat"] * 150 + ["preference"] * 49 + ["text"]
    found = _rows(TEXTS, 0.1, kinds=kinds)
    assert [found[:150].sum(), found[150:199].sum(), found[199:].sum()] == [15, 5, 0]
    half = _rows(TEXTS[:4], 3, kinds=["chat", "chat", "text", "text"])
    assert half.tolist().count(True) == 2 and half[:2].sum() == half[2:].sum() == 1


def test_a_group_of_several_kinds_is_trained_on():
    texts = [*TEXTS[:10], STORY, STORY]
    kinds = ["chat"] * 11 + ["text"]
    assert not any(_rows(texts, 9, kinds=kinds, seed=seed)[10:].any() for seed in range(10))


@pytest.mark.parametrize(
    ("texts", "asked", "says"),
    [
        (TEXTS[:20], 0.02, "with 20 rows, a validation split of 0.02 contains no row"),
        (TEXTS[:20], 20, "with 20 rows, a validation split of 20 leaves no row to train on"),
        ([STORY] * 20, 5, "no group of near duplicates is small enough for 5 validation rows"),
    ],
)
def test_a_split_with_an_empty_side_is_refused(texts, asked, says):
    with pytest.raises(ExportError, match=says):
        _rows(texts, asked)
