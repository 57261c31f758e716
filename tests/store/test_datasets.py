"""Importing into the store: keys, duplicates, counts, and what comes back."""

from lobass_core.records import Sample, Turn, turns_from_json
from lobass_core.store.dataset_writer import (
    DatasetInfo,
    DatasetWriter,
    ImportCounts,
    ImportedRow,
    RejectedRow,
)
from lobass_core.store.datasets import (
    find_same_file,
    free_name,
    list_datasets,
    sample_batches,
)
from lobass_core.store.rejects import rejects
from tests.store.conftest import add_file, sample


def rows_of(store):
    return (
        store.cursor()
        .execute("SELECT row_key, dataset_id, row_index, sample_key, domain, is_duplicate FROM rows ORDER BY row_key")
        .fetchall()
    )


def test_counts_and_keys_of_one_file(store):
    counts = add_file(store, "a", "math", [("1+1", "2"), ("2+2", "4"), ("1+1", "2")])
    assert counts == ImportCounts(n_imported=3, n_rejected=0, n_seen_before=0, n_duplicates=1)
    assert rows_of(store) == [
        (0, 1, 0, 0, "math", False),
        (1, 1, 1, 1, "math", False),
        (2, 1, 2, 0, "math", True),
    ]


def test_a_sample_of_two_files_is_stored_once_and_the_least_row_stands_for_it(store):
    add_file(store, "b", "math", [("1+1", "2"), ("2+2", "4")])
    counts = add_file(store, "a", "conversation", [("hello", "hi"), ("1+1", "2")])
    assert counts == ImportCounts(n_imported=2, n_rejected=0, n_seen_before=1, n_duplicates=0)
    # conversation comes before math, whichever was imported first.
    assert [(row[4], row[5]) for row in rows_of(store)] == [
        ("math", True),
        ("math", False),
        ("conversation", False),
        ("conversation", False),
    ]
    (n_samples,) = store.cursor().execute("SELECT count(*) FROM samples").fetchone()
    assert n_samples == 3


def test_batches_of_one_import_share_samples(store):
    with store.transaction() as cursor:
        writer = DatasetWriter(cursor, DatasetInfo("a", "a", "s", "alpaca", "json", "utf-8", "{}", "{}"))
        writer.add([ImportedRow(0, 1, sample("q", "a"), "math", "{}")])
        writer.add(
            [ImportedRow(1, 2, sample("q", "a"), "math", "{}"), ImportedRow(2, 3, sample("r", "b"), "math", "{}")]
        )
        assert writer.finish() == ImportCounts(3, 0, 0, 1)
    assert [row[3] for row in rows_of(store)] == [0, 0, 1]


def test_an_import_that_breaks_leaves_nothing(store):
    before = store.revision()
    try:
        with store.transaction() as cursor:
            writer = DatasetWriter(cursor, DatasetInfo("a", "a", "s", "alpaca", "json", "utf-8", "{}", "{}"))
            writer.add([ImportedRow(0, 1, sample("q", "a"), "math", "{}")])
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert rows_of(store) == []
    assert list_datasets(store.cursor()) == []
    assert store.revision() == before


def test_rejects_keep_line_reason_and_text(store):
    rejected = RejectedRow(1, 7, "no response", '{"q": 1}')
    counts = add_file(store, "a", "math", [("1+1", "2")], (rejected,))
    assert counts.n_rejected == 1
    assert rejects(store.cursor()) == [("a", "a.jsonl", 1, 7, "no response", '{"q": 1}')]
    assert list_datasets(store.cursor())[0].n_rejected == 1


def test_an_unpaired_surrogate_survives(store):
    odd = Sample.of([Turn("user", "cut off \ud83d"), Turn("assistant", "yes")])
    with store.transaction() as cursor:
        writer = DatasetWriter(cursor, DatasetInfo("a", "a", "s", "alpaca", "json", "utf-8", "{}", "{}"))
        writer.add([ImportedRow(0, 1, odd, "math", "{}")])
        writer.finish()
    (batch,) = sample_batches(store.cursor())
    (row,) = batch.to_pylist()
    assert turns_from_json(row["turns"]) == odd.turns
    assert row["sample_id"] == odd.sample_id


def test_samples_in_scope_carry_their_canonical_domain(store):
    add_file(store, "b", "math", [("1+1", "2"), ("2+2", "4")])
    add_file(store, "a", "conversation", [("hello", "hi"), ("1+1", "2")])
    everything = [row for batch in sample_batches(store.cursor()) for row in batch.to_pylist()]
    assert [(row["domain"], row["dataset"]) for row in everything] == [
        ("conversation", "a"),
        ("math", "b"),
        ("conversation", "a"),
    ]
    only_b = [row for batch in sample_batches(store.cursor(), ("b",)) for row in batch.to_pylist()]
    assert [row["domain"] for row in only_b] == ["math", "math"]


def test_same_file_and_free_names(store):
    add_file(store, "a", "math", [("1", "a")])
    assert find_same_file(store.cursor(), "sha of a", "{}").name == "a"
    assert find_same_file(store.cursor(), "sha of b", "{}") is None
    assert free_name(store.cursor(), "a") == "a-2"
    assert free_name(store.cursor(), "c") == "c"


def test_of_equal_rows_in_one_domain_that_of_the_first_dataset_by_name_stands(store):
    """Whatever was imported first, and wherever in its file the row is."""
    add_file(store, "b", "math", [("1+1", "2")])
    add_file(store, "a", "math", [("2+2", "4"), ("1+1", "2")])
    rows = store.cursor().execute("SELECT dataset_id, row_index, is_duplicate FROM rows ORDER BY ALL").fetchall()
    assert rows == [(1, 0, True), (2, 0, False), (2, 1, False)]
