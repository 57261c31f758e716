"""The original records again: exactly the chosen ones, untouched, in file order, in the container they came in."""

import csv
import io
import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lobass_core.exporting.data_file import DataFile, JsonRows
from lobass_core.exporting.layout import Job, Written
from lobass_core.exporting.plan import SPLITS, FileReceipt, SourceFile, Split
from lobass_core.formats.containers.arrow_records import arrow_kind, record_batches
from lobass_core.formats.raw_records import decode_line
from lobass_core.formats.record_limits import UNLIMITED

_SUFFIXES = {
    "json": ".json",
    "jsonl": ".jsonl",
    "csv": ".csv",
    "tsv": ".tsv",
    "parquet": ".parquet",
    "arrow": ".parquet",
}


def source(job: Job) -> Written:
    """One file a source file, under its own name, in UTF-8, unpacked.

    JSON records are written as the very text they were read as. Cells of CSV and TSV are the same cells, quoted where
    they need it. Parquet and Arrow rows are taken from the original file with all their types, as Parquet; where that
    is gone, they are made again from their values, and a note says so.
    """
    written = Written()
    names = file_names(job.plan.sources)
    taken = job.plan.picks["source"].combine_chunks()
    splits = pa.array(job.plan.splits)
    for number in pc.unique(taken).to_pylist():
        # The first is what `load_dataset` opens by itself; sources differ in their columns, so each has its own.
        config = Path(names[number]).stem if written.data_files else "default"
        for split in SPLITS:
            picks = job.plan.picks.filter(pc.and_(pc.equal(taken, number), pc.equal(splits, split)))
            if picks.num_rows:
                written.add_rows(
                    _write_source(job, written, number, picks, split_name(names[number], split)), config, split
                )
    return written


def split_name(name: str, split: Split) -> str:
    """The name of a source's file in one of the splits."""
    return name if split == "train" else f"{Path(name).stem}-{split}{Path(name).suffix}"


def _write_source(job: Job, written: Written, number: int, picks: pa.Table, name: str) -> FileReceipt:
    """The picked records of one source and split."""
    one = job.plan.sources[number]
    records = job.read_texts(picks)
    with DataFile(job.folder, name, f"records of {one.dataset}") as file:
        if one.container in ("parquet", "arrow"):
            wanted = [row - one.first_row for row in picks["row_index"].to_pylist()]
            written.notes += _write_parquet(file, one, wanted, records, job.originals.get(one.sha256))
        elif one.container in ("json", "jsonl"):
            types = FieldTypes()
            _WRITERS[one.container](file, types.seen(records))
            written.notes += types.notes(one.dataset)
        else:
            _WRITERS[one.container](file, records)
    # Read to their end where the original's rows were taken instead: the progress counts them.
    for _ in records:
        pass
    return file.receipt()


def file_names(sources: Iterable[SourceFile]) -> list[str]:
    """The original names, without packing, under the suffix of the container; made different where two are alike."""
    names: list[str] = []
    for one in sources:
        stem = re.sub(r"[^\w.\- ]", "_", re.sub(r"\.(gz|zst)$", "", one.file_name, flags=re.IGNORECASE)).lstrip(".")
        suffix = _SUFFIXES[one.container]
        path = Path(stem or "records")
        name = path.name if path.suffix.lower() in (suffix, ".ndjson", ".tab", ".pq") else f"{path.stem}{suffix}"
        number = 1
        while name.lower() in (taken.lower() for taken in names):
            number += 1
            name = f"{Path(name).stem.removesuffix(f'-{number - 1}')}-{number}{Path(name).suffix}"
        names.append(name)
    return names


@dataclass(slots=True)
class FieldTypes:
    """The JSON types of each field of some records, nested ones too, by their path."""

    kinds: dict[str, set[str]] = field(default_factory=dict)

    def seen(self, records: Iterable[str]) -> Iterator[str]:
        """The records as they are, each looked at on its way."""
        for record in records:
            self._see("", decode_line(record))
            yield record

    def _see(self, path: str, value: object) -> None:
        match value:
            case None:
                return
            case dict():
                kind = "object"
                for key, item in value.items():
                    self._see(f"{path}.{key}" if path else str(key), item)
            case list():
                kind = "list"
                for item in value:
                    self._see(path + "[]", item)
            case bool():
                kind = "true or false"
            case int() | float():
                kind = "number"
            case _:
                kind = "text"
        self.kinds.setdefault(path, set()).add(kind)

    def notes(self, dataset: str) -> list[str]:
        """A note where a field has values of several types: the records stay as they came, and not all loaders care."""
        mixed = [path for path, kinds in self.kinds.items() if len(kinds) > 1]
        if not mixed:
            return []
        named = ", ".join(mixed[:3]) + (f" and {len(mixed) - 3:,} more" if len(mixed) > 3 else "")
        return [
            f"records of {dataset} contain values of several types in {named}: `datasets` before 4.8 cannot open them"
        ]


def _write_json(file: DataFile, records: Iterable[str]) -> None:
    out = JsonRows(file, array=True)
    for record in records:
        out.add_text(record.encode("utf-8"))
    out.end()


def _write_json_lines(file: DataFile, records: Iterable[str]) -> None:
    out = JsonRows(file, array=False)
    for record in records:
        out.add_text(record.encode("utf-8"))


def _write_csv(file: DataFile, records: Iterable[str]) -> None:
    _write_cells(file, records, ",")


def _write_tsv(file: DataFile, records: Iterable[str]) -> None:
    _write_cells(file, records, "\t")


def _write_cells(file: DataFile, records: Iterable[str], delimiter: str) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    for record in records:
        cells = json.loads(record)
        if not file.rows:
            writer.writerow(cells)
        writer.writerow(cells.values())
        file.rows += 1
        file.write(buffer.getvalue().encode("utf-8", "backslashreplace"))
        buffer.seek(0)
        buffer.truncate()


_WRITERS = {"json": _write_json, "jsonl": _write_json_lines, "csv": _write_csv, "tsv": _write_tsv}


def _write_parquet(
    file: DataFile, one: SourceFile, wanted: list[int], records: Iterator[str], original: Path | None
) -> list[str]:
    """Returns what a reader should know."""
    if original is not None:
        batches = _chosen_rows(original, wanted)
        first = next(batches)
        with pq.ParquetWriter(file, first.schema) as writer:
            for batch in (first, *batches):
                writer.write_batch(batch)
        file.rows = len(wanted)
        return []
    table = pa.Table.from_pylist([decode_line(record) for record in records])
    pq.write_table(table, file)
    file.rows = table.num_rows
    return [
        f"{one.file_name} is no longer at the path it was imported from, so its column types are inferred from "
        "the values"
    ]


def _chosen_rows(original: Path, wanted: list[int]) -> Iterator[pa.RecordBatch]:
    """The wanted rows (ascending) of the file, a batch in memory at a time."""
    with original.open("rb") as file:
        kind = arrow_kind(file.read(16))
    first, position = 0, 0
    for batch in record_batches(original, kind or "parquet", UNLIMITED):
        end = bisect_left(wanted, first + batch.num_rows, position)
        if end > position:
            yield batch.take([row - first for row in wanted[position:end]])
        first, position = first + batch.num_rows, end
