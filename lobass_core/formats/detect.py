"""Which format a file's rows are in, and why one may think so."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lobass_core.errors import InputFileError, RequestError
from lobass_core.formats import FORMATS, ParsedSample, RowError
from lobass_core.formats.raw_records import BadRecord, RawRecord

SAMPLED_ROWS = 1000

# A row may be read by a sibling's mapping when files mix schemas; across families it would be a guess.
FAMILIES = {
    "alpaca": "pair",
    "prompt-completion": "pair",
    "columns": "pair",
    "sharegpt": "chat",
    "messages": "chat",
    "preference": "preference",
    "text": "text",
    "tree": "tree",
}
_INPUTS = ("input", "question", "query", "context")
_OUTPUTS = ("output", "response", "answer", "completion", "target")
_PROMPTS = ("prompt", "question", "query", "problem", "inputs", "user", "human")
# `solution` before `answer`: MATH has both, and the worked solution is what one trains on.
_COMPLETIONS = ("completion", "response", "solution", "canonical_solution", "answer", "output", "targets", "assistant")
_SYSTEMS = ("system", "system_prompt")
_PAIR_PROMPTS = ("prompt", "conversations", "messages", "question", "instruction", "input")


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


Reading = tuple[str, tuple[tuple[str, str], ...]]


def classify(row: Any) -> Reading | None:
    """Format and mapping that one row's keys speak for; None if no format fits."""
    if not isinstance(row, dict):
        return None
    keys = {key.lower(): key for key in row}
    if "chosen" in keys and "rejected" in keys:
        return "preference", _named(
            keys, chosen=("chosen",), rejected=("rejected",), prompt=_PAIR_PROMPTS, system=_SYSTEMS
        )
    if _is_list(row, keys, "messages"):
        return "messages", _named(keys, messages=("messages",), system=_SYSTEMS, tools=("tools",))
    for name in ("conversations", "conversation", "dialogue", "dialog"):
        if _is_list(row, keys, name):
            return "sharegpt", _named(keys, conversations=(name,), system=_SYSTEMS, tools=("tools",))
    if isinstance(root := row.get(keys.get("prompt", "")), dict) and "replies" in root:
        return "tree", _named(keys, tree=("prompt",))
    if "instruction" in keys and (output := _first(keys, _OUTPUTS)):
        return "alpaca", _named(
            keys, instruction=("instruction",), input=_INPUTS, output=(output,), system=_SYSTEMS, history=("history",)
        )
    return _classify_pair(keys)


def _classify_pair(keys: Mapping[str, str]) -> Reading | None:
    if {"body", "question", "answer"} <= keys.keys():
        return "columns", (("prompt", f"{keys['body']}+{keys['question']}"), ("response", keys["answer"]))
    prompt, completion = _first(keys, _PROMPTS), _first(keys, _COMPLETIONS)
    if prompt and completion:
        return "prompt-completion", _named(keys, prompt=(prompt,), completion=(completion,), system=_SYSTEMS)
    if {"input", "output"} <= keys.keys():
        return "prompt-completion", _named(keys, prompt=("input",), completion=("output",), system=_SYSTEMS)
    if {"text", "code"} <= keys.keys():
        return "prompt-completion", _named(keys, prompt=("text",), completion=("code",))
    if "text" in keys:
        return "text", _named(keys, text=("text",))
    return None


def _first(keys: Mapping[str, str], names: Iterable[str]) -> str:
    return next((name for name in names if name in keys), "")


def _named(keys: Mapping[str, str], **fields: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """(field, column) for each field of which one of the names is a column of the row."""
    found = ((field, _first(keys, names)) for field, names in fields.items())
    return tuple((field, keys[name]) for field, name in found if name)


def _is_list(row: dict[str, Any], keys: Mapping[str, str], name: str) -> bool:
    value = row.get(keys.get(name, ""))
    return isinstance(value, list) or (isinstance(value, str) and value.lstrip()[:2] in ("[{", "[]"))


def detect(first_records: Iterable[RawRecord | BadRecord]) -> Detection:
    """The format of most of the given records, with its reason in one sentence.

    Raises:
        InputFileError: no record fits any format; says what the records look like instead.
    """
    values = [record.value for record in first_records if isinstance(record, RawRecord)]
    readings: Counter[Reading] = Counter()
    for value in values:
        if (reading := classify(value)) is not None:
            readings[reading] += 1
    if not readings:
        raise _no_format(values)
    families = Counter[str]()
    for (name, _), n_rows in readings.items():
        families[FAMILIES[name]] += n_rows
    family = families.most_common(1)[0][0]
    (name, mapping), _ = next(item for item in readings.most_common() if FAMILIES[item[0][0]] == family)
    n_fitting = families[family]
    return Detection(
        name, dict(mapping), _reason(name, dict(mapping), values, n_fitting), n_fitting / max(len(values), 1)
    )


def _reason(name: str, mapping: dict[str, str], values: list[Any], n_fitting: int) -> str:
    count = "every row" if n_fitting == len(values) else f"{n_fitting:,} of {len(values):,} rows"
    if n_fitting == len(values) and len(values) >= SAMPLED_ROWS:
        count = f"every one of {len(values):,} sampled rows"
    has = f"{count} {'has' if n_fitting in (1, len(values)) else 'have'}"
    columns = [column.replace("+", " and ") for column in mapping.values()]
    listed = columns[0] if len(columns) == 1 else f"{', '.join(columns[:-1])} and {columns[-1]}"
    keys = {key.lower() for value in values if isinstance(value, dict) for key in value}
    note = ""
    if mapping.get("completion", "").lower() == "solution" and "answer" in keys:
        note = "; the worked solution is the response, answer is kept beside it"
    elif mapping.get("completion", "").lower() == "code":
        note = "; code beside text is the answer to it"
    elif name == "columns":
        note = "; the story comes before its question"
    elif name == "tree":
        note = " with replies; the best-ranked path becomes the conversation"
    return f"{has} {listed}{note}"


def _no_format(values: list[Any]) -> InputFileError:
    rows = [value for value in values if isinstance(value, dict)]
    if not rows:
        kinds = Counter("text" if isinstance(value, str) else type(value).__name__ for value in values)
        what = (
            f"its records are {kinds.most_common(1)[0][0]}, not objects with fields"
            if values
            else "no record can be read"
        )
        return InputFileError(what, do='Instruction data has rows such as {"prompt": ..., "response": ...}.')
    names = list(dict.fromkeys(key for row in rows[:20] for key in row))
    shown = ", ".join(map(repr, names[:8])) + (", ..." if len(names) > 8 else "")
    if any(isinstance(row.get("turns"), list) and all(isinstance(turn, str) for turn in row["turns"]) for row in rows):
        return InputFileError(
            f"its rows hold questions without answers (fields {shown})",
            do="There is nothing to learn from a question alone. Add the answers, as messages or prompt and response.",
        )
    return InputFileError(
        f"no known format fits its fields: {shown}",
        do="Say which columns hold what: --map prompt=COLUMN,response=COLUMN (or text=COLUMN).",
    )


def asked_format(name: str, mapping: Mapping[str, str], first_records: Iterable[RawRecord | BadRecord]) -> Detection:
    """The format that a person asked for, with their mapping over the detected one; checked against the rows.

    `name` "auto" with a mapping means `columns`.

    Raises:
        RequestError: a field that the format does not have, or columns that no row has.
    """
    name = "columns" if name == "auto" else name
    form = FORMATS[name]
    fields = {form.aliases.get(field, field): column for field, column in mapping.items()}
    unknown = sorted(set(fields) - set(form.fields))
    if unknown:
        raise RequestError(
            f"the format {name} has no field {unknown[0]!r}", do=f"Its fields are {', '.join(form.fields)}."
        )
    values = [record.value for record in first_records if isinstance(record, RawRecord)]
    rows = [value for value in values if isinstance(value, dict)]
    known = dict.fromkeys(key for row in rows for key in row)
    for field, column in fields.items():
        if column not in known and not all(part.strip() in known for part in column.split("+")):
            raise RequestError(
                f"no row has the column {column!r} given for {field}",
                do=f"The columns are {', '.join(list(known)[:20]) or 'none: the records are not objects'}.",
            )
    if not mapping:
        fields = _detected_mapping(name, values)
    n_fitting = sum(_fits(form.name, row, fields) for row in rows)
    reason = f"as asked; {n_fitting:,} of {len(values):,} sampled rows fit"
    return Detection(name, fields, reason, n_fitting / max(len(values), 1), asked=True)


def _detected_mapping(name: str, values: list[Any]) -> dict[str, str]:
    readings = Counter(reading for value in values if (reading := classify(value)) and reading[0] == name)
    return dict(readings.most_common(1)[0][0][1]) if readings else {}


def _fits(name: str, row: dict[str, Any], mapping: Mapping[str, str]) -> bool:
    try:
        FORMATS[name].parse(row, mapping)
    except RowError:
        return False
    return True


def parse_row(value: Any, detection: Detection) -> ParsedSample:
    """A record as a sample; in a file of mixed schemas a row may speak for a sibling of the detected format.

    Raises:
        RowError: it fits neither.
    """
    if not isinstance(value, dict):
        kind = {"str": "text", "list": "a list", "NoneType": "null"}.get(type(value).__name__, "a bare value")
        raise RowError(f"the record is {kind}, not an object with fields")
    if not detection.asked:
        reading = classify(value)
        if reading is not None and FAMILIES[reading[0]] == FAMILIES[detection.format]:
            return FORMATS[reading[0]].parse(value, dict(reading[1]))
    return FORMATS[detection.format].parse(value, detection.mapping)
