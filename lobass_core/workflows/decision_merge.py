"""Merge the lines of a decision file with the project's decisions; pure, so that dry run and import agree.

One line changes a decision, tags and a note, each on its own; a tag or a note that it takes away is compared as an
empty one. Where the project says something else, that is a
conflict, and one rule settles all of them: `newest` takes the later of the two, `theirs` the file's, `mine` the
project's. Of two with the same time, and where the line has no time, the project's stands.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal, get_args

from lobass_core.errors import RequestError
from lobass_core.store.decision_imports import NewDecision, NewText
from lobass_core.store.standing import Standing
from lobass_core.workflows.decision_lines import DecisionLine

Rule = Literal["newest", "theirs", "mine"]
RULES: tuple[Rule, ...] = get_args(Rule)
Kind = Literal["decision", "tag", "note"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Side:
    """What one side says, with its author and its time; "" where it is not known."""

    text: str
    reason: str = ""
    author: str = ""
    made_at: str = ""

    @property
    def words(self) -> str:
        return f"{self.text}: {self.reason}" if self.reason else self.text


@dataclass(frozen=True, slots=True)
class Conflict:
    """A sample on which file and project differ, and whose word stands."""

    line: int
    sample_key: int
    kind: Kind
    mine: Side
    theirs: Side
    taken: Literal["mine", "theirs"]


@dataclass(frozen=True, slots=True)
class Counted:
    """Decisions, tags or notes of a file: new ones, those that stand already, and conflicts by who won."""

    n_new: int = 0
    n_same: int = 0
    n_theirs: int = 0
    n_mine: int = 0

    @property
    def n_conflicts(self) -> int:
        return self.n_theirs + self.n_mine

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass(slots=True)
class Merged:
    """What the import writes, and what it found."""

    decisions: list[NewDecision] = field(default_factory=list)
    tags: list[NewText] = field(default_factory=list)
    notes: list[NewText] = field(default_factory=list)
    removed_tags: list[NewText] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    counted: dict[Kind, Counted] = field(default_factory=dict)
    n_outdated: int = 0


def check_rule(rule: str) -> None:
    """Raises RequestError for a rule that there is none of."""
    if rule not in RULES:
        raise RequestError(f"unknown rule {rule!r} for conflicts", do=f"Choose from: {', '.join(RULES)}.")


class Standings:
    """What stands on the samples of a file, by kind and by what identifies it: the sample, and for tags the tag."""

    def __init__(
        self,
        decisions: Iterable[Standing],
        tags: Iterable[Standing],
        notes: Iterable[Standing],
        removed: Iterable[Standing],
    ) -> None:
        self.decision = {one.sample_key: _side(one) for one in decisions}
        self.note = {one.sample_key: _side(one) for one in notes}
        self.tag = {(one.sample_key, one.text): _side(one) for one in tags}
        self.tag |= {(one.sample_key, one.text): Side("", "", one.author, one.made_at) for one in removed}


def merge(lines: Sequence[tuple[DecisionLine, int]], standing: Standings, rule: Rule, now: str) -> Merged:
    """What lines with the key of their sample change. Of several lines on one sample the newest counts, else the last.

    `now` is the time of what has none.
    """
    merged = Merged()
    counts = {kind: {"n_new": 0, "n_same": 0, "n_theirs": 0, "n_mine": 0} for kind in KINDS}

    def settle(kind: Kind, line: DecisionLine, key: int, mine: Side | None, theirs: Side) -> bool:
        """Whether the file's word is taken."""
        if mine is None or _says_the_same(mine, theirs):
            counts[kind]["n_new" if mine is None else "n_same"] += 1
            return mine is None
        taken = _winner(mine, theirs, rule)
        counts[kind][f"n_{taken}"] += 1
        merged.conflicts.append(Conflict(line.line, key, kind, mine, theirs, taken))
        return taken == "theirs"

    decided = _newest((line, key) for line, key in lines if line.decision)
    noted = _newest((line, key) for line, key in lines if line.notes)
    n_given = sum(bool(line.decision) + line.notes for line, _ in lines)
    merged.n_outdated = n_given - len(decided) - len(noted)
    for line, key in decided:
        theirs = Side(line.decision, line.reason, line.author, line.made_at)
        if settle("decision", line, key, standing.decision.get(key), theirs):
            merged.decisions.append(NewDecision(key, line.decision, line.reason, line.author, line.made_at or now))
    for line, key in noted:
        if settle("note", line, key, standing.note.get(key), Side(line.note, "", line.author, line.made_at)):
            merged.notes.append(NewText(key, line.note.strip() and line.note, line.author, line.made_at or now))
    for (key, tag), line in _tags(lines).items():
        is_on = tag in line.tags
        theirs = Side(tag if is_on else "", "", line.author, line.made_at)
        if settle("tag", line, key, standing.tag.get((key, tag)), theirs):
            texts = merged.tags if is_on else merged.removed_tags
            texts.append(NewText(key, tag, line.author, line.made_at or now))
    merged.conflicts.sort(key=lambda one: (one.line, KINDS.index(one.kind)))
    merged.counted = {kind: Counted(**counts[kind]) for kind in KINDS}
    return merged


def _side(one: Standing) -> Side:
    return Side(one.text, one.reason, one.author, one.made_at)


def _says_the_same(mine: Side, theirs: Side) -> bool:
    """Tables on their way through a spreadsheet change the ends of lines."""
    return _lines_of(mine.text) == _lines_of(theirs.text) and _lines_of(mine.reason) == _lines_of(theirs.reason)


def _lines_of(text: str) -> list[str]:
    return text.splitlines()


def _winner(mine: Side, theirs: Side, rule: Rule) -> Literal["mine", "theirs"]:
    if rule == "newest":
        return "theirs" if theirs.made_at > mine.made_at else "mine"
    return rule


def _newest(lines: Iterable[tuple[DecisionLine, int]]) -> list[tuple[DecisionLine, int]]:
    """The newest line of each sample, in the order of their times."""
    best: dict[int, DecisionLine] = {}
    for line, key in lines:
        if key not in best or line.made_at >= best[key].made_at:
            best[key] = line
    return sorted(((line, key) for key, line in best.items()), key=lambda pair: (pair[0].made_at, pair[0].line))


def _tags(lines: Sequence[tuple[DecisionLine, int]]) -> dict[tuple[int, str], DecisionLine]:
    """Each tag of each sample with the line whose word stands: the first that gives it, and the last that takes it off
    if none gives it again."""
    standing: dict[tuple[int, str], DecisionLine] = {}
    for line, key in sorted(lines, key=lambda pair: (pair[0].made_at, pair[0].line)):
        for tag in line.tags:
            if tag not in getattr(standing.get((key, tag)), "tags", ()):
                standing[key, tag] = line
        for tag in line.removed_tags:
            standing[key, tag] = line
    return standing
