"""How a CSV file is written: what separates its cells, how quotes stand inside them, what stands above the header."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# What is looked at before the first record is read: so many lines, and not many more characters.
SAMPLED_LINES = 200
SAMPLED_CHARS = 1 << 22
DELIMITERS = ",;\t|"

_SEP_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_ESCAPED_QUOTE = re.compile(r'(?<!\\)((?:\\\\)*)\\"')


@dataclass(frozen=True, slots=True)
class Dialect:
    """`escapes`: a quote inside a cell is written \\" instead of doubled. `n_above`: lines before the header."""

    delimiter: str
    escapes: bool = False
    n_above: int = 0


def sample_lines(lines: Iterator[str]) -> list[str]:
    """Take some lines to look at."""
    sampled: list[str] = []
    n_chars = 0
    for line in lines:
        sampled.append(line)
        n_chars += len(line)
        if len(sampled) >= SAMPLED_LINES or n_chars >= SAMPLED_CHARS:
            break
    return sampled


def _is_part(lines: Sequence[str]) -> bool:
    """Whether more lines may follow the sampled ones."""
    return len(lines) >= SAMPLED_LINES or sum(map(len, lines)) >= SAMPLED_CHARS


def dialect_of(lines: Sequence[str], container: str) -> Dialect:
    """The dialect of a file's first lines; a `sep=;` line, which Excel reads, names the delimiter itself."""
    first = lines[0] if lines else ""
    if named := _SEP_LINE.fullmatch(first.strip()):
        return Dialect(named[1], _has_escapes(lines[1:], named[1]), 1)
    if container == "tsv" and "\t" in first:
        return Dialect("\t", _has_escapes(lines, "\t"))
    delimiter = max(DELIMITERS, key=lambda character: (*_fit(lines, character), -DELIMITERS.index(character)))
    return Dialect(delimiter, _has_escapes(lines, delimiter))


def _fit(lines: Sequence[str], delimiter: str) -> tuple[bool, float, int]:
    """Whether it parts the header at all, the share of records with as many cells as the header, and that number."""
    counts = cell_counts(lines, delimiter)
    if not counts:
        return False, 0.0, 0
    same = [count == counts[0] for count in counts[1:]]
    return counts[0] > 1, sum(same) / max(len(same), 1), counts[0]


def cell_counts(lines: Sequence[str], delimiter: str) -> list[int]:
    """Cells of each record of these lines, blank ones left out; the last may be cut off and is left out with others."""
    # A lone carriage return, which the reader refuses, separates nothing.
    reader = csv.reader((line.replace("\r", " ") + "\n" for line in lines), delimiter=delimiter)
    try:
        counts = [len(cells) for cells in reader if cells]
    except csv.Error:
        return []
    return counts[:-1] if _is_part(lines) else counts


def _has_escapes(lines: Sequence[str], delimiter: str) -> bool:
    """Whether the lines read without a fault only with `\\"` as a quote inside a cell."""
    if not any('\\"' in line for line in lines):
        return False
    return not _reads(lines, delimiter) and _reads([unescaped(line) for line in lines], delimiter)


def _reads(lines: Sequence[str], delimiter: str) -> bool:
    reader = csv.reader((line + "\n" for line in lines), delimiter=delimiter, strict=True)
    try:
        counts = [len(cells) for cells in reader if cells]
    except csv.Error as error:
        return "unexpected end" in str(error) and _is_part(lines)
    return len(set(counts)) == 1


def unescaped(line: str) -> str:
    r"""The line with each \" doubled instead; a backslash that is itself escaped, \\", escapes nothing."""
    return _ESCAPED_QUOTE.sub(r'\1""', line) if '\\"' in line else line


def n_title_lines(lines: Sequence[str], delimiter: str) -> int:
    """Lines above what looks like the header: a first record of one cell where all others have the same number of more.

    0 where nothing speaks for it.
    """
    counts = cell_counts(lines, delimiter)
    if len(counts) > 2 and counts[0] == 1:
        for other in DELIMITERS:
            cells = cell_counts(lines, other)
            above = next((index for index, count in enumerate(cells) if count > 1), 0)
            if above and len(cells) - above > 1 and len(set(cells[above:])) == 1:
                return _line_of_record(lines, other, above)
    return 0


def _line_of_record(lines: Sequence[str], delimiter: str, number: int) -> int:
    """Lines before record `number` (counted from 0, blank ones left out)."""
    reader = csv.reader((line.replace("\r", " ") + "\n" for line in lines), delimiter=delimiter)
    n_seen, n_lines = 0, 0
    for cells in reader:
        if cells and n_seen == number:
            return n_lines
        n_seen += bool(cells)
        n_lines = reader.line_num
    return 0


def looks_like_table(lines: Sequence[str]) -> bool:
    """Whether lines of a file that no name calls a table are one: a header of names, and records as long as it."""
    delimiter = dialect_of(lines, "csv").delimiter
    counts = cell_counts(lines, delimiter)
    if len(counts) < 2 or counts[0] < 2 or len(set(counts)) > 1:
        return False
    names = [name.strip() for name in next(csv.reader([lines[0]], delimiter=delimiter))]
    return all(0 < len(name) <= 60 for name in names) and len(set(names)) == len(names)
