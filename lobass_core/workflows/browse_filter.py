"""Which rows a curator looks at, as typed fields, and the same as the query parameters of a link.

    BrowseFilter(domains=("math",), score=(0.1, 0.4)).to_query()     {"domain": ["math"], "score": "0.1..0.4"}
    BrowseFilter.from_query({"domain": ["math"], "score": "0.4..0.1"}).score     (0.1, 0.4)
    BrowseFilter.from_query({"selection": ["a"], "without": ["b"]})              rows that a keeps and b does not

Ranges are closed at both ends, either of which may be left open ("0.5.."); numbers keep every digit.

The review queue is one condition: rows near a cut, or with one of the flags that it names.

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
from lobass_core.specs import Method
from lobass_core.typed_numbers import NotANumber, read_number

Scope = Literal["any", "user", "assistant", "system"]
Sort = Literal["score", "drop", "base", "reference", "tokens", "imported", "cut"]
RowStatus = Literal["ok", "truncated", "no_response", "non_finite", "not_scored"]
RowDecision = Literal["keep", "drop", "undecided"]
Review = Literal["near_cut", "negative", "truncated", "duplicate", "worse_than_chance", "unseen_by_reference"]

Range = tuple[float | None, float | None]
Query = Mapping[str, str | Sequence[str]]

# Query parameter -> field, in the order in which chips stand.
RANGES = {"score": "score", "base": "base_loss", "reference": "reference_loss", "tokens": "tokens"}
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
# A random order has no cut that a reader could judge.
CUT_METHODS = tuple(method for method in get_args(Method) if method != "random")
SELECTIONS = {"selection": "in_selections", "without": "not_in_selections"}
PARAMETERS = ("q", "in", "case", *LISTS, "cut", "by", *RANGES, *SELECTIONS, "side", "sort")

# Import order reads from the first row on, distance from the nearest; every measure from its highest value down.
SORTS_UPWARD = ("imported", "cut")


@dataclass(frozen=True, slots=True)
class BrowseFilter:
    """All conditions hold at once; several values of one field are alternatives. The default finds every row.

    Selections are the exception: a row is in all of `in_selections` and in none of `not_in_selections`.

    `score` is learnability, losses are mean nats per response token, `tokens` are response tokens. `sort` empty: by
    score where rows are scored, else in import order; `descending` None: the direction natural to the sort.

    `cuts` are (domain, score by the method `cut_by`), "" for every domain: what `review` near_cut and the sort by
    distance from the cut go by. Where neither asks for them they are dropped.
    """

    text: str = ""
    scope: Scope = "any"
    match_case: bool = False
    datasets: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    score: Range | None = None
    base_loss: Range | None = None
    reference_loss: Range | None = None
    tokens: Range | None = None
    statuses: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    in_selections: tuple[str, ...] = ()
    not_in_selections: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    review: tuple[str, ...] = ()
    cuts: tuple[tuple[str, float], ...] = ()
    cut_by: Method = "learnability"
    sort: Sort | Literal[""] = ""
    descending: bool | None = None

    def __post_init__(self) -> None:
        _check("search scope", self.scope, get_args(Scope))
        _check("sort", self.sort, ("", *get_args(Sort)))
        for field, known in CHOICES.items():
            for value in getattr(self, field):
                _check(field, value, known)
        for field in RANGES.values():
            object.__setattr__(self, field, _ordered(field, getattr(self, field)))
        for field in (*LISTS.values(), *SELECTIONS.values()):
            # The same rows under the same key, in whatever order the boxes were ticked.
            object.__setattr__(self, field, tuple(sorted(set(getattr(self, field)))))
        self._settle_cuts()

    def _settle_cuts(self) -> None:
        _check("score of the cut", self.cut_by, CUT_METHODS)
        asked = "near_cut" in self.review or self.sort == "cut"
        if asked and not self.cuts:
            raise RequestError("near_cut needs a cut", do="Add cut=0.3 for every domain, or cut=math:0.3 for one.")
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
        values: dict[str, object] = {field: _range(name, _one(query, name)) for name, field in RANGES.items()}
        values |= {field: _many(query, name) for name, field in LISTS.items()}
        values |= _selections(query)
        values["cuts"] = tuple(parse_cut(text) for text in _many(query, "cut"))
        sort, descending = _sort(_one(query, "sort"))
        return cls(
            text=_one(query, "q"),
            scope=_one(query, "in") or "any",  # type: ignore[arg-type]
            match_case=_one(query, "case") == "1",
            cut_by=_one(query, "by") or "learnability",  # type: ignore[arg-type]
            sort=sort,  # type: ignore[arg-type]
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
        query |= {name: list(found) for name, field in LISTS.items() if (found := getattr(self, field))}
        if self.cuts:
            query["cut"] = [cut_text(cut) for cut in self.cuts]
            if self.cut_by != "learnability":
                query["by"] = self.cut_by
        query |= {name: range_text(found) for name, field in RANGES.items() if (found := getattr(self, field))}
        query |= {name: list(found) for name, field in SELECTIONS.items() if (found := getattr(self, field))}
        if self.sort or self.descending is not None:
            direction = {None: "", True: "-desc", False: "-asc"}[self.descending]
            query["sort"] = f"{self.sort}{direction}"
        return query

    def without(self, *fields: str) -> Self:
        """The filter with these fields back at their defaults."""
        if "review" in fields and self.sort == "cut":
            fields = (*fields, "sort", "descending")
        kept = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name not in fields}
        return type(self)(**kept)

    def without_selection(self, field: str, name: str) -> Self:
        """The filter with one name taken out of `in_selections` or `not_in_selections`."""
        kept = tuple(other for other in getattr(self, field) if other != name)
        return dataclasses.replace(self, **{field: kept})  # type: ignore[arg-type]

    def only_order(self) -> Self:
        """The filter without conditions, in the same order; the distance from a cut goes with the review queue."""
        return type(self)() if self.sort == "cut" else type(self)(sort=self.sort, descending=self.descending)


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


def _range(name: str, text: str) -> Range | None:
    if not text.strip():
        return None
    low, dots, high = text.partition("..")
    try:
        limits = tuple(
            read_number(part, whole=name == "tokens") if part.strip() else None
            for part in ((low, high) if dots else (text, text))
        )
    except NotANumber as error:
        raise RequestError(
            f"{name} {text!r} is not a range: {error}", do=f"Use {name}=0.1..0.4, 0.1.. or ..0.4."
        ) from error
    return limits  # type: ignore[return-value]


def _ordered(field: str, limits: Sequence[float | None] | None) -> Range | None:
    """Lower limit first; both ends open is no limit at all."""
    if limits is None:
        return None
    low, high = limits
    if any(limit is not None and math.isnan(limit) for limit in (low, high)):
        raise RequestError(f"a limit of {field} is not a number")
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
