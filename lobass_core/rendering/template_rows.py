"""One row for a template and what comes of it, in this process or in the one for templates of strangers."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lobass_core.rendering.spans import Marked, ResponseFinder, SpanNotFound

# Messages with the arguments of tool calls as objects, the same as text where the row has calls, tools, wanted turns;
# or why there are none.
Row = tuple[list[dict], list[dict] | None, list[Any] | None, Sequence[int]] | str

TEXT, REFUSED, OPENED, FAILED, OVERRUN = range(5)
Limit = Literal["seconds", "memory", "length", "ended"]

_HEAD = struct.Struct("<BIQ")  # kind, number of spans, bytes of text
_SPAN = struct.Struct("<qq")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the process says of a row. `text` is the rendered text, or a reason, or JSON, by its `kind`.

    It is read as bytes and numbers alone: whoever has escaped from the sandbox can say anything here, and run nothing.
    """

    kind: int
    text: str
    spans: tuple[tuple[int, int], ...] = ()

    def packed(self) -> bytes:
        data = self.text.encode("utf-8", "surrogatepass")
        return _HEAD.pack(self.kind, len(self.spans), len(data)) + b"".join(_SPAN.pack(*s) for s in self.spans) + data

    @classmethod
    def unpacked(cls, data: bytearray) -> "tuple[Answer, int] | None":
        """The first answer in the data, and how many bytes it takes; None while it is incomplete."""
        if len(data) < _HEAD.size:
            return None
        kind, n_spans, n_text = _HEAD.unpack_from(data)
        start = _HEAD.size + n_spans * _SPAN.size
        if len(data) < start + n_text:
            return None
        spans = tuple(_SPAN.iter_unpack(data[_HEAD.size : start]))
        text = data[start : start + n_text].decode("utf-8", "surrogatepass")
        return cls(kind, text, spans), start + n_text  # type: ignore[arg-type]


def find_in(finder: ResponseFinder, row: Row) -> Marked | str:
    """The row's text with the spans of the wanted turns, or why it has none."""
    if isinstance(row, str):
        return row
    messages, as_text, tools, wanted = row
    try:
        return finder.find(messages, tools, wanted)
    except SpanNotFound as refusal:
        if as_text is None:
            return str(refusal)
        try:
            return finder.find(as_text, tools, wanted)
        except SpanNotFound:
            return str(refusal)
