"""Read the stored records again with the present readers, and give each row the sample that it reads as now.

A record that reads as before costs its parsing and nothing else. Where the reading has changed, the row moves to its
new sample, and what a person did to the old one follows (`store/follow.py`). A record that the present readers refuse
stays what it was: an update loses nothing.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import duckdb
import pyarrow as pa

from lobass_core.formats.detect import Detection, parse_row
from lobass_core.formats.raw_records import decode_line, explain
from lobass_core.formats.reading_rules import DROPPED, MEDIA
from lobass_core.formats.row_errors import RowError
from lobass_core.records import Sample
from lobass_core.store.samples import known_keys, sample_table
from lobass_core.store.sequences import has_sequences, take_ids
from lobass_core.words.plural import plural

PAGE_ROWS = 5_000
# The end of a note in the log of updates; it holds until the rows have been scored.
SCORE_AGAIN = "Score again to compute their missing losses."
# Rows of a dataset that are looked at first, to learn how it was imported.
FIRST_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One row: its untouched record, and the sample that it was read as."""

    row_key: int
    sample_key: int
    sample_id: str
    source: str


@dataclass(slots=True)
class Reread:
    """What became of the rows: `moved` to another sample, by dataset, and `refused` by the readers, by reason.

    `n_text_only` rows hold media, which older readers passed over and present ones only if they are told to.
    """

    n_rows: int = 0
    n_text_only: int = 0
    moved: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def sentences(self) -> tuple[str, ...]:
        """What to tell the person whose rows these are; nothing where every record reads as before."""
        said = []
        if self.moved:
            where = ", ".join(f"{name} {n:,}" for name, n in self.moved.items())
            said.append(
                f"{self.moved.total():,} of {self.n_rows:,} rows are read differently now ({where}). They keep "
                f"their decisions, tags, notes and places in selections. {SCORE_AGAIN}"
            )
        if self.n_text_only:
            said.append(
                f"Rows with images, video or audio ({self.n_text_only:,}) are still read as text only: their "
                "datasets now count as imported with --text-only."
            )
        if self.refused:
            reason, n = self.refused.most_common(1)[0]
            said.append(
                f"{self.refused.total():,} of {self.n_rows:,} rows would be rejected by an import today, but are "
                f"kept unchanged; {plural(n, 'time')}: {reason}."
            )
        return tuple(said)


class RecordReader:
    """Reads the records of one dataset as an import would."""

    def __init__(self, detection: Detection) -> None:
        self.n_text_only = 0
        self._detection = detection

    def read(self, record: StoredRecord) -> Sample | str:
        """The record as the present readers read it, or why they refuse it."""
        way = self._detection
        sample = _sample_of(record, way)
        if isinstance(sample, str) and MEDIA not in way.mapping:
            text_only = _sample_of(record, replace(way, mapping={**way.mapping, MEDIA: DROPPED}))
            if isinstance(text_only, Sample):
                self.n_text_only += 1
                return text_only
        return sample


def _sample_of(record: StoredRecord, way: Detection) -> Sample | str:
    try:
        return parse_row(decode_line(record.source), way).sample
    except RowError as error:
        return error.reason
    except Exception as error:
        # Whatever a reader makes of an old record, one of them must not keep a whole project from being opened.
        return explain(error)


def way_of_reading(format: str, mapping: dict[str, str], records: Sequence[StoredRecord]) -> Detection:
    """How the import read these rows, of a store that does not say whether the format was asked for.

    It matters only where a file mixes schemas: an import that found the format by itself reads a row of a sibling
    format by that format, one that was told the format does not. The way that gives more of these samples is the one.
    """
    ways = [Detection(format, mapping, "", 1.0, asked=asked) for asked in (False, True)]
    n_right = [0, 0]
    for record in records:
        for number, way in enumerate(ways):
            sample = _sample_of(record, way)
            n_right[number] += isinstance(sample, Sample) and sample.sample_id == record.sample_id
    return ways[n_right[1] > n_right[0]]


def reread_rows(cursor: duckdb.DuckDBPyConnection) -> Reread:
    """Read every record again; the temporary table `moved_rows` (row_key, old_key, new_key) then lists the moves.

    Rows have their new samples on return; what hangs on the old ones has not moved yet.
    """
    cursor.execute("CREATE OR REPLACE TEMP TABLE moved_rows (row_key BIGINT, old_key BIGINT, new_key BIGINT)")
    outcome = Reread()
    datasets = cursor.execute("SELECT dataset_id, name, format, mapping FROM datasets ORDER BY dataset_id").fetchall()
    for dataset_id, name, format, text in datasets:
        mapping = json.loads(text)
        reader = RecordReader(way_of_reading(format, mapping, first_rows(cursor, dataset_id)))
        for page in _pages(cursor, dataset_id):
            _reread_page(cursor, name, page, reader, outcome)
        if reader.n_text_only:
            outcome.n_text_only += reader.n_text_only
            told = json.dumps({**mapping, MEDIA: DROPPED}, ensure_ascii=False)
            cursor.execute("UPDATE datasets SET mapping = ? WHERE dataset_id = ?", [told, dataset_id])
    if outcome.moved:
        cursor.execute("UPDATE rows SET sample_key = m.new_key FROM moved_rows m WHERE rows.row_key = m.row_key")
    return outcome


def _reread_page(
    cursor: duckdb.DuckDBPyConnection, name: str, page: list[StoredRecord], reader: RecordReader, outcome: Reread
) -> None:
    moves: list[tuple[StoredRecord, Sample]] = []
    for record in page:
        now = reader.read(record)
        if isinstance(now, str):
            outcome.refused[now] += 1
        elif now.sample_id != record.sample_id:
            moves.append((record, now))
    outcome.n_rows += len(page)
    if moves:
        outcome.moved[name] += len(moves)
        _note_moves(cursor, moves)


def first_rows(cursor: duckdb.DuckDBPyConnection, dataset_id: int) -> list[StoredRecord]:
    """The first rows of a dataset that have their sample."""
    rows = cursor.execute(
        "SELECT r.row_key, r.sample_key, s.sample_id, r.source FROM rows r JOIN samples s USING (sample_key)"
        " WHERE r.dataset_id = ? ORDER BY r.row_key LIMIT ?",
        [dataset_id, FIRST_ROWS],
    ).fetchall()
    return [StoredRecord(*row) for row in rows]


def _pages(cursor: duckdb.DuckDBPyConnection, dataset_id: int) -> Iterator[list[StoredRecord]]:
    """The rows of a dataset in the order of their keys, which an import gives out one after another."""
    ((first, last),) = cursor.execute(
        "SELECT min(row_key), max(row_key) FROM rows WHERE dataset_id = ?", [dataset_id]
    ).fetchall()
    if first is None:
        return
    for start in range(first, last + 1, PAGE_ROWS):
        rows = cursor.execute(
            """
            WITH page AS (
                SELECT row_key, sample_key, source FROM rows
                WHERE dataset_id = $dataset_id AND row_key BETWEEN $start AND $start + $n_rows - 1)
            SELECT p.row_key, p.sample_key, s.sample_id, p.source FROM page p JOIN samples s USING (sample_key)
            ORDER BY p.row_key
            """,
            {"dataset_id": dataset_id, "start": start, "n_rows": PAGE_ROWS},
        ).fetchall()
        yield [StoredRecord(*row) for row in rows]


def _new_keys(cursor: duckdb.DuckDBPyConnection, n: int) -> int:
    """The first of `n` sample keys that are free."""
    if has_sequences(cursor):
        return take_ids(cursor, "sample_keys", n)
    ((first_key,),) = cursor.execute("SELECT coalesce(max(sample_key), -1) + 1 FROM samples").fetchall()
    return int(first_key)


def _note_moves(cursor: duckdb.DuckDBPyConnection, moves: list[tuple[StoredRecord, Sample]]) -> None:
    """Store the new samples that the store lacks, and write down which row moves to which."""
    samples = {sample.sample_id: sample for _, sample in moves}
    keys = known_keys(cursor, samples)
    new = [sample for sample_id, sample in samples.items() if sample_id not in keys]
    if new:
        first_key = _new_keys(cursor, len(new))
        # The table may lack columns that younger steps add.
        ours = [name for name, *_ in cursor.execute("DESCRIBE samples").fetchall()]
        cursor.from_arrow(sample_table(new, first_key).select(ours)).insert_into("samples")
        keys |= {sample.sample_id: first_key + number for number, sample in enumerate(new)}
    table = pa.table(
        {
            "row_key": pa.array([record.row_key for record, _ in moves], pa.int64()),
            "old_key": pa.array([record.sample_key for record, _ in moves], pa.int64()),
            "new_key": pa.array([keys[sample.sample_id] for _, sample in moves], pa.int64()),
        }
    )
    cursor.from_arrow(table).insert_into("moved_rows")
