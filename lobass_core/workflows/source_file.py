"""A data file under an import's settings: its format told, its rows as samples or rejects."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lobass_core.errors import InputFileError, RequestError
from lobass_core.formats.detect import SAMPLED_ROWS, Detection, asked_format, detect, parse_row
from lobass_core.formats.media import media_of
from lobass_core.formats.raw_records import BadRecord, RawRecord
from lobass_core.formats.read_files import RecordStream, open_records
from lobass_core.formats.reading_rules import rules
from lobass_core.formats.row_errors import RowError
from lobass_core.formats.wrapped_rows import row_of, rows_of
from lobass_core.records import Sample
from lobass_core.specs import ImportSpec

# A domain is a kind of data. A column with more values than this is something else: an id, a title.
MAX_DOMAINS = 500

_POSITION = re.compile(r" \(character [\d,]+ of the record\)")
_NUMBER = re.compile(r"\b(turn|message|exchange|question|answer) \d+\b")


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One record of the file: a sample with its domain, or the reason why it is none.

    `mended`: its unpaired surrogates were replaced. `media`: what was left out of it, by kind.
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


@dataclass(slots=True)
class SourceFile:
    """An opened file. `columns` are the keys of the sampled records, in order of first appearance."""

    spec: ImportSpec
    path: Path
    stream: RecordStream
    detection: Detection
    columns: tuple[str, ...]
    _domains: set[str] = field(default_factory=set)

    @classmethod
    def open(cls, spec: ImportSpec) -> "SourceFile":
        """Read the file's first records and settle format, mapping and domain.

        Raises:
            InputFileError: the file is missing, empty or in no known format.
            RequestError: a format, column or encoding that this file cannot have.
        """
        path = Path(spec.path).expanduser().resolve()
        stream = open_records(path, spec.encoding, spec.skip_lines, spec.row_list)
        kept_rules = rules(spec.roles, text_only=spec.text_only)
        first = list(itertools.islice(stream, SAMPLED_ROWS))
        if not first:
            raise InputFileError("the file holds no records", where=str(path), do="Check that it is complete.")
        try:
            if spec.format == "auto" and not spec.mapping:
                detection = detect(first, kept_rules)
            else:
                detection = asked_format(spec.format, {**dict(spec.mapping), **kept_rules}, first)
        except InputFileError as error:
            raise _with_first_reject(error, path, first) from None
        except RequestError as error:
            raise RequestError(error.what, where=str(path), do=error.do) from None
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
        if isinstance(record, BadRecord):
            return ReadRow(record.row_index, record.line, record.source_text, reason=record.reason)
        try:
            row = row_of(record.value)
            sample = parse_row(row, self.detection).sample
            if self._is_table and not (sample.turns[-1].content or sample.turns[-1].tool_calls):
                # JSON says "" and means it; an empty cell of a table is a missing one.
                raise RowError("the response is an empty cell")
            domain = self._domain_of(row)
        except RowError as error:
            source = record.source_text
            return ReadRow(record.row_index, record.line, source, reason=error.reason, value=record.value)
        media = media_of(row) if self.spec.text_only else None
        return ReadRow(
            record.row_index, record.line, record.source_text, sample, domain, "", record.value, record.mended, media
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
        for column, value, domain in self.spec.domain_rules:
            if column in row and _cell(row[column]) == value:
                return domain
        domain = _cell(row.get(self.spec.domain_column)) if self.spec.domain_column else ""
        domain = domain or self.spec.domain
        if not domain:
            raise RowError(f"no domain: {self.spec.domain_column!r} is missing or empty")
        if domain not in self._domains:
            self._domains.add(domain)
            if len(self._domains) > MAX_DOMAINS:
                raise RequestError(
                    f"the column {self.spec.domain_column!r} names more than {MAX_DOMAINS} domains",
                    where=str(self.path),
                    do="Choose a column with a few kinds of data, or give one name with --domain.",
                )
        return domain

    def read_share(self) -> float:
        """How much of the file's bytes the current pass has read, between 0 and 1."""
        return min(self.stream.n_read / max(self.stream.n_bytes, 1), 1.0)


def has_empty_response(sample: Sample) -> bool:
    """Whether nothing but the end of the turn is learnt from the sample; of a pair the chosen answer is learnt."""
    learnt = sample.turns[-1:] if sample.kind == "preference" else sample.turns
    answers = [turn for turn in learnt if turn.role == "assistant" and turn.weight != 0]
    return bool(answers) and not any(turn.content.strip() or turn.tool_calls or turn.thoughts for turn in answers)


def _cell(value: Any) -> str:
    """A value that can name a domain, as text; "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()


def _check_domain_columns(spec: ImportSpec, columns: tuple[str, ...], path: Path) -> None:
    asked = [spec.domain_column] if spec.domain_column else []
    for column in (*asked, *(rule[0] for rule in spec.domain_rules)):
        if column not in columns:
            raise RequestError(
                f"no row has the column {column!r} that the domain comes from",
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
            do="Mend the file, or check that it is what its name says.",
        )
    return InputFileError(error.what, where=str(path), do=error.do)


def kind_of(reason: str) -> str:
    """A reject's reason without places and numbers, so that equal faults can be counted together."""
    return _NUMBER.sub(r"a \1", _POSITION.sub("", reason))
