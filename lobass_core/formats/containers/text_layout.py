"""How a text file holds its records, told from its beginning and, for tables alone, its name."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from lobass_core.errors import EmptyFileError, InputFileError
from lobass_core.formats.containers.csv_dialect import looks_like_table, sample_lines
from lobass_core.formats.containers.json_lines import BLANK, is_cut_off, split_lines
from lobass_core.formats.raw_records import decode_at, decode_line
from lobass_core.formats.record_limits import ReadLimits
from lobass_core.formats.turn_lists import is_turn

Container = Literal["json", "jsonl", "csv", "tsv", "parquet", "arrow"]
Layout = Literal["array", "object", "sequence", "lines", "table"]

_LINES: tuple[Container, Layout, str] = ("jsonl", "lines", "JSON, one record per line")
_PYTHON = re.compile(r"[\[\s]*\{\s*(?:'|None\b|True\b|False\b)")
_COMMENT = re.compile(r"//|/\*|#")


def without_lines(chunks: Iterator[str], n_lines: int) -> Iterator[str]:
    """The text without its first lines."""
    left = n_lines
    for chunk in chunks:
        while left:
            _, newline, chunk = chunk.partition("\n")
            left -= bool(newline)
            if not newline:
                break
        else:
            yield chunk


def layout_of(head: str, path: Path, limits: ReadLimits) -> tuple[Container, Layout, str]:
    """Container, layout and its description.

    Raises:
        InputFileError: blank, or no file of rows; says what it is where that can be told.
    """
    suffix = next((s.lower() for s in reversed(path.suffixes) if s.lower() not in (".gz", ".zst")), "")
    start = head.lstrip(BLANK)
    if not start:
        raise EmptyFileError("the file contains only white space", where=str(path), do="Check that it is complete.")
    lines = list(itertools.islice((line for line in split_lines([start], limits) if line.strip(BLANK)), 3))
    if suffix in (".csv", ".tsv", ".tab") and not (start[0] == "{" and _is_value(lines[0], dict)):
        container: Container = "csv" if suffix == ".csv" else "tsv"
        return container, "table", f"a {container.upper()} table"
    if start[0] in "{[" and _PYTHON.match(start):
        raise InputFileError(
            "the file contains Python literals, not JSON: its strings are in single quotes",
            where=str(path),
            do="Write it with json.dump, or with to_json in pandas or datasets.",
        )
    if suffix in (".jsonl", ".ndjson") and (start[0] in '{"' or (start[0] == "[" and _is_record(lines))):
        return _LINES
    if start[0] == "[":
        return "json", "array", "a JSON array"
    if start[0] == "{":
        return _object_layout(start, lines, suffix)
    if start[0] == '"' and len(lines) > 1 and all(_is_value(line, str) for line in lines):
        return _LINES
    if suffix in (".jsonl", ".ndjson") and any(line.lstrip(BLANK)[:1] in ("{", "[") for line in lines):
        # Its first line is broken; the others may be records.
        return _LINES
    if looks_like_table(sample_lines(split_lines([head], limits))):
        return "csv", "table", "a CSV table"
    raise _not_rows(lines, path)


def _is_record(lines: list[str]) -> bool:
    """Whether the first line is one record, and not the start of an array of records or the whole of one."""
    first = lines[0]
    try:
        value = decode_line(first.strip(BLANK).removesuffix(","))
    except (ValueError, RecursionError):
        return False
    if not isinstance(value, list):
        return isinstance(value, dict)
    return len(lines) > 1 or (bool(value) and all(map(is_turn, value)))


def _object_layout(start: str, lines: list[str], suffix: str) -> tuple[Container, Layout, str]:
    """A text that begins with an object: lines, one object, or objects one after another."""
    if _is_value(lines[0], dict) and (len(lines) > 1 or suffix != ".json"):
        return _LINES
    try:
        _, end = decode_at(start, 0)
    except (ValueError, RecursionError) as error:
        goes_on = isinstance(error, json.JSONDecodeError) and is_cut_off(error, len(start))
        if len(lines) > 1 and not goes_on and _is_value(lines[1], dict):
            return _LINES  # its first line is broken
        return "json", "object", "one JSON object"
    if start[end:].strip(BLANK):
        return "json", "sequence", "JSON records one after another"
    return "json", "object", "one JSON object"


def _is_value(line: str, *kinds: type) -> bool:
    try:
        return isinstance(decode_line(line.strip(BLANK).removesuffix(",")), kinds)
    except (ValueError, RecursionError):
        return False


def _not_rows(lines: list[str], path: Path) -> InputFileError:
    first = lines[0].strip(BLANK)
    if first.startswith(("PAR1", "ARROW1")):
        return InputFileError(
            "the file is a compressed Parquet or Arrow file",
            where=str(path),
            do="Decompress it: these formats have their own compression.",
        )
    shown = json.dumps(first[:40] + ("..." if len(first) > 40 else ""), ensure_ascii=True)
    if _COMMENT.match(first) and any(line.lstrip(BLANK)[:1] in ("{", "[") for line in lines[1:]):
        return InputFileError(
            f"the file begins with a comment, {shown}, which JSON does not allow",
            where=str(path),
            do="Remove the comment, or use --skip-lines N.",
        )
    return InputFileError(
        f"the file is not JSON, JSON lines, CSV, TSV, Parquet or Arrow: it begins with {shown}",
        where=str(path),
        do='Plain text needs one JSON line per text, {"text": "..."}; a table needs a name ending in .csv or .tsv.',
    )
