"""Published data formats, both ways: a file's rows as samples, samples as rows."""

from lobass_core.formats import (
    alpaca,
    columns,
    conversation_tree,
    messages,
    preference,
    prompt_completion,
    sharegpt,
    text,
)
from lobass_core.formats.record_format import ParsedSample, RecordFormat
from lobass_core.formats.row_errors import RowError

__all__ = ["FORMATS", "ParsedSample", "RecordFormat", "RowError"]

FORMATS: dict[str, RecordFormat] = {
    room.FORMAT.name: room.FORMAT
    for room in (alpaca, sharegpt, messages, prompt_completion, preference, text, columns, conversation_tree)
}
