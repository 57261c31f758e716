"""The outcome of an experiment in words: one sentence a claim, tables, and what such a comparison cannot say."""

from collections.abc import Sequence

from lobass_core.validation.arms import BASE, FULL, MEASURE, RANDOM, SELECTION
from lobass_core.validation.judge import LEVEL, AnswerClaim, Claim, Judgement, SetSummary
from lobass_core.validation.statistics import Difference

MEANS = {"rows": "mean of rows", "tokens": "mean of tokens"}
THIRDS = ("shortest third", "middle third", "longest third")
LABELS = {
    BASE: "untouched base",
    FULL: "all rows",
    RANDOM: "random",
    "random-by-domain": "random by domain",
    "length-matched": "length-matched random",
    "learnability": "learnability",
    "length-adjusted": "length-adjusted learnability",
    "band": "learnability within a band of base loss",
    "longest": "longest responses",
    "shortest": "shortest responses",
    "base-loss": "highest base loss",
    "low-base-loss": "lowest base loss",
    "loss-drop": "largest loss drop",
    "loss-drop-sum": "largest summed loss drop",
    "bottom": "lowest learnability",
}
LIMITS = (
    "Held-out rows of the pool's own kind favour random draws: a random subset has their distribution, a selection "
    "does not. Check the other sets too.",
    "Held-out loss says how well a model predicts given answers. It says little about the answers that it would write.",
    "A mean of rows weighs each response the same, a mean of tokens weighs long ones more. A subset of short responses "
    "can be ahead by one and behind by the other.",
)


def label_of(arm: str) -> str:
    """The arm as a report names it; further words after the arm's own name stay: "learnability, in-sample"."""
    if arm.startswith(SELECTION):
        return f"selection {arm.removeprefix(SELECTION)!r}"
    if arm.startswith(MEASURE):
        return f"best by {arm.removeprefix(MEASURE)}"
    name, comma, rest = arm.partition(", ")
    return LABELS.get(name, name) + comma + rest


def title_of(arm: str) -> str:
    """The same at the start of a line."""
    label = label_of(arm)
    return label[:1].upper() + label[1:]


def budget_words(budget: float) -> str:
    """A share of the pool in per cent: 16.7 %."""
    return f"{round(100 * budget, 1):g} %"


def sentence(claim: Claim) -> str:
    """What is claimed, with the numbers behind it."""
    where = f"on {claim.set_name}, {MEANS[claim.mean]}"
    difference = claim.difference
    verdict = {
        "better": f"better than random draws of {budget_words(claim.budget)} {where}",
        "worse": f"worse than random draws of {budget_words(claim.budget)} {where}",
        "no difference found": (
            f"no difference from random draws of {budget_words(claim.budget)} found at this size {where}"
        ),
    }[claim.verdict]
    return (
        f"{title_of(claim.arm)}: {verdict}: {claim.loss:.3f} against {claim.random_loss:.3f} nats/token, "
        f"{difference.value:+.3f} (95 % interval {difference.low:+.3f} to {difference.high:+.3f}{_corrected(claim)})."
    )


def answer_sentence(claim: AnswerClaim) -> str:
    """The same of the arm's own answers."""
    said = {
        "better": f"better than random draws of {budget_words(claim.budget)}",
        "worse": f"worse than random draws of {budget_words(claim.budget)}",
        "no difference found": f"no difference from random draws of {budget_words(claim.budget)} found at this size",
    }[claim.verdict]
    points = [100 * value for value in (claim.difference.value, claim.difference.low, claim.difference.high)]
    return (
        f"{title_of(claim.arm)}: {said} on {claim.set_name}, exact match of {claim.n_rows} final answers: "
        f"{100 * claim.share:.1f} % against {100 * claim.random_share:.1f} %, {points[0]:+.1f} points (95 % interval "
        f"{points[1]:+.1f} to {points[2]:+.1f}{_corrected(claim)})."
    )


def _corrected(claim: Claim | AnswerClaim) -> str:
    """Why nothing is claimed of an interval without 0."""
    is_off = claim.difference.low > 0 or claim.difference.high < 0
    return ", without 0 only before the correction" if is_off and claim.verdict == "no difference found" else ""


def markdown(judged: Judgement, title: str, facts: Sequence[tuple[str, str]] = (), figure: str = "") -> str:
    """The whole report as Markdown; `figure` is the file name of its forest plot."""
    lines = [f"# {title}", ""]
    lines += [f"- {name}: {value}" for name, value in facts]
    lines += ["", "## Results"]
    lines += ["", f"![Differences from random draws]({figure})"] if figure else []
    lines += ["", *at_a_glance(judged)]
    for one in judged.sets:
        lines += ["", f"### {one.name}", ""]
        lines += [f"- {sentence(claim)}" for claim in judged.claims if claim.set_name == one.name]
        lines += [f"- {answer_sentence(claim)}" for claim in judged.answers if claim.set_name == one.name]
    lines += ["", _how(judged), "", "## What this comparison cannot say", ""]
    lines += [f"- {limit}" for limit in LIMITS]
    lines += ["", "## Arms", "", *_arms(judged)]
    for one in judged.sets:
        lines += ["", f"## {one.name}: {size_of(one)}", ""]
        lines += _set_table([claim for claim in judged.claims if claim.set_name == one.name])
    return "\n".join(lines) + "\n"


def size_of(one: SetSummary) -> str:
    """How large a set of held-out rows is, as words."""
    groups = f" ({one.n_groups:,} if near duplicates count once)" if one.n_groups < one.n_rows else ""
    return f"{one.n_rows:,} rows{groups}, {one.n_tokens:,} response tokens"


def at_a_glance(judged: Judgement) -> list[str]:
    """A table a budget and kind of mean: how far each arm is from random draws, on every set."""
    lines: list[str] = []
    for budget, mean in dict.fromkeys((claim.budget, claim.mean) for claim in judged.claims):
        claims = {
            (claim.arm, claim.set_name): claim
            for claim in judged.claims
            if (claim.budget, claim.mean) == (budget, mean)
        }
        rows = [
            [label_of(arm), *(_glance(claims.get((arm, one.name))) for one in judged.sets)]
            for arm in dict.fromkeys(arm for arm, _ in claims)
        ]
        lines += [
            f"Difference from random draws of {budget_words(budget)}, {MEANS[mean]}, nats/token; less is better:",
            "",
            *table(["arm", *(one.name for one in judged.sets)], rows),
            "",
        ]
    return lines[:-1]


def _glance(claim: Claim | None) -> str:
    if claim is None:
        return ""
    said = f" {claim.verdict}" if claim.verdict in ("better", "worse") else ""
    return f"{claim.difference.value:+.3f}{said}"


def _how(judged: Judgement) -> str:
    n = len(judged.claims) + len(judged.answers)
    return (
        f"Each arm is compared with {judged.n_random_draws} random draws of the same number of rows (a saved "
        "selection with draws of its size to within 5 %, the untouched base and all rows with the draws of each "
        "budget). Intervals are paired bootstraps over the held-out rows, "
        "near duplicates together, and the spread between draws; a draw's training seeds are averaged first. Each "
        "interval is for its own comparison: an interval without 0 is not yet a result. "
        'An arm is called "better" or "worse" if p, corrected by Holm\'s method over all '
        f"{n} claims of this report, is under {LEVEL:g}: in about {100 - 100 * LEVEL:g} of 100 such reports all of "
        "these words are then true. Nothing is claimed of length thirds, nor of other reports taken together."
    )


def _arms(judged: Judgement) -> list[str]:
    rows = [
        [
            label_of(arm.arm),
            budget_words(arm.budget) if arm.arm not in (BASE, FULL) else "",
            f"{arm.n_trainings:,}",
            f"{arm.n_rows:,.0f}",
            f"{arm.n_response_tokens:,.0f}",
            f"{arm.n_steps:,.0f}",
        ]
        for arm in judged.arms
    ]
    return table(["arm", "budget", "trainings", "rows", "response tokens", "steps"], rows)


def _set_table(claims: Sequence[Claim]) -> list[str]:
    rows = [
        [
            label_of(claim.arm),
            budget_words(claim.budget),
            MEANS[claim.mean],
            f"{claim.loss:.3f}",
            f"{claim.random_loss:.3f}",
            _interval(claim.difference),
            f"{claim.p_adjusted:.3f}",
            claim.verdict,
            *(_interval(third) for third in claim.thirds),
        ]
        for claim in claims
    ]
    head = ["arm", "budget", "over", "loss", "random", "difference", "p, corrected", "verdict"]
    return table([*head, *THIRDS[: max((len(claim.thirds) for claim in claims), default=0)]], rows)


def _interval(difference: Difference) -> str:
    return f"{difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table; cells may come from data."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(_cell(text) for text in line)} |" for line in lines]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
