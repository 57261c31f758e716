"""Selections against picks worked out by hand."""

import json

import numpy as np
import pytest

from lobass_core.errors import RequestError, SelectionError
from lobass_core.learnability.measures import BUILT_IN
from lobass_core.selection.cut_curves import cut_curves
from lobass_core.selection.order import usual_gates
from lobass_core.selection.sorted_scores import SortedScores
from lobass_core.specs import Gates, SelectionSpec
from tests.score_tables import learnable, row, select, table_of, with_column


def picks(rows, spec, names=None):
    table = table_of(rows, names)
    result = select(table, spec)
    assert np.array_equal(table.row_key[result.rows], result.row_key)
    return result.row_key.tolist()


def samples(n, **other):
    return SelectionSpec(budget="samples", value=n, **other)


def test_the_highest_scores_in_order():
    rows = [learnable(k, score) for k, score in enumerate([0.1, 0.9, 0.5, 0.7])]
    assert picks(rows, samples(3)) == [1, 3, 2]


def test_ratio_counts_every_row_in_scope_and_rounds_half_up():
    rows = [learnable(k, k / 100) for k in range(9)] + [
        row(9, base_status=None, base_loss_sum=None, base_n_tokens=None)
    ]
    # 0.25 * 10 rows = 2.5, so 3, although only 9 are scored.
    assert picks(rows, SelectionSpec(value=0.25)) == [8, 7, 6]


def test_ties_go_by_sample_id_then_by_row():
    rows = [
        learnable(0, 0.5, tie_key=9),
        learnable(1, 0.5, tie_key=3),
        learnable(3, 0.5, tie_key=5),
        learnable(2, 0.5, tie_key=5),
    ]
    assert picks(rows, samples(4)) == [1, 2, 3, 0]


def test_natural_equal_custom_and_global():
    rows = [learnable(k, 0.9 - k / 100, "chat") for k in range(6)] + [
        learnable(k, 0.5 - k / 100, "math") for k in range(6, 8)
    ]
    assert picks(rows, samples(4)) == [0, 1, 2, 6]
    assert picks(rows, samples(4, balance="equal")) == [0, 1, 6, 7]
    assert picks(rows, samples(4, balance="global")) == [0, 1, 2, 3]
    assert picks(rows, samples(4, balance="custom", weights=(("math", 0.25), ("chat", 0.75)))) == [0, 1, 2, 6]
    assert picks(rows, samples(2, balance="custom", weights=(("math", 1.0),))) == [6, 7]


def test_an_exhausted_domain_hands_its_places_on_and_says_so():
    rows = [learnable(k, 0.9 - k / 100, "chat") for k in range(6)] + [learnable(6, 0.1, "math")]
    result = select(table_of(rows), samples(6, balance="equal"))
    chat, math = result.domains
    assert (math.asked, math.got, math.exhausted) == (3, 1, True)
    assert (chat.asked, chat.got, chat.exhausted) == (3, 5, False)
    assert result.n_kept == 6


def test_decisions_outrank_score_gates_and_budget():
    rows = [
        learnable(0, 0.9),
        learnable(1, 0.8, decision=-1),
        learnable(2, 0.1, decision=1, n=2),
        learnable(3, 0.7),
        row(4, base_loss_sum=None, base_status="non_finite", decision=1),
    ]
    spec = samples(3, gates=Gates(min_response_tokens=5, min_learnability=0.5))
    result = select(table_of(rows), spec)
    assert result.row_key.tolist() == [2, 4, 0]
    assert result.reasons == ["kept by hand", "kept by hand", "score"]
    assert result.rank.tolist() == [1, 2, 3]
    assert result.dropped() == {"dropped by hand": 1, "below the cut": 1}
    assert picks(rows, samples(0)) == [2, 4]


def test_a_kept_sample_brings_one_row_and_its_copies_stay_out():
    rows = [learnable(0, 0.1, decision=1), learnable(1, 0.1, decision=1, sample_key=0, tie_key=0, is_duplicate=True)]
    assert picks(rows, samples(2)) == [0]
    assert picks(rows, samples(2, gates=Gates(exclude_duplicates=False))) == [0, 1]


def test_the_row_that_the_store_chose_stands_for_its_sample_in_a_part_too():
    """After an update the row that comes first in its file need not have the least key."""
    rows = [
        learnable(0, 0.1, is_duplicate=True),
        learnable(1, 0.1, sample_key=0, tie_key=0),
        learnable(2, 0.1, dataset_id=2),
    ]
    assert picks(rows, samples(3, datasets=("1",))) == [1]


def test_a_copy_stands_for_its_sample_where_the_first_is_out_of_scope():
    rows = [
        learnable(0, 0.5, sample_key=5, tie_key=5, dataset_id=1),
        learnable(1, 0.5, sample_key=5, tie_key=5, dataset_id=2, is_duplicate=True),
        learnable(2, 0.5, sample_key=5, tie_key=5, dataset_id=2, is_duplicate=True),
        learnable(3, 0.4, dataset_id=2),
    ]
    names = {1: "first", 2: "second"}
    assert picks(rows, samples(9), names) == [0, 3]
    assert picks(rows, samples(9, datasets=("second",)), names) == [1, 3]


def test_each_gate_gives_its_reason():
    rows = [
        learnable(0, 0.9),
        learnable(1, 0.9, n=3),
        learnable(2, 0.9, base_status="truncated"),
        learnable(3, -0.5),
        row(4, base=0.01, reference=0.001),
        learnable(5, 0.2),
        learnable(6, 0.9, is_duplicate=True),
        row(7, base=0.0, reference=0.0),
        row(8, base_n_tokens=0, reference_n_tokens=0, base_loss_sum=0.0, base_status="no_response"),
        row(9, base_loss_sum=None, base_n_tokens=None, base_status=None),
        row(10, reference_loss_sum=None, reference_status="non_finite"),
        learnable(11, 0.9, vocabulary_size=2),
    ]
    gates = Gates(
        min_response_tokens=4,
        min_learnability=0.3,
        exclude_truncated=True,
        exclude_negative=True,
        exclude_near_zero_base=True,
    )
    result = select(table_of(rows), samples(99, gates=gates))
    assert result.row_key.tolist() == [0]
    assert result.dropped() == {
        "duplicate": 1,
        "not scored": 1,
        "no response": 1,
        "non-finite loss": 1,
        "no score": 1,
        "too few response tokens": 1,
        "truncated": 1,
        "negative learnability": 1,
        "near-zero base loss": 1,
        "base worse than chance": 1,
        "below the learnability gate": 1,
    }


def test_rows_whose_base_is_worse_than_chance_stay_out_unless_asked_for_or_kept_by_hand():
    # ln 2 = 0.69 nats a token by chance, and base losses of 1.
    rows = [learnable(0, 0.5), learnable(1, 0.9, vocabulary_size=2), learnable(2, 0.1, vocabulary_size=2, decision=1)]
    assert picks(rows, samples(9)) == [2, 0]
    assert picks(rows, samples(9, gates=Gates(exclude_worse_than_chance=False))) == [2, 1, 0]
    cut = SortedScores.build(table_of(rows))
    assert cut.answer(samples(1)).domains[0].n_eligible == 2
    assert cut_curves(cut).domains[0].n_competing == 1
    assert cut_curves(cut.with_gates(Gates(exclude_worse_than_chance=False))).domains[0].n_competing == 2


def test_selections_saved_before_the_gate_was_made_keep_what_they_kept():
    saved = SelectionSpec().to_dict()
    assert saved["gates"].pop("exclude_worse_than_chance") is True
    rows = [learnable(0, 0.5), learnable(1, 0.9, vocabulary_size=2)]
    assert picks(rows, SelectionSpec.from_dict(saved | {"budget": "samples", "value": 1})) == [1]
    assert picks(rows, SelectionSpec.from_dict({"budget": "samples", "value": 1})) == [1]
    new = SelectionSpec(budget="samples", value=1)
    assert picks(rows, new) == picks(rows, SelectionSpec.from_dict(new.to_dict())) == [0]


def test_the_gate_is_on_in_new_selections_by_measures_that_read_losses():
    off = [name for name in (*BUILT_IN, "a column") if not usual_gates(name).exclude_worse_than_chance]
    assert off == ["length", "random", "a column"]


def test_a_token_budget_is_the_longest_run_from_the_top_that_fits():
    rows = [learnable(k, 0.9 - k / 100, n=n) for k, n in enumerate([10, 20, 5, 1])]
    # 10 + 20 fit into 34, the next 5 do not; the 1 behind it may not jump the queue.
    assert picks(rows, SelectionSpec(budget="tokens", value=34)) == [0, 1]
    assert picks(rows, SelectionSpec(budget="tokens", value=35)) == [0, 1, 2]
    assert picks(rows, SelectionSpec(budget="tokens", value=9)) == []
    assert picks(rows, SelectionSpec(budget="tokens", value=36, balance="global")) == [0, 1, 2, 3]


def test_natural_tokens_follow_the_response_tokens():
    rows = [learnable(k, 0.9 - k / 100, "chat", n=30) for k in range(4)] + [
        learnable(k, 0.5, "math", n=5) for k in range(4, 12)
    ]
    result = select(table_of(rows), SelectionSpec(budget="tokens", value=80))
    chat, math = result.domains
    # 120 and 40 response tokens: 3/4 and 1/4 of 80.
    assert (chat.asked, chat.tokens, chat.got) == (60, 60, 2)
    assert (math.asked, math.tokens, math.got) == (20, 20, 4)


def test_a_threshold_takes_every_row_from_the_value_up():
    rows = [
        learnable(0, 0.5, "chat"),
        learnable(1, 0.25, "math"),
        learnable(2, 0.75, "math"),
        learnable(3, 0.0, decision=1),
    ]
    result = select(table_of(rows), SelectionSpec(budget="threshold", value=0.5, balance="global"))
    assert result.row_key.tolist() == [3, 2, 0]
    assert [share.threshold for share in result.domains] == [0.5, 0.5]


def test_global_has_one_cut_for_all_domains():
    rows = [learnable(0, 0.5, "chat"), learnable(1, 0.25, "math"), learnable(2, 0.75, "math")]
    result = select(table_of(rows), samples(2, balance="global"))
    assert [(share.domain, share.got, share.threshold) for share in result.domains] == [
        ("chat", 1, 0.5),
        ("math", 1, 0.5),
    ]


def test_a_domain_without_picks_has_no_threshold():
    rows = [learnable(0, 0.5, "chat"), learnable(1, 0.25, "math")]
    result = select(table_of(rows), samples(1, balance="custom", weights=(("chat", 1.0),)))
    assert [share.threshold for share in result.domains] == [0.5, None]


def test_nothing_in_gives_nothing_out():
    result = select(table_of([]), SelectionSpec())
    assert (result.n_kept, result.tokens_kept, result.domains) == (0, 0, ())
    assert result.to_dict()["dropped"] == {}


def test_length_is_longest_first():
    assert picks([row(0, n=3), row(1, n=12), row(2, n=7)], samples(2, method="length")) == [1, 2]


def test_a_learnability_that_overflows_is_no_score():
    result = select(table_of([row(0, base=1e-320, reference=5.0), row(1)]), samples(2))
    assert result.row_key.tolist() == [1]
    assert result.dropped() == {"no score": 1}


def test_bands_keep_only_rows_within_closed_ranges_that_have_a_value():
    rows = [learnable(k, 0.9 - k / 10, n=5 + k) for k in range(5)] + [row(5, base_n_tokens=0, reference_n_tokens=0)]
    table = with_column(table_of(rows), "quality", [1.0, 2.0, 3.0, 4.0, np.nan, 3.0])
    spec = samples(9, gates=Gates(bands=(("quality", 2.0, 4.0), ("length", None, 7.0))))
    result = select(table, spec)
    assert result.row_key.tolist() == [1, 2]
    assert result.dropped() == {"no response": 1, "outside a band": 3}


def test_a_person_overrules_a_band():
    rows = [learnable(0, 0.9), learnable(1, 0.1, decision=1)]
    assert picks(rows, samples(1, gates=Gates(bands=(("learnability", 0.5, None),)))) == [1]
    assert picks(rows, samples(2, gates=Gates(bands=(("learnability", 0.5, None),)))) == [1, 0]


def test_bands_survive_saving_and_older_specs_have_none():
    spec = samples(9, gates=Gates(bands=(("base-loss", 0.5, 2.0), ("length", None, 7.0))))
    assert SelectionSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    old = spec.to_dict()
    del old["gates"]["bands"]
    assert SelectionSpec.from_dict(old).gates.bands == ()


@pytest.mark.parametrize(
    ("bands", "words"),
    [
        ((("base-loss", None, None),), "needs a number at one end"),
        ((("base-loss", 2.0, 1.0),), "runs from 2 down to 1"),
        ((("", 2.0, 3.0),), "needs a number at one end"),
        ((("base-loss", float("nan"), 1.0),), "needs a number at one end"),
        ((("length", 1.0, None), ("length", None, 3.0)), "two bands"),
    ],
)
def test_a_band_that_means_nothing_is_refused(bands, words):
    with pytest.raises(RequestError, match=words):
        Gates(bands=bands)


def test_a_column_of_which_less_is_better_keeps_the_lowest():
    table = with_column(
        table_of([row(k) for k in range(4)]), "surprise", [3.0, 1.0, np.nan, 2.0], higher_is_better=False
    )
    result = select(table, samples(2, method="surprise", balance="global"))
    assert result.row_key.tolist() == [1, 3]
    assert result.domains[0].threshold == 2.0
    assert result.dropped() == {"no score": 1, "below the cut": 1}
    least = SelectionSpec(method="surprise", budget="threshold", value=1.5, balance="global")
    assert select(table, least).row_key.tolist() == [1]


def test_a_measure_that_the_table_has_not_is_refused_with_those_that_it_has():
    with pytest.raises(
        SelectionError,
        match=r"no measure 'beauty'.*Choose from: learnability, length-adjusted, loss-drop.*random.*, quality",
    ):
        select(with_column(table_of([row(0)]), "quality", [1.0]), samples(1, method="beauty"))
