"""Which encoding a file is in, told from its bytes, and its text in chunks."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lobass_core.errors import RequestError
from lobass_core.files.named_files import size_text
from lobass_core.formats.containers.byte_streams import ByteStream

# Lines that are not ASCII, looked at to tell UTF-8 with a few broken ones from an older encoding; of a long one a part.
MAX_SAMPLED_LINES = 20_000
MAX_SAMPLED_BYTES = 1 << 20

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Bytes that the encoding has no character for arrive as U+DC00 + byte, which no valid text contains,
# so that one broken line is one reject and not the end of the file.
_BAD_BYTE = re.compile("[\udc00-\udcff]")
_HIGH = bytes(range(0x80, 0x100))
_PAIR = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """A Python codec's name, and in words how it was told."""

    name: str
    reason: str


def _mark_bad_bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in bad), error.end


codecs.register_error("lobass.mark_bad_bytes", _mark_bad_bytes)


def has_bad_bytes(text: str) -> bool:
    """Whether the decoder met bytes in this text that its encoding does not know."""
    return not text.isascii() and _BAD_BYTE.search(text) is not None


def named_encoding(name: str) -> Encoding:
    """The encoding that a person asked for.

    Raises:
        RequestError: Python knows no such encoding.
    """
    try:
        codec = codecs.lookup(name).name
        "".encode(codec)
    except LookupError:
        raise RequestError(
            f"unknown encoding {name!r}", do="Use auto, utf-8, utf-16, gb18030, cp1252 or another codec name."
        ) from None
    return Encoding("utf-8" if codec == "utf-8-sig" else codec, "as requested")


def detect_encoding(path: Path, look_bytes: int | None = None) -> Encoding:
    """Tell the encoding from the byte order mark, else from every byte of the file (one streaming pass), or from the
    first `look_bytes`."""
    chunks = _first_bytes(path, look_bytes)
    first = next(chunks, b"")
    for mark, name in _BOMS:
        if first.startswith(mark):
            return Encoding(name, "byte order mark")
    if first[1:2] == b"\0" and first[:1] != b"\0":
        return Encoding("utf-16-le", "every second byte is zero")
    if first[:1] == b"\0" and first[1:2] != b"\0":
        return Encoding("utf-16-be", "every second byte is zero")
    decoder = codecs.getincrementaldecoder("utf-8")()
    n_seen = len(first)
    try:
        decoder.decode(first)
        for chunk in chunks:
            decoder.decode(chunk)
            n_seen += len(chunk)
    except UnicodeDecodeError:
        return _older_encoding(path, look_bytes)
    # A file that ends inside a character was cut off; what is there is UTF-8.
    is_part = look_bytes is not None and n_seen >= look_bytes
    return Encoding("utf-8", f"valid UTF-8 in the first {size_text(n_seen)}" if is_part else "valid UTF-8")


def _first_bytes(path: Path, look_bytes: int | None) -> Iterator[bytes]:
    n_seen = 0
    for chunk in ByteStream(path).chunks():
        yield chunk
        n_seen += len(chunk)
        if look_bytes is not None and n_seen >= look_bytes:
            return


def _older_encoding(path: Path, look_bytes: int | None) -> Encoding:
    """UTF-8 with broken lines, GB18030 (its subset GBK too) or cp1252, by the lines that are not ASCII.

    Chinese text in GBK is runs of byte pairs that are both high; in cp1252 a high byte stands between ASCII letters.
    """
    n_utf8 = n_other = n_pairs = n_high_pairs = n_not_gb = 0
    for line in _byte_lines(path, look_bytes):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            n_utf8 += 1
            continue
        except UnicodeDecodeError:
            n_other += 1
        try:
            line.decode("gb18030")
        except UnicodeDecodeError:
            n_not_gb += 1
        pairs = _PAIR.findall(line)
        n_pairs += len(pairs)
        n_high_pairs += sum(pair[1] >= 0xA1 for pair in pairs)
        if n_utf8 + n_other >= MAX_SAMPLED_LINES:
            break
    if n_utf8 > n_other:
        return Encoding(
            "utf-8", f"UTF-8, with {n_other:,} broken lines among the {n_utf8 + n_other:,} that are not ASCII"
        )
    if n_pairs and n_high_pairs >= n_pairs / 2 and n_not_gb <= n_other / 2:
        return Encoding("gb18030", "not UTF-8; its high bytes come in pairs, as in GBK and GB18030")
    return Encoding("cp1252", "not UTF-8; single high bytes among ASCII letters, as in Windows-1252")


def _byte_lines(path: Path, look_bytes: int | None) -> Iterator[bytes]:
    """The lines, of a very long one its beginning up to the last byte that is ASCII."""
    pending: list[bytes] = []
    n_pending = 0
    for chunk in _first_bytes(path, look_bytes):
        head, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            if n_pending < MAX_SAMPLED_BYTES:
                pending.append(chunk)
                n_pending += len(chunk)
            continue
        for line in b"".join([*pending, head]).split(b"\n"):
            yield _beginning(line)
        pending, n_pending = [tail], len(tail)
    yield _beginning(b"".join(pending))


def _beginning(line: bytes) -> bytes:
    return line if len(line) < MAX_SAMPLED_BYTES else line[:MAX_SAMPLED_BYTES].rstrip(_HIGH)


def text_chunks(stream: ByteStream, encoding: str) -> Iterator[str]:
    """The stream's text without its byte order mark; bad bytes are marked (`has_bad_bytes`), never dropped."""
    decoder = codecs.getincrementaldecoder(encoding)("lobass.mark_bad_bytes")
    first = True
    for chunk in stream.chunks():
        text = decoder.decode(chunk)
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        if text:
            yield text
    if text := decoder.decode(b"", final=True):
        yield text
