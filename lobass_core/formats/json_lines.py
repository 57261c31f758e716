"""JSON lines: one record a line, broken lines set aside."""

import json
from collections.abc import Iterable, Iterator

from lobass_core.formats.encodings import has_bad_bytes
from lobass_core.formats.raw_records import BadRecord, DuplicateKeyError, RawRecord, bad_record, decode_line, explain

_BLANK = " \t\r\n\ufeff"


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
        if not text.strip(_BLANK):
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
    try:
        return RawRecord(row_index, line, decode_line(text), text.lstrip("\ufeff"))
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
