"""One or more data files under an import's settings: the detected format, rows as samples or rejects."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lobass_core.errors import InputFileError, RequestError
from lobass_core.formats.detect import SAMPLED_ROWS, Detection, asked_format, detect, parse_row
from lobass_core.formats.domains import MAX_DOMAINS, named_domain
from lobass_core.formats.folders.file_set import FileSet, find_files
from lobass_core.formats.media import media_of
from lobass_core.formats.raw_records import BadRecord, RawRecord
from lobass_core.formats.reading_rules import rules
from lobass_core.formats.record_limits import read_limits
from lobass_core.formats.record_set import RecordSet, open_set
from lobass_core.formats.row_errors import RowError
from lobass_core.formats.same_format import check_same_format
from lobass_core.formats.wrapped_rows import row_of, rows_of
from lobass_core.records import Sample, response_turns
from lobass_core.specs import ImportSpec
from lobass_core.workflows.hub_dataset import fetch_dataset, is_hub_id

# Records of each file that are looked at before the import, however many files there are.
LEAST_OF_A_FILE = 20
# A preview tells the encoding from so much of each file; an import reads every byte.
LOOK_BYTES = 64 << 20

_POSITION = re.compile(r" \(character [\d,]+ of the record\)")
_NUMBER = re.compile(r"\b(turn|message|exchange|question|answer) \d+\b")


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One record of the file: a sample with its domain, or the reason why it is none.

    `mended`: its unpaired surrogates were replaced. `media`: what was left out of it, by kind. `file_number` is that of
    its file in the set.
    """

    row_index: int
    line: int
    source: str
    sample: Sample | None = None
    domain: str = ""
    reason: str = ""
    value: Any = None
    mended: bool = False
    media: Counter[str] | None = None
    file_number: int = 0


@dataclass(slots=True)
class SourceFile:
    """Opened files. `path` is the file, or the folder that several share.

    `columns` are the keys of the sampled records, in order of first appearance.
    """

    spec: ImportSpec
    path: Path
    stream: RecordSet
    detection: Detection
    columns: tuple[str, ...]
    _domains: set[str] = field(default_factory=set)

    @classmethod
    def open(cls, spec: ImportSpec, *, looks: bool = False) -> "SourceFile":
        """Read the first records and settle format, mapping and domain; for one who only `looks`, the encoding too is
        told from the beginning of the file.

        Raises:
            InputFileError: a file is missing, empty or in no known format, or the files differ in theirs.
            RequestError: a format, column, split or encoding that this file cannot have.
        """
        stream = open_stream(spec, looks=looks)
        files = stream.files
        path = files.files[0].path if len(files.files) == 1 else files.root
        kept_rules = rules(spec.roles, text_only=spec.text_only)
        heads = first_records(stream)
        first = [record for head in heads for record in head]
        if not first:
            raise InputFileError("the file contains no records", where=str(path), do="Check that it is complete.")
        try:
            if spec.format == "auto" and not spec.mapping:
                detection = detect(first, kept_rules, sampled=len(heads) > 1)
            else:
                detection = asked_format(spec.format, {**dict(spec.mapping), **kept_rules}, first)
        except InputFileError as error:
            raise _with_first_reject(error, path, first) from None
        except RequestError as error:
            raise RequestError(error.what, where=str(path), do=error.do) from None
        if len(heads) > 1:
            check_same_format(files, heads, detection)
        rows = rows_of([record.value for record in first if isinstance(record, RawRecord)])
        columns = tuple(dict.fromkeys(key for row in rows for key in row))
        _check_domain_columns(spec, columns, path)
        return cls(spec, path, stream, detection, columns)

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[ReadRow]:
        """The file's rows in order, from row `start` (counted from 0) up to but not including `stop`."""
        for record in itertools.islice(self.stream, start, stop):
            yield self.read(record)

    def read(self, record: RawRecord | BadRecord) -> ReadRow:
        """One record as a sample with its domain, or as a reject."""
        number = self.stream.file_number
        if isinstance(record, BadRecord):
            return ReadRow(record.row_index, record.line, record.source_text, reason=record.reason, file_number=number)
        try:
            row = row_of(record.value)
            sample = parse_row(row, self.detection).sample
            if self._is_table and not (sample.turns[-1].content or sample.turns[-1].tool_calls):
                # JSON says "" and means it; an empty cell of a table is a missing one.
                raise RowError("the response is an empty cell")
            domain = self._domain_of(row)
        except RowError as error:
            source = record.source_text
            return ReadRow(
                record.row_index, record.line, source, reason=error.reason, value=record.value, file_number=number
            )
        media = media_of(row) if self.spec.text_only else None
        return ReadRow(
            *(record.row_index, record.line, record.source_text, sample, domain),
            value=record.value,
            mended=record.mended,
            media=media,
            file_number=number,
        )

    @property
    def _is_table(self) -> bool:
        return self.stream.container in ("csv", "tsv")

    def _domain_of(self, row: dict[str, Any]) -> str:
        """The row's domain by the first rule that fits, else its column, else the constant.

        Raises:
            RowError: the row names no domain.
            RequestError: the column names more than `MAX_DOMAINS`.
        """
        domain = named_domain(row, self.spec.domain_column, self.spec.domain_rules)
        domain = domain or self.spec.domain
        if not domain:
            raise RowError(f"no domain: {self.spec.domain_column!r} is missing or empty")
        if domain not in self._domains:
            self._domains.add(domain)
            if len(self._domains) > MAX_DOMAINS:
                raise RequestError(
                    f"the column {self.spec.domain_column!r} names more than {MAX_DOMAINS} domains",
                    where=str(self.path),
                    do="Use a column with few different values, or one name with --domain.",
                )
        return domain

    def read_share(self) -> float:
        """How much of the file's bytes the current pass has read, between 0 and 1."""
        return min(self.stream.n_read / max(self.stream.n_bytes, 1), 1.0)


def files_of(spec: ImportSpec) -> FileSet:
    """The files that an import reads, in their order; none of them is opened. A dataset of the Hub is fetched first.

    Raises:
        InputFileError: a folder or pattern without data, or one that is damaged.
        RequestError: no such config or split, or nothing is left.
    """
    if not spec.more_paths and is_hub_id(spec.path):
        folder = fetch_dataset(spec.path, spec.revision)
        files = find_files((str(folder),), spec.config, spec.split, spec.exclude)
        return replace(files, name=spec.path.rpartition("/")[2])
    if spec.revision:
        raise RequestError("--revision applies only to a dataset on the Hub", where=spec.path, do="Remove it.")
    return find_files((spec.path, *spec.more_paths), spec.config, spec.split, spec.exclude)


def open_stream(spec: ImportSpec, *, looks: bool = False) -> RecordSet:
    """The records of the files that an import reads.

    Raises: as `SourceFile.open`, but for what concerns the format.
    """
    limits = read_limits(spec.max_record_mb)
    if looks:
        limits = replace(limits, look_bytes=LOOK_BYTES)
    return open_set(files_of(spec), spec.encoding, spec.skip_lines, spec.row_list, limits)


def first_records(stream: RecordSet) -> list[list[RawRecord | BadRecord]]:
    """The records at the start of each file, about `SAMPLED_ROWS` together, and some of every file."""
    n_files = len(stream.opened)
    n_records = max(SAMPLED_ROWS // n_files, LEAST_OF_A_FILE)
    return [stream.head(number, n_records) for number in range(n_files)]


def has_empty_response(sample: Sample) -> bool:
    """Whether nothing but the end of the turn is learnt from the sample."""
    answers = list(itertools.compress(sample.turns, response_turns(sample.turns, sample.kind)))
    return bool(answers) and not any(turn.content.strip() or turn.tool_calls or turn.thoughts for turn in answers)


def _check_domain_columns(spec: ImportSpec, columns: tuple[str, ...], path: Path) -> None:
    asked = [spec.domain_column] if spec.domain_column else []
    for column in (*asked, *(rule[0] for rule in spec.domain_rules)):
        if column not in columns:
            raise RequestError(
                f"no row has the domain column {column!r}",
                where=str(path),
                do=f"The columns are {', '.join(columns[:20]) or 'none'}.",
            )


def _with_first_reject(error: InputFileError, path: Path, first: list[RawRecord | BadRecord]) -> InputFileError:
    """The error with its place, and with the first reject's reason where nothing could be read at all."""
    bad = next((record for record in first if isinstance(record, BadRecord)), None)
    if bad is not None and not any(isinstance(record, RawRecord) for record in first):
        return InputFileError(
            f"none of its records can be read: {bad.reason}",
            where=f"{path}, line {bad.line:,}",
            do="Fix the file, or check that its name matches its content.",
        )
    return InputFileError(error.what, where=str(path), do=error.do)


def kind_of(reason: str) -> str:
    """A reject's reason without places and numbers, so that equal faults can be counted together."""
    return _NUMBER.sub(r"a \1", _POSITION.sub("", reason))
