"""JSON lines: one record a line, broken lines set aside."""

import json
from collections.abc import Iterable, Iterator

from lobass_core.formats.containers.encodings import has_bad_bytes
from lobass_core.formats.raw_records import (
    BadRecord,
    DuplicateKeyError,
    RawRecord,
    bad_record,
    decode_at,
    decode_line,
    explain,
    mended,
)

# Not text of a record: a byte order mark, the record separator of RFC 7464, and the zero bytes that a crash leaves.
BLANK = " \t\r\n\ufeff\x1e\0"


def split_lines(chunks: Iterable[str]) -> Iterator[str]:
    r"""The text's lines without their ends. Only \n and \r\n end a line: U+2028, \x0b and their kin are text."""
    pending: list[str] = []
    for chunk in chunks:
        head, newline, tail = chunk.rpartition("\n")
        if not newline:
            pending.append(chunk)
            continue
        pending.append(head)
        for line in "".join(pending).split("\n"):
            yield line.removesuffix("\r")
        pending = [tail]
    last = "".join(pending).removesuffix("\r")
    if last:
        yield last


def read_json_lines(chunks: Iterable[str]) -> Iterator[RawRecord | BadRecord]:
    """A record for each line that is not blank, in order; the last line may turn out to be cut off."""
    row_index = 0
    waiting: BadRecord | None = None
    for line, text in enumerate(split_lines(chunks), 1):
        if not text.strip(BLANK):
            continue
        if waiting is not None:
            yield waiting
            waiting = None
        record = _read_line(row_index, line, text)
        row_index += 1
        if isinstance(record, BadRecord):
            waiting = record
        else:
            yield record
    if waiting is not None:
        yield _if_cut_off(waiting)


def _read_line(row_index: int, line: int, text: str) -> RawRecord | BadRecord:
    if has_bad_bytes(text):
        return bad_record(row_index, line, "holds bytes that are not valid in the file's encoding", text)
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
