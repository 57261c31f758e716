"""One row read as its format reads it, and the samples that the tests of formats share."""

import json

import pytest

from lobass_core.formats import FORMATS, RowError
from lobass_core.records import Sample, Turn

USER, ANSWER = Turn("user", "2+2?"), Turn("assistant", "4")
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2, "b": 2}'}}
TOOLS = [{"type": "function", "function": {"name": "add"}}]
CALLS, TOOLS_TEXT = (json.dumps(value, separators=(",", ":")) for value in ([CALL], TOOLS))


def parse(name: str, row: dict, **mapping: str) -> Sample:
    return FORMATS[name].parse(row, mapping).sample


def refuses(name: str, row: dict, reason: str, **mapping: str) -> None:
    with pytest.raises(RowError) as caught:
        FORMATS[name].parse(row, mapping)
    assert caught.value.reason == reason
