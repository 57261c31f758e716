"""Which format a file's rows are in, and why one may think so."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lobass_core.errors import InputFileError, RequestError
from lobass_core.formats import FORMATS, ParsedSample, RowError
from lobass_core.formats.classify import FAMILIES, Reading, classify
from lobass_core.formats.raw_records import BadRecord, RawRecord
from lobass_core.formats.reading_rules import applied, columns_in, rules_in
from lobass_core.formats.turn_lists import is_turn
from lobass_core.formats.wrapped_rows import row_of, rows_of

SAMPLED_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Detection:
    """A format with the columns it reads. `confidence` is the share of the sampled rows that have them."""

    format: str
    mapping: dict[str, str]
    reason: str
    confidence: float
    asked: bool = False

    @property
    def label(self) -> str:
        """The format's name as people write it."""
        return FORMATS[self.format].label


def detect(
    first_records: Iterable[RawRecord | BadRecord], rules: Mapping[str, str] | None = None, *, sampled: bool = False
) -> Detection:
    """The format of most of the given records, with its reason in one sentence; `rules` go into its mapping.

    `sampled`: there are more records than the given ones, however few these are.

    Raises:
        InputFileError: no record fits any format; says what the records look like instead.
    """
    records = [record.value for record in first_records if isinstance(record, RawRecord)]
    values = rows_of(records)
    readings: Counter[Reading] = Counter()
    for value in values:
        if (reading := classify(value)) is not None:
            readings[reading] += 1
    if not readings:
        raise _no_format(records)
    families = Counter[str]()
    for (name, _), n_rows in readings.items():
        families[FAMILIES[name]] += n_rows
    family = families.most_common(1)[0][0]
    (name, mapping), _ = next(item for item in readings.most_common() if FAMILIES[item[0][0]] == family)
    n_fitting = families[family]
    reason = _reason(name, dict(mapping), values, n_fitting, len(records), sampled or len(records) >= SAMPLED_ROWS)
    return Detection(name, {**dict(mapping), **(rules or {})}, reason, n_fitting / max(len(records), 1))


def _reason(
    name: str, mapping: dict[str, str], values: list[dict], n_fitting: int, n_records: int, sampled: bool
) -> str:
    count = "every row" if n_fitting == n_records else f"{n_fitting:,} of {n_records:,} rows"
    if n_fitting == n_records and sampled:
        count = f"every one of {n_records:,} sampled rows"
    has = f"{count} {'has' if n_fitting in (1, n_records) else 'have'}"
    columns = [column.replace("+", " and ") for column in mapping.values()]
    listed = columns[0] if len(columns) == 1 else f"{', '.join(columns[:-1])} and {columns[-1]}"
    keys = {key.lower() for value in values for key in value}
    note = ""
    if mapping.get("completion", "").lower() == "solution" and "answer" in keys:
        note = "; the worked solution is the response, and answer is kept as another field"
    elif mapping.get("completion", "").lower() == "code":
        note = "; code next to text is its answer"
    elif name == "columns":
        note = "; the story comes before its question"
    elif name == "tree":
        note = " with replies; the best-ranked path becomes the conversation"
    return f"{has} {listed}{note}"


# What this program writes beside rows, by columns that nothing else has together.
_MADE_HERE = {
    "scores": {"row_index", "sample_id", "base_loss", "reference_loss"},
    "rows that an import rejected, with their reasons": {"row_index", "line", "reason", "source"},
}


def _no_format(records: list[Any]) -> InputFileError:
    rows = rows_of(records)
    if not rows:
        kinds = [{"str": "text", "list": "lists"}.get(type(value).__name__, "bare values") for value in records]
        what = f"its records are {max(kinds, key=kinds.count)}, not objects with fields" if kinds else ""
        do = 'Instruction data has rows such as {"prompt": ..., "response": ...}.'
        return InputFileError(what or "no record can be read", do=do)
    names = list(dict.fromkeys(key for row in rows[:20] for key in row))
    shown = ", ".join(map(repr, names[:8])) + (", ..." if len(names) > 8 else "")
    if any(isinstance(row.get("turns"), list) and all(isinstance(turn, str) for turn in row["turns"]) for row in rows):
        return InputFileError(
            f"its rows have questions but no answers (fields {shown})",
            do="There is nothing to learn from a question alone. Add the answers, as messages or prompt and response.",
        )
    if made_here := next((what for what, columns in _MADE_HERE.items() if columns.issubset(names)), ""):
        return InputFileError(
            f"these are {made_here}, not rows to import", do="Import the file of rows that they belong to."
        )
    if all(map(is_turn, rows)):
        return InputFileError(
            f"its records are single turns (fields {shown}), not conversations",
            do="Put the turns of each conversation into one list: [[{...}, {...}], ...], or one list per line.",
        )
    return InputFileError(
        f"no known format fits its fields: {shown}",
        do="Map the columns: --map prompt=COLUMN,response=COLUMN (or text=COLUMN).",
    )


def asked_format(name: str, mapping: Mapping[str, str], first_records: Iterable[RawRecord | BadRecord]) -> Detection:
    """The format that a person asked for, with their mapping over the detected one; checked against the rows.

    `name` "auto" with a mapping means `columns`. A column is one of the rows', or several joined as A+B or A,B.

    Raises:
        RequestError: a field that the format does not have, or columns that no row has.
    """
    name = "columns" if name == "auto" else name
    form = FORMATS[name]
    fields = {form.aliases.get(field, field): column for field, column in columns_in(mapping).items()}
    unknown = sorted(set(fields) - set(form.fields))
    if unknown:
        raise RequestError(
            f"the format {name} has no field {unknown[0]!r}", do=f"Its fields are {', '.join(form.fields)}."
        )
    records = [record.value for record in first_records if isinstance(record, RawRecord)]
    rows = rows_of(records)
    known = dict.fromkeys(key for row in rows for key in row)
    fields = {field: _known_column(field, column, known) for field, column in fields.items()}
    if not fields:
        fields = _detected_mapping(name, rows)
    fields |= rules_in(mapping)
    n_fitting = sum(fits(form.name, row, fields) for row in rows)
    reason = f"as requested; {n_fitting:,} of {len(records):,} sampled rows fit"
    return Detection(name, fields, reason, n_fitting / max(len(records), 1), asked=True)


def _known_column(field: str, column: str, known: Mapping[str, Any]) -> str:
    """The column as the formats read it: a name, or names joined by +."""
    if column in known:
        return column
    for joint in "+,":
        parts = [part.strip() for part in column.split(joint)]
        if all(part in known for part in parts):
            return "+".join(parts)
    raise RequestError(
        f"no row has the column {column!r} given for {field}",
        do=f"The columns are {', '.join(list(known)[:20]) or 'none: the records are not objects'}.",
    )


def _detected_mapping(name: str, rows: list[dict[str, Any]]) -> dict[str, str]:
    readings = Counter(reading for value in rows if (reading := classify(value)) and reading[0] == name)
    return dict(readings.most_common(1)[0][0][1]) if readings else {}


def fits(name: str, row: dict[str, Any], mapping: Mapping[str, str]) -> bool:
    """Whether the row gives a sample of that format."""
    try:
        FORMATS[name].parse(applied(row, mapping), mapping)
    except RowError:
        return False
    return True


def parse_row(value: Any, detection: Detection) -> ParsedSample:
    """A record as a sample; in a file of mixed schemas a row may speak for a sibling of the detected format.

    Raises:
        RowError: it fits neither.
    """
    row = applied(row_of(value), detection.mapping)
    if not detection.asked:
        reading = classify(row)
        if reading is not None and FAMILIES[reading[0]] == FAMILIES[detection.format]:
            return FORMATS[reading[0]].parse(row, dict(reading[1]))
    return FORMATS[detection.format].parse(row, detection.mapping)
