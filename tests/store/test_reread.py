"""Records read otherwise than they were: rows get their new samples, and what hung on the old ones follows."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.formats.detect import Detection, parse_row
from lobass_core.formats.raw_records import decode_line
from lobass_core.formats.row_errors import RowError
from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.project import Project
from lobass_core.records import Sample, Turn
from lobass_core.specs import ModelSpec
from lobass_core.store import migrations, reread
from lobass_core.store.browse import read_rows, sample_keys
from lobass_core.store.chosen_records import standing_decisions
from lobass_core.store.dataset_writer import DatasetInfo, DatasetWriter, ImportedRow
from lobass_core.store.datasets import list_datasets
from lobass_core.store.decisions import (
    DecisionAct,
    add_tag,
    append_decisions,
    decision_log,
    remove_tag,
    set_note,
)
from lobass_core.store.losses import write_known
from lobass_core.store.selections import save_selection, selection_picks
from lobass_core.store.undo import undo_decision
from lobass_core.workflows.import_data import undo_import
from lobass_core.workflows.reference_training import write_trained_on
from tests.filled_project import BASE, RENDER, Row, fill
from tests.run_specs import A_SCORING

Move = Callable[[str], str | None]


def old_reading(text: str) -> Sample:
    """What the reader of old made of a record: letters after a bar were lost, so rows that differ there were one."""
    return Sample.of([Turn("user", "say"), Turn("assistant", text.partition("|")[0])])


def new_reading(text: str) -> Sample:
    return Sample.of([Turn("user", "say"), Turn("assistant", text)])


def put_in(project: Project, *texts: str, name: str = "first", read: Callable[[str], Sample] = old_reading) -> None:
    """One dataset of these texts, as the reader of old read them."""
    info = DatasetInfo(name, f"{name}.jsonl", "0" * 64, "prompt-completion", "jsonl", "utf-8", "{}", "{}")
    with project.store() as store, store.transaction() as cursor:
        writer = DatasetWriter(cursor, info)
        sources = [json.dumps({"prompt": "say", "completion": text}) for text in texts]
        writer.add(
            [
                ImportedRow(index, index + 1, read(text), "math", source)
                for index, (text, source) in enumerate(zip(texts, sources, strict=True))
            ]
        )
        writer.finish()


def update(project: Project) -> tuple[str, ...]:
    """The migration's step, on a store that has its tables already."""
    with project.store() as store, store.transaction() as cursor:
        return migrations.reread(cursor, project.root)


def rows_of(project: Project) -> list[tuple[str, bool, str, tuple[str, ...], str]]:
    """(response, is duplicate, verdict, tags, note) a row."""
    with project.store() as store:
        cursor = store.cursor()
        keys = [key for (key,) in cursor.execute("SELECT row_key FROM rows ORDER BY row_key").fetchall()]
        return [
            (json.loads(row.turns)[1]["content"], row.is_duplicate, row.verdict, row.tags, row.note)
            for row in read_rows(cursor, keys)
        ]


def act(project: Project, *acts: Callable[[duckdb.DuckDBPyConnection], object]) -> None:
    for one in acts:
        with project.store() as store, store.transaction() as cursor:
            one(cursor)


def test_nothing_happens_where_every_record_reads_as_before(project: Project):
    put_in(project, "a", "b", "a")
    with project.store() as store:
        before = store.cursor().execute("SELECT * FROM rows ORDER BY ALL").fetchall()
    assert update(project) == ()
    with project.store() as store:
        assert store.cursor().execute("SELECT * FROM rows ORDER BY ALL").fetchall() == before
        assert store.cursor().execute("SELECT count(*) FROM earlier_samples").fetchone() == (0,)


def test_a_row_that_reads_otherwise_has_its_new_sample_and_all_that_hung_on_the_old_one(project: Project):
    put_in(project, "a", "b|c")
    act(
        project,
        lambda cursor: append_decisions(
            cursor, [DecisionAct("d1", 1, "drop", "long"), DecisionAct("d2", 1, "keep", "short")]
        ),
        lambda cursor: undo_decision(cursor, "d2"),
        lambda cursor: add_tag(cursor, "t1", 1, "look"),
        lambda cursor: add_tag(cursor, "t2", 1, "gone"),
        lambda cursor: remove_tag(cursor, 1, "gone"),
        lambda cursor: set_note(cursor, "n1", 1, "first"),
        lambda cursor: set_note(cursor, "n2", 1, "second"),
    )
    (said,) = update(project)
    assert said.startswith("1 of 2 rows are read differently now (first 1).")
    assert rows_of(project) == [("a", False, "undecided", (), ""), ("b|c", False, "drop", ("look",), "second")]
    with project.store() as store:
        cursor = store.cursor()
        (standing,) = standing_decisions(cursor)
        assert (standing["sample_id"], standing["verdict"]) == (new_reading("b|c").sample_id, "drop")
        log = [(entry.decision_id, entry.sample_id, entry.undone_at is None) for entry in decision_log(cursor)]
        assert log == [("d2", new_reading("b|c").sample_id, False), ("d1", new_reading("b|c").sample_id, True)]
        assert cursor.execute(
            "SELECT count(*) FROM tags WHERE removed_at IS NOT NULL AND sample_key = 2"
        ).fetchone() == (1,)


def test_rows_that_were_one_sample_and_are_two_both_keep_what_was_done_to_it(project: Project):
    put_in(project, "a|b", "a|c", "a")
    assert [row[1] for row in rows_of(project)] == [False, True, True]
    act(
        project,
        lambda cursor: append_decisions(cursor, [DecisionAct("d1", 0, "drop", "odd")]),
        lambda cursor: add_tag(cursor, "t1", 0, "look"),
        lambda cursor: set_note(cursor, "n1", 0, "why"),
    )
    (said,) = update(project)
    assert said.startswith("2 of 3 rows")
    assert rows_of(project) == [
        (text, False, "drop", ("look",), "why") for text in ("a|b", "a|c", "a")
    ]  # fmt: skip
    # One undo takes the decision back on all three.
    act(project, lambda cursor: undo_decision(cursor))
    assert [row[2] for row in rows_of(project)] == ["undecided"] * 3
    with project.store() as store:
        ids = [entry.decision_id for entry in decision_log(store.cursor())]
    assert len(set(ids)) == 3


def test_samples_that_become_one_have_the_latest_decision_and_all_notes(project: Project):
    put_in(project, "a|1", "b|1", "c", read=lambda text: Sample.of([Turn("user", text), Turn("assistant", "x")]))
    act(
        project,
        lambda cursor: append_decisions(cursor, [DecisionAct("d1", 0, "drop"), DecisionAct("d2", 1, "keep")]),
        lambda cursor: set_note(cursor, "n2", 1, "of b"),
        lambda cursor: set_note(cursor, "n1", 0, "of a"),
        lambda cursor: set_note(cursor, "n3", 2, "of c"),
        lambda cursor: add_tag(cursor, "t1", 0, "one"),
        lambda cursor: add_tag(cursor, "t2", 1, "two"),
    )
    one = new_reading("one")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reread, "parse_row", lambda value, _: SimpleNamespace(sample=one))
        update(project)
    found = rows_of(project)
    assert [row[:4] for row in found] == [
        ("one", is_duplicate, "keep", ("one", "two")) for is_duplicate in (False, True, True)
    ]  # fmt: skip
    assert {row[4] for row in found} == {"of a\n\nof b\n\nof c"}


def test_readings_that_change_places_do_not_mix_what_hangs_on_them(project: Project):
    put_in(project, "a", "b", read=lambda text: new_reading({"a": "b", "b": "a"}[text]))
    act(project, lambda cursor: append_decisions(cursor, [DecisionAct("d1", 0, "drop"), DecisionAct("d2", 1, "keep")]))
    update(project)
    assert [row[::2] for row in rows_of(project)] == [("a", "drop", ""), ("b", "keep", "")]


def test_a_record_that_is_refused_today_stays_what_it_was(project: Project, monkeypatch: pytest.MonkeyPatch):
    put_in(project, "a", "b", "c")
    before, real = rows_of(project), reread.parse_row

    def refuse(value: dict, detection: object) -> object:
        if value["completion"] == "b":
            raise RowError("'completion' is too short")
        if value["completion"] == "c":
            raise ZeroDivisionError
        return real(value, detection)

    monkeypatch.setattr(reread, "parse_row", refuse)
    (said,) = update(project)
    assert said.startswith("2 of 3 rows would be rejected by an import today, but are kept unchanged; 1 time: ")
    assert rows_of(project) == before


def test_a_sample_is_found_by_the_ids_it_had(project: Project):
    put_in(project, "a|b", "c")
    first = old_reading("a|b").sample_id
    update(project)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            reread, "parse_row", lambda value, _: SimpleNamespace(sample=new_reading(value["completion"] + "!"))
        )
        update(project)
    with project.store() as store:
        cursor = store.cursor()
        (key,) = sample_keys(cursor, [new_reading("a|b!").sample_id])
        for sample_id in (first, first[:10], new_reading("a|b").sample_id):
            assert sample_keys(cursor, [sample_id]) == [key]


def test_picks_folds_and_losses_follow(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    fill(project, [Row("say", "a"), Row("say", "b")])
    folds = project.models_dir / "tuned" / "folds.parquet"
    folds.parent.mkdir()
    old, new = Row("say", "b").sample(), new_reading("b, and more")
    pq.write_table(pa.table({"sample_id": [old.sample_id], "fold": pa.array([1], pa.int32())}), folds)
    picks = pa.table({"row_key": [1], "sample_key": [1], "pick_rank": [1], "reason": ["score"], "score": [0.5]})
    act(
        project,
        lambda cursor: cursor.execute("INSERT INTO reference_folds VALUES ('ref', 1, 1)"),
        lambda cursor: save_selection(
            cursor, name="mine", scoring_id=1, spec={}, result={}, tokens_kept=1, picks=picks
        ),
    )  # fmt: skip
    readings = {'{"n": 0}': Row("say", "a").sample(), '{"n": 1}': new}
    monkeypatch.setattr(reread, "decode_line", lambda source: source)
    monkeypatch.setattr(reread, "parse_row", lambda source, _: SimpleNamespace(sample=readings[source]))
    update(project)
    with project.store() as store:
        cursor = store.cursor()
        assert selection_picks(cursor, 1).to_pylist() == [
            {"row_key": 1, "sample_key": 2, "pick_rank": 1, "reason": "score", "score": 0.5}
        ]
        assert cursor.execute("SELECT * FROM reference_folds ORDER BY ALL").fetchall() == [("ref", 1, 1), ("ref", 2, 1)]
        assert cursor.execute("SELECT count(*) FROM losses WHERE sample_key = 1").fetchone() == (2,)
        assert write_known(cursor, tmp_path / "known.parquet") == 6
    known = pq.read_table(tmp_path / "known.parquet", filters=[("model_fp", "=", BASE)])
    first = Row("say", "a").sample()
    pairs = [(first.sample_id, None), (old.sample_id, None), (new.sample_id, old.sample_id)]
    assert set(zip(*(known[name].to_pylist() for name in ("sample_id", "scored_as")), strict=True)) == set(pairs)
    assert known["render_fp"].to_pylist() == 3 * [RENDER]
    assert pq.read_table(folds).to_pydict() == {"sample_id": [old.sample_id, new.sample_id], "fold": [1, 1]}
    update(project)
    assert pq.read_table(folds).num_rows == 2


def test_samples_that_become_one_take_the_lowest_of_their_folds(project: Project, monkeypatch: pytest.MonkeyPatch):
    """Each of their fold models has seen one of them: any may score it, but store and file must name the same."""
    rows = [Row("say", "a"), Row("say", "b"), Row("say", "c")]
    fill(project, rows)
    path = project.models_dir / "tuned" / "seed-0" / "folds.parquet"
    path.parent.mkdir(parents=True)
    ids = [one.sample().sample_id for one in rows]
    write_parquet(path, pa.table({"sample_id": ids, "fold": pa.array([3, 2, 1], pa.int32())}))
    act(
        project,
        lambda cursor: cursor.execute("INSERT INTO reference_folds VALUES ('ref', 0, 3), ('ref', 1, 2), ('ref', 2, 1)"),
    )
    one, other = new_reading("a or b"), rows[2].sample()
    monkeypatch.setattr(reread, "decode_line", lambda source: source)
    readings = {'{"n": 0}': one, '{"n": 1}': one, '{"n": 2}': other}
    monkeypatch.setattr(reread, "parse_row", lambda source, _: SimpleNamespace(sample=readings[source]))
    update(project)
    with project.store() as store:
        folds = store.cursor().execute("SELECT sample_key, fold FROM reference_folds ORDER BY ALL").fetchall()
    assert folds == [(0, 3), (1, 2), (2, 1), (3, 2)]
    assert pq.read_table(path).to_pydict() == {"sample_id": [*ids, one.sample_id], "fold": [3, 2, 1, 2]}


@pytest.mark.parametrize("asked", [False, True])
def test_a_file_of_mixed_schemas_is_read_as_it_was_imported(project: Project, asked: bool):
    """The second row has the columns of a sibling format too: it counts only where the format was not asked for."""
    row = {"prompt": "say", "completion": "b|c", "instruction": "tell", "output": "d"}
    texts = ["a", "x|y"]
    info = DatasetInfo("first", "f.jsonl", "0" * 64, "prompt-completion", "jsonl", "utf-8", "{}", "{}")
    by_sibling = Sample.of([Turn("user", "tell"), Turn("assistant", "d")])
    with project.store() as store, store.transaction() as cursor:
        writer = DatasetWriter(cursor, info)
        plain = [json.dumps({"prompt": "say", "completion": text}) for text in texts]
        writer.add(
            [
                ImportedRow(0, 1, old_reading("a"), "math", plain[0]),
                ImportedRow(1, 2, new_reading("b|c") if asked else by_sibling, "math", json.dumps(row)),
                ImportedRow(2, 3, old_reading("x|y"), "math", plain[1]),
            ]
        )
        writer.finish()
    assert update(project)[0].startswith("1 of 3 rows")
    assert [text for text, *_ in rows_of(project)] == ["a", "b|c" if asked else "d", "x|y"]


def test_a_sample_of_an_earlier_reading_keeps_its_key_after_its_dataset_is_removed(project: Project):
    put_in(project, "a|b")
    update(project)
    undo_import(project, "first")
    put_in(project, "c", name="second")
    with project.store() as store:
        keys = store.cursor().execute("SELECT sample_key FROM samples ORDER BY ALL").fetchall()
    assert keys == [(0,), (1,), (2,)]


def test_rows_with_images_that_were_read_as_text_go_on_being_read_so(project: Project):
    parts = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": "a.png"}}]
    source = json.dumps({"messages": [{"role": "user", "content": parts}, {"role": "assistant", "content": "a cat"}]})
    as_text = Sample.of([Turn("user", "what is it?"), Turn("assistant", "a cat")])
    info = DatasetInfo("first", "f.jsonl", "0" * 64, "messages", "jsonl", "utf-8", '{"messages": "messages"}', "{}")
    with project.store() as store, store.transaction() as cursor:
        writer = DatasetWriter(cursor, info)
        writer.add([ImportedRow(0, 1, as_text, "math", source)])
        writer.finish()
    (said,) = update(project)
    assert said.startswith("Rows with images, video or audio (1) are still read as text only")
    with project.store() as store:
        (dataset,) = list_datasets(store.cursor())
        assert store.cursor().execute("SELECT sample_id FROM rows JOIN samples USING (sample_key)").fetchall() == [
            (as_text.sample_id,)
        ]
    detection = Detection("messages", json.loads(dataset.mapping), "", 1.0)
    assert parse_row(decode_line(source), detection).sample.sample_id == as_text.sample_id
    assert update(project) == ()


def test_a_reference_that_was_trained_on_the_old_reading_knows_the_new_one(project: Project):
    put_in(project, "a|b", "c", "d")
    old = [old_reading(text).sample_id for text in ("a|b", "c")]
    folder = project.models_dir / "tuned"
    write_parquet(folder / "trained_on.parquet", pa.table({"sample_id": old}))
    update(project)
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    write_trained_on(project, run, (ModelSpec(str(folder)),))
    ids = pq.read_table(run.trained_on_path)["sample_id"].to_pylist()
    assert sorted(ids) == sorted([*old, new_reading("a|b").sample_id])
