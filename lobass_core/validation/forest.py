"""What a forest plot of an experiment shows: a panel for each held-out set, each arm against random draws."""

from collections import Counter
from dataclasses import dataclass

from lobass_core.errors import RequestError
from lobass_core.validation.arms import BASE, DRAWN, FULL, SELECTION
from lobass_core.validation.judge import AnswerClaim, Claim, Judgement, Verdict
from lobass_core.validation.report import THIRDS, budget_words, label_of
from lobass_core.validation.statistics import Difference

ROWS, TOKENS, BY_THIRDS, ANSWERS = "rows", "tokens", "thirds", "answers"
VIEWS = {ROWS: "By rows", TOKENS: "By tokens", BY_THIRDS: "By length third", ANSWERS: "Answers"}
NATS, POINTS = "nats/token", "percentage points"
# A plot without differences still needs an axis.
LEAST_LIMIT = {NATS: 0.01, POINTS: 5.0}
MARGIN = 1.08
# The base is left beyond an axis that would be longer by more than this for it.
FAR = 2.0


@dataclass(frozen=True, slots=True)
class ForestMark:
    """One interval; `part` names the length third, empty for all rows, and nothing is claimed of a third."""

    difference: Difference
    verdict: Verdict
    part: str = ""


@dataclass(frozen=True, slots=True)
class ForestRow:
    """An arm with one mark, or one for each length third; `said` is the arm's value against that of random draws."""

    arm: str
    label: str
    said: str
    p_adjusted: float
    marks: tuple[ForestMark, ...]


@dataclass(frozen=True, slots=True)
class ForestPanel:
    """A held-out set."""

    name: str
    n_rows: int
    rows: tuple[ForestRow, ...]


@dataclass(frozen=True, slots=True)
class Forest:
    """All panels hold the same arms in the same order. `limit` is the end of the axis on both sides, in the unit.

    The untouched base is often so far behind that an axis with it would show nothing else; it may lie beyond the end.
    """

    view: str
    budget: float
    panels: tuple[ForestPanel, ...]
    limit: float
    unit: str = NATS

    @property
    def title(self) -> str:
        """What stands under the axis."""
        more = {BY_THIRDS: ", mean of rows", ANSWERS: " of exact matches"}.get(self.view, "")
        return f"difference from random, {self.unit}{more}"

    @property
    def better_side(self) -> str:
        """Where better arms stand: left has less loss, right more right answers."""
        return "right" if self.view == ANSWERS else "left"


def budgets_of(judged: Judgement) -> dict[float, str]:
    """The budgets that arms were compared at, in words and from the smallest on: 6 %; 9 %, selection 'best'."""
    arms: dict[float, set[str]] = {}
    for claim in judged.claims:
        arms.setdefault(claim.budget, set()).add(claim.arm)
    return {budget: _budget(budget, arms[budget]) for budget in sorted(arms)}


def usual_budget(judged: Judgement) -> float:
    """The budget that a figure shows unless another is asked for: that of most arms, and among equals the smallest."""
    pairs = {(claim.budget, claim.arm) for claim in judged.claims}
    n_arms = Counter(budget for budget, _ in pairs)
    return min(n_arms, key=lambda budget: (-n_arms[budget], budget), default=0.0)


def _budget(budget: float, arms: set[str]) -> str:
    """A saved selection is compared at its own size, which no other arm but draws has."""
    own = arms - {BASE, FULL, *DRAWN}
    names = [label_of(arm) for arm in sorted(own) if arm.startswith(SELECTION)]
    return ", ".join([budget_words(budget), *(names if len(names) == len(own) else ())])


def views_of(judged: Judgement) -> dict[str, str]:
    """The figures that a report has, in words."""
    return {view: words for view, words in VIEWS.items() if view != ANSWERS or judged.answers}


def forest(judged: Judgement, view: str = ROWS, budget: float | None = None) -> Forest:
    """The claims of a budget, the usual one without it: over rows, over tokens, over rows by length third, of answers.

    Raises:
        RequestError: there is no such view or budget.
    """
    budgets = budgets_of(judged)
    chosen = usual_budget(judged) if budget is None else budget
    if view not in views_of(judged) or chosen not in budgets:
        raise RequestError(f"this report has no figure {view!r} of the budget {chosen:g}", do="Choose another.")
    rows: dict[str, list[ForestRow]] = {one.name: [] for one in judged.sets}
    if view == ANSWERS:
        for answer in judged.answers:
            if answer.budget == chosen:
                rows[answer.set_name].append(_answer_row(answer))
    else:
        mean = TOKENS if view == TOKENS else ROWS
        for claim in judged.claims:
            if claim.budget == chosen and claim.mean == mean:
                rows[claim.set_name].append(_row(claim, view))
    n_asked = {answer.set_name: answer.n_rows for answer in judged.answers}
    panels = tuple(
        ForestPanel(one.name, n_asked[one.name] if view == ANSWERS else one.n_rows, tuple(rows[one.name]))
        for one in judged.sets
        if rows[one.name]
    )
    unit = POINTS if view == ANSWERS else NATS
    return Forest(view, chosen, panels, _limit(panels, LEAST_LIMIT[unit]), unit)


def _row(claim: Claim, view: str) -> ForestRow:
    marks: tuple[ForestMark, ...] = (ForestMark(claim.difference, claim.verdict),)
    if view == BY_THIRDS:
        marks = tuple(
            ForestMark(difference, "no difference found", part)
            for part, difference in zip(THIRDS, claim.thirds, strict=False)
        )
    said = f"{claim.loss:.3f} against {claim.random_loss:.3f} {NATS}"
    return ForestRow(claim.arm, label_of(claim.arm), said, claim.p_adjusted, marks)


def _answer_row(claim: AnswerClaim) -> ForestRow:
    own = claim.difference
    points = Difference(100 * own.value, 100 * own.low, 100 * own.high, own.p)
    said = f"{100 * claim.share:.1f} % against {100 * claim.random_share:.1f} % right"
    return ForestRow(claim.arm, label_of(claim.arm), said, claim.p_adjusted, (ForestMark(points, claim.verdict),))


def _limit(panels: tuple[ForestPanel, ...], least: float) -> float:
    """The end of the axis: of all arms, or of all but the untouched base where it would press the others together."""

    def furthest(*, with_base: bool) -> float:
        ends = [
            max(abs(mark.difference.low), abs(mark.difference.high))
            for panel in panels
            for row in panel.rows
            if with_base or row.arm != BASE
            for mark in row.marks
        ]
        return max([least, *ends])

    whole, without_base = furthest(with_base=True), furthest(with_base=False)
    has_others = any(row.arm != BASE for panel in panels for row in panel.rows)
    return MARGIN * (without_base if has_others and whole > FAR * without_base else whole)
