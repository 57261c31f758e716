"""Which rows a curator looks at, as typed fields, and the same as the query parameters of a link.

    BrowseFilter(domains=("math",), ranges=(("learnability", (0.1, 0.4)),)).to_query()
        {"domain": ["math"], "score": "0.1..0.4"}
    BrowseFilter.from_query({"score": "0.4..0.1", "range": ["quality:3.."]}).ranges
        (("learnability", (0.1, 0.4)), ("quality", (3.0, None)))
    BrowseFilter.from_query({"selection": ["a"], "without": ["b"]})              rows that a keeps and b does not

Ranges are of any measure, closed at both ends, either of which may be left open ("0.5.."); numbers keep every digit.
Whether a project has the measure is found out with its rows.

The review queue is one condition: rows near a cut, rows that could fall on either side of it, or rows with one of the
flags that it names.

    BrowseFilter(review=("near_cut", "negative"), cuts=(("math", 0.31),)).to_query()
        {"review": ["near_cut", "negative"], "cut": ["math:0.31"]}
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self, get_args

from lobass_core.errors import RequestError
from lobass_core.learnability.flags import FLAG_NAMES
from lobass_core.learnability.measures import BUILT_IN, uses_seed
from lobass_core.words.typed_numbers import NotANumber, read_number

Scope = Literal["any", "user", "assistant", "system"]
RowStatus = Literal["ok", "truncated", "no_response", "non_finite", "not_scored"]
RowDecision = Literal["keep", "drop", "undecided"]
Review = Literal[
    "near_cut", "either_way", "negative", "truncated", "duplicate", "worse_than_chance", "unseen_by_reference"
]

Range = tuple[float | None, float | None]
Query = Mapping[str, str | Sequence[str]]

# Measures that links and saved filters have by shorter names; a range of another is range=NAME:0.1..0.4.
SHORT_NAMES = {
    "score": "learnability",
    "drop": "loss-drop",
    "base": "base-loss",
    "reference": "reference-loss",
    "tokens": "length",
}
_SHORT = {name: short for short, name in SHORT_NAMES.items()}
# Query parameter -> field, in the order in which chips stand.
LISTS = {
    "dataset": "datasets",
    "domain": "domains",
    "status": "statuses",
    "flag": "flags",
    "decision": "decisions",
    "tag": "tags",
    "review": "review",
}
CHOICES: dict[str, tuple[str, ...]] = {
    "statuses": get_args(RowStatus),
    "flags": tuple(FLAG_NAMES.values()),
    "decisions": get_args(RowDecision),
    "review": get_args(Review),
}
SELECTIONS = {"selection": "in_selections", "without": "not_in_selections"}
# Reasons that go by a cut, and those that make up the review queue: rows that could go either way may be thousands.
CUT_REASONS = ("near_cut", "either_way")
QUEUE: tuple[str, ...] = tuple(name for name in CHOICES["review"] if name != "either_way")
PARAMETERS = ("q", "in", "case", *LISTS, "cut", "by", *SHORT_NAMES, "range", *SELECTIONS, "side", "sort")

# Import order reads from the first row on, distance from the nearest; every measure from its highest value down.
SORTS_UPWARD = ("imported", "cut")


@dataclass(frozen=True, slots=True)
class BrowseFilter:
    """All conditions hold at once; several values of one field are alternatives. The default finds every row.

    Selections are the exception: a row is in all of `in_selections` and in none of `not_in_selections`.

    `ranges` are (measure, limits). `sort` is a measure, "imported" or "cut"; empty: the best first by
    learnability, by the first score column where nothing is scored, else in import order; `descending` None: the
    direction natural to the sort.

    `cuts` are (domain, score by the method `cut_by`), "" for every domain: what `review` near_cut and either_way and
    the sort by distance from the cut go by. Where neither asks for them they are dropped.
    """

    text: str = ""
    scope: Scope = "any"
    match_case: bool = False
    datasets: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    ranges: tuple[tuple[str, Range], ...] = ()
    statuses: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    in_selections: tuple[str, ...] = ()
    not_in_selections: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    review: tuple[str, ...] = ()
    cuts: tuple[tuple[str, float], ...] = ()
    cut_by: str = "learnability"
    sort: str = ""
    descending: bool | None = None

    def __post_init__(self) -> None:
        _check("search scope", self.scope, get_args(Scope))
        for field, known in CHOICES.items():
            for value in getattr(self, field):
                _check(field, value, known)
        object.__setattr__(self, "ranges", _settled(self.ranges))
        object.__setattr__(self, "sort", SHORT_NAMES.get(self.sort, self.sort))
        for field in (*LISTS.values(), *SELECTIONS.values()):
            # The same rows under the same key, in whatever order the boxes were ticked.
            object.__setattr__(self, field, tuple(sorted(set(getattr(self, field)))))
        self._settle_cuts()

    def _settle_cuts(self) -> None:
        if uses_seed(self.cut_by):
            raise RequestError(f"a cut by {self.cut_by} says nothing about a row", do="Give a cut by another measure.")
        by_cut = [reason for reason in CUT_REASONS if reason in self.review]
        asked = bool(by_cut) or self.sort == "cut"
        if asked and not self.cuts:
            raise RequestError(
                f"{by_cut[0] if by_cut else 'the sort by distance'} needs a cut",
                do="Add a cut, --cut or cut= in the address: 0.3 for every domain, or math:0.3 for one.",
            )
        if any(not math.isfinite(cut) for _, cut in self.cuts):
            raise RequestError("a cut is not a number")
        object.__setattr__(self, "cuts", tuple(sorted(dict(self.cuts).items())) if asked else ())
        if not asked:
            object.__setattr__(self, "cut_by", "learnability")

    @classmethod
    def from_query(cls, query: Query) -> Self:
        """Read query parameters; other names are ignored.

        Raises:
            RequestError: a value that a field cannot have.
        """
        values: dict[str, object] = {"ranges": _ranges(query)}
        values |= {field: _many(query, name) for name, field in LISTS.items()}
        values |= _selections(query)
        values["cuts"] = tuple(parse_cut(text) for text in _many(query, "cut"))
        sort, descending = _sort(_one(query, "sort"))
        return cls(
            text=_one(query, "q"),
            scope=_one(query, "in") or "any",  # type: ignore[arg-type]
            match_case=_one(query, "case") == "1",
            cut_by=_one(query, "by") or "learnability",
            sort=sort,
            descending=descending,
            **values,  # type: ignore[arg-type]
        )

    def to_query(self) -> dict[str, str | list[str]]:
        """Query parameters that read back as this filter; fields at their default are left out."""
        query: dict[str, str | list[str]] = {}
        if self.text:
            query["q"] = self.text
            if self.scope != "any":
                query["in"] = self.scope
            if self.match_case:
                query["case"] = "1"
        query |= {name: list(chosen) for name, field in LISTS.items() if (chosen := getattr(self, field))}
        if self.cuts:
            query["cut"] = [cut_text(cut) for cut in self.cuts]
            if self.cut_by != "learnability":
                query["by"] = self.cut_by
        for name, limits in self.ranges:
            if name in _SHORT:
                query[_SHORT[name]] = range_text(limits)
            else:
                query.setdefault("range", []).append(f"{name}:{range_text(limits)}")  # type: ignore[union-attr]
        query |= {name: list(chosen) for name, field in SELECTIONS.items() if (chosen := getattr(self, field))}
        if self.sort or self.descending is not None:
            direction = {None: "", True: "-desc", False: "-asc"}[self.descending]
            query["sort"] = f"{_SHORT.get(self.sort, self.sort)}{direction}"
        return query

    def without(self, *fields: str) -> Self:
        """The filter with these fields back at their defaults."""
        if "review" in fields and self.sort == "cut":
            fields = (*fields, "sort", "descending")
        kept = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name not in fields}
        return type(self)(**kept)

    def within_datasets(self, names: Sequence[str]) -> Self:
        """The filter with the datasets that a page is restricted to; as it is where none is named."""
        both = tuple(name for name in self.datasets or names if not names or name in names)
        return dataclasses.replace(self, datasets=both or self.datasets)

    def without_selection(self, field: str, name: str) -> Self:
        """The filter with one name taken out of `in_selections` or `not_in_selections`."""
        kept = tuple(other for other in getattr(self, field) if other != name)
        return dataclasses.replace(self, **{field: kept})  # type: ignore[arg-type]

    def within(self, name: str) -> Range | None:
        """The limits of a measure, None without any."""
        return dict(self.ranges).get(name)

    def with_range(self, name: str, limits: Range | None) -> Self:
        """The filter with other limits of a measure, or without them."""
        ranges = {**dict(self.ranges), name: limits or (None, None)}
        return dataclasses.replace(self, ranges=tuple(ranges.items()))

    def only_order(self) -> Self:
        """The filter without conditions, in the same order; the distance from a cut goes with the review queue."""
        return type(self)() if self.sort == "cut" else type(self)(sort=self.sort, descending=self.descending)

    @property
    def is_open(self) -> bool:
        """Whether every row passes."""
        return self.only_order() == dataclasses.replace(self, scope="any", match_case=False)


def cut_text(cut: tuple[str, float]) -> str:
    """`math:0.31`, or the number alone for every domain; all digits."""
    domain, score = cut
    return f"{domain}:{score!r}" if domain else repr(score)


def parse_cut(text: str) -> tuple[str, float]:
    """(domain, score) of `math:0.31` or `0.31`.

    Raises:
        RequestError: the score is not a number.
    """
    domain, _, score = text.rpartition(":")
    try:
        return domain, read_number(score)
    except NotANumber as error:
        raise RequestError(f"{text!r} is not a cut: {error}", do="Use cut=0.3 or cut=math:0.3.") from error


def is_descending(sort: str, descending: bool | None) -> bool:
    """The direction that a sort runs in."""
    return sort not in SORTS_UPWARD if descending is None else descending


def range_text(limits: Range) -> str:
    """`a..b` with all digits; an open end is left empty."""
    return "..".join("" if limit is None else repr(float(limit)).removesuffix(".0") for limit in limits)


def parse_named_range(text: str) -> tuple[str, Range]:
    """(measure, limits) of `quality:3..5`.

    Raises:
        RequestError: it has no name or no limits.
    """
    name, _, limits = text.rpartition(":")
    if not name or not limits.strip(" ."):
        raise RequestError(f"{text!r} is no range of a measure", do="Write NAME:0.1..0.4, NAME:0.1.. or NAME:..0.4.")
    name = SHORT_NAMES.get(name, name)
    return name, _range(name, limits) or (None, None)


def _ranges(query: Query) -> tuple[tuple[str, Range], ...]:
    short_ranges = {name: _range(short, _one(query, short)) for short, name in SHORT_NAMES.items()}
    named = [parse_named_range(text) for text in _many(query, "range")]
    return (*((name, limits) for name, limits in short_ranges.items() if limits), *named)


def _range(name: str, text: str) -> Range | None:
    if not text.strip():
        return None
    measure = BUILT_IN.get(SHORT_NAMES.get(name, name))
    low, dots, high = text.partition("..")
    try:
        limits = tuple(
            read_number(part, whole=measure is not None and measure.is_whole) if part.strip() else None
            for part in ((low, high) if dots else (text, text))
        )
    except NotANumber as error:
        raise RequestError(
            f"{name} {text!r} is not a range: {error}", do=f"Use {name}=0.1..0.4, 0.1.. or ..0.4."
        ) from error
    return limits  # type: ignore[return-value]


def _settled(ranges: Sequence[tuple[str, Range]]) -> tuple[tuple[str, Range], ...]:
    """One range a measure, in the order of the table of measures; both ends open is no limit at all."""
    of_name = {SHORT_NAMES.get(name, name): _ordered(name, limits) for name, limits in ranges}
    place = {name: k for k, name in enumerate(BUILT_IN)}
    named = sorted(of_name, key=lambda name: (place.get(name, len(place)), name))
    return tuple((name, limits) for name in named if (limits := of_name[name]) is not None)


def _ordered(name: str, limits: Range) -> Range | None:
    low, high = limits
    if any(limit is not None and math.isnan(limit) for limit in limits):
        raise RequestError(f"a limit of {name} is not a number")
    if low is not None and high is not None and low > high:
        low, high = high, low
    return None if low is None and high is None else (low, high)


def _selections(query: Query) -> dict[str, tuple[str, ...]]:
    """Both fields; an older link says `side=out` where a new one says `without`."""
    side = _one(query, "side") or "in"
    _check("side", side, ("in", "out"))
    inside, outside = _many(query, "selection"), _many(query, "without")
    return {
        "in_selections": inside if side == "in" else (),
        "not_in_selections": outside if side == "in" else (*inside, *outside),
    }


def _sort(text: str) -> tuple[str, bool | None]:
    for suffix, descending in (("-desc", True), ("-asc", False)):
        if text.endswith(suffix):
            return text.removesuffix(suffix), descending
    return text, None


def _one(query: Query, name: str) -> str:
    value = query.get(name, "")
    return value if isinstance(value, str) else (value[-1] if value else "")


def _many(query: Query, name: str) -> tuple[str, ...]:
    value = query.get(name, ())
    return tuple(item for item in ((value,) if isinstance(value, str) else value) if item)


def _check(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise RequestError(f"unknown {name} {value!r}", do=f"Choose from: {', '.join(item for item in known if item)}.")
