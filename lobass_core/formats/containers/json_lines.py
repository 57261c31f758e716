"""JSON lines: one record a line, broken lines set aside."""

import json
from collections.abc import Iterable, Iterator

from lobass_core.formats.containers.encodings import has_bad_bytes
from lobass_core.formats.raw_records import (
    MAX_REJECT_CHARS,
    BadRecord,
    DuplicateKeyError,
    RawRecord,
    bad_record,
    decode_at,
    decode_line,
    explain,
    mended,
)
from lobass_core.formats.record_limits import ReadLimits

# Not text of a record: a byte order mark, the record separator of RFC 7464, and the zero bytes that a crash leaves.
BLANK = " \t\r\n\ufeff\x1e\0"


class CutLine(str):
    """The beginning of a line that is longer than a record may be."""

    __slots__ = ()


def split_lines(chunks: Iterable[str], limits: ReadLimits) -> Iterator[str]:
    r"""The text's lines without their ends. Only \n and \r\n end a line: U+2028, \x0b and their kin are text.

    Of a line that is longer than a record may be comes the beginning alone, as a `CutLine`.
    """
    pending: list[str] = []
    n_pending = 0
    for chunk in chunks:
        head, newline, tail = chunk.rpartition("\n")
        if not newline:
            if n_pending <= limits.record_bytes:
                pending.append(chunk)
                n_pending += len(chunk)
            continue
        first, _, others = head.partition("\n")
        pending.append(first)
        yield _line("".join(pending), limits)
        if len(first) < len(head):
            for line in others.split("\n"):
                yield _line(line, limits)
        pending, n_pending = [tail], len(tail)
    last = "".join(pending)
    if last.removesuffix("\r"):
        yield _line(last, limits)


def _line(text: str, limits: ReadLimits) -> str:
    return CutLine(text[:MAX_REJECT_CHARS]) if limits.is_over(text) else text.removesuffix("\r")


def read_json_lines(chunks: Iterable[str], limits: ReadLimits) -> Iterator[RawRecord | BadRecord]:
    """A record for each line that is not blank, in order; the last line may turn out to be cut off."""
    row_index = 0
    waiting: BadRecord | None = None
    for line, text in enumerate(split_lines(chunks, limits), 1):
        is_cut = isinstance(text, CutLine)
        if not is_cut and not text.strip(BLANK):
            continue
        if waiting is not None:
            yield waiting
            waiting = None
        record = bad_record(row_index, line, limits.too_long, text) if is_cut else _read_line(row_index, line, text)
        row_index += 1
        if isinstance(record, BadRecord) and not is_cut:
            waiting = record
        else:
            yield record
    if waiting is not None:
        yield _if_cut_off(waiting)


def _read_line(row_index: int, line: int, text: str) -> RawRecord | BadRecord:
    if has_bad_bytes(text):
        return bad_record(row_index, line, "contains bytes that are not valid in the file's encoding", text)
    source = text.lstrip("\ufeff\x1e\0").rstrip("\0")
    try:
        start = len(source) - len(source.lstrip(" \t\r"))
        value, end = decode_at(source, start)
        rest = source[end:].strip(" \t\r")
        if rest == ",":
            # An array's elements, one a line, without its brackets.
            source = source[:end]
        elif rest:
            raise json.JSONDecodeError("Extra data", source, end)
        value, was_mended = mended(value, source)
        return RawRecord(row_index, line, value, source, was_mended)
    except (ValueError, RecursionError) as error:
        return bad_record(row_index, line, explain(error), text)


def _if_cut_off(record: BadRecord) -> BadRecord:
    """A last line whose only fault is that it ends too soon says so."""
    try:
        decode_line(record.source_text)
    except json.JSONDecodeError as error:
        if is_cut_off(error, len(record.source_text.rstrip())):
            return BadRecord(
                record.row_index, record.line, "the file ends in the middle of this record", record.source_text
            )
    except (DuplicateKeyError, ValueError, RecursionError):
        pass
    return record


def is_cut_off(error: json.JSONDecodeError, n_chars: int) -> bool:
    """Whether more text could mend the error: an open string, or a fault within a token's length of the end."""
    return error.msg.startswith("Unterminated string") or error.pos >= n_chars - 12
