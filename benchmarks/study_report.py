"""What the finished arms of the study say, as Markdown: python benchmarks/study_report.py smollm2 [--write]

Reads what benchmarks/study.py left under docs/validation; no model and no data are needed.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lobass_core.errors import LobassError
from lobass_core.files.atomic_file import write_whole
from lobass_core.validation.arm_results import ID_DIGITS, ArmCache, ArmResult, MeasuredRows
from lobass_core.validation.arms import BASE, DRAWN, FULL, SCORES, rows_of_arm
from lobass_core.validation.candidates import Candidates
from lobass_core.validation.figure import svg
from lobass_core.validation.forest import ROWS, TOKENS, budgets_of, forest
from lobass_core.validation.judge import RESAMPLING_SEED, Finished, Judgement, judge, of_set
from lobass_core.validation.report import budget_words, markdown, table
from lobass_core.validation.statistics import Resamples, difference, spread_of

RESULTS = Path(__file__).parents[1] / "docs" / "validation"
SETS = tuple(f"held out: {name}" for name in ("conversation", "mathematics", "gsm8k_test", "dolly_3k"))
CLEAN, BAD, CLEAN_ROWS = "clean", "bad rows", "clean rows only"
IN_SAMPLE, CROSS_FITTED = "in-sample", "cross-fitted"
BUDGETS = (0.06, 0.167, 0.5)
MEASURES = ("learnability", "length-adjusted", "band", "loss-drop", "loss-drop-sum", "low-base-loss", "base-loss")
LENGTHS = ("longest", "shortest")
MATCHED, CROSSED = f"length-matched, {CROSS_FITTED}", f"learnability, {CROSS_FITTED}"
PAIRS = (
    (CROSSED, MATCHED),
    (CROSSED, f"learnability, {IN_SAMPLE}"),
    (f"length-adjusted, {CROSS_FITTED}", CROSSED),
    (f"band, {CROSS_FITTED}", CROSSED),
    (FULL, CROSSED),
)


DAMAGED = (
    "Share of damaged rows among those that each measure keeps (30 % of the pool are damaged), and in how many of 100 "
    "pairs a whole row scores above a damaged one, as a share: conversation / mathematics."
)


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A row of a pool without its text."""

    sample_id: str
    domain: str
    damage: str


class Results:
    """The finished arms of one model."""

    def __init__(self, folder: Path) -> None:
        self.cache = ArmCache(folder)
        self.entries = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        (pools,) = json.loads((folder / "pools.json").read_text(encoding="utf-8"))
        replaced = {old: (new, damage) for old, new, damage in pools["replaced"]}
        clean = [PoolRow(sample_id, domain, "") for sample_id, domain in pools["rows"]]
        bad = [(*replaced.get(row.sample_id, (row.sample_id, "")), row.domain) for row in clean]
        self.pools = {CLEAN: clean, BAD: [PoolRow(sample_id, domain, damage) for sample_id, damage, domain in bad]}

    def arm(self, entry: dict) -> tuple[ArmResult, MeasuredRows]:
        """The losses of an entry of the index, and the rows that they are of."""
        result = self.cache.read_key(entry["key"])
        return result, self.cache.read_rows(result.content.measured_on)

    def finished(self, pool: str, equal_steps: bool = False) -> Iterator[Finished]:
        """The arms of a pool as the comparison takes them; the untouched base is in both."""
        seen = set()
        for entry in self.entries:
            if entry["pool"] not in (pool, "both") or entry["arm"] == "reference":
                continue
            if entry["equal_steps"] != equal_steps and entry["arm"] not in (BASE, FULL):
                continue
            # The model trained on all rows stands once a budget, and is one training.
            if (entry["arm"], entry["key"]) in seen:
                continue
            seen.add((entry["arm"], entry["key"]))
            result, rows = self.arm(entry)
            arm = entry["arm"] + (f", {entry['reference']}" if entry["reference"] else "")
            budget = {BASE: 0.0, FULL: 1.0}.get(entry["arm"], entry["budget"])
            draws = entry["arm"] in (*DRAWN, CLEAN_ROWS)
            yield Finished(arm, budget, entry["draw"], entry["seed"], result, rows, draws)

    def means(self, wanted: Callable[[dict], bool]) -> dict[str, float]:
        """Mean loss of every row that the wanted arms were measured on, by id."""
        found: dict[str, float] = {}
        for entry in filter(wanted, self.entries):
            result, rows = self.arm(entry)
            means = result.loss_sums() / np.maximum(1, np.array(rows.n_tokens))
            found |= dict(zip(rows.sample_ids, means.tolist(), strict=True))
        return found

    def candidates(self, pool: str, kind: str) -> Candidates | None:
        """The pool under the untouched base and a reference; None where the reference is not finished."""
        base = self.means(lambda one: one["arm"] == BASE)
        reference = self.means(
            lambda one: one["arm"] == "reference" and (one["pool"], one["reference"]) == (pool, kind)
        )
        rows = self.pools[pool]
        if not all(row.sample_id in base and row.sample_id in reference for row in rows):
            return None
        n_tokens = self._n_tokens()
        return Candidates.of(
            [row.sample_id for row in rows],
            [row.domain for row in rows],
            np.array([n_tokens[row.sample_id] for row in rows]),
            np.array([base[row.sample_id] for row in rows]),
            np.array([reference[row.sample_id] for row in rows]),
        )

    def _n_tokens(self) -> dict[str, int]:
        _, rows = self.arm(next(one for one in self.entries if one["arm"] == BASE))
        return dict(zip(rows.sample_ids, rows.n_tokens, strict=True))


def bad_rows_table(results: Results) -> list[str]:
    """Share of damaged rows that each measure keeps, and how surely it ranks whole rows above damaged ones."""
    damage = {row.sample_id[:ID_DIGITS]: row.damage for row in results.pools[BAD]}
    ways = sorted(set(damage.values()) - {""})
    lines = []
    for kind in (IN_SAMPLE, CROSS_FITTED):
        rows = results.candidates(BAD, kind)
        if rows is None:
            continue
        own = np.array([damage[sample_id] for sample_id in rows.sample_ids])
        for measure in (*MEASURES, *(LENGTHS if kind == CROSS_FITTED else ())):
            kept = [rows_of_arm(measure, rows, round(budget * len(rows))) for budget in BUDGETS]
            shares = [f"{(own[chosen] != '').mean():.2f}" for chosen in kept]
            score = SCORES[measure](rows)
            aucs = [_aucs(score, own, rows.domains, way) for way in ways]
            lines.append([f"{measure}, {kind}", *shares, *aucs])
    head = ["measure", *(budget_words(budget) for budget in BUDGETS), *(f"AUC whole over {way}" for way in ways)]
    return table(head, lines) if lines else []


def _aucs(score: np.ndarray, damage: np.ndarray, domains: np.ndarray, way: str) -> str:
    """Conversation / mathematics."""
    found = []
    for domain in np.unique(domains):
        of = (domains == domain) & np.isfinite(score)
        whole, hurt = score[of & (damage == "")], score[of & (damage == way)]
        above = whole[:, None] - hurt[None, :]
        found.append(f"{(above > 0).mean() + 0.5 * (above == 0).mean():.2f}" if above.size else "–")
    return " / ".join(found)


def pairs_table(finished: Sequence[Finished], budget: float) -> list[str]:
    """Arms against each other rather than random draws, over tokens; nothing is claimed of them."""
    units: dict[str, dict[int, list[Finished]]] = {}
    for one in (one for one in finished if one.budget in (budget, 1.0)):
        units.setdefault(one.arm, {}).setdefault(one.draw, []).append(one)
    lines = []
    for arm, other in PAIRS:
        if arm not in units or other not in units:
            continue
        line = []
        for name in SETS:
            own, against = (_draws_of(units[which], name) for which in (arm, other))
            n_tokens = of_set(next(iter(units[arm].values()))[0], name)[1]
            drawn = [_draws_of(many, name) for which, many in units.items() if which in DRAWN or which == MATCHED]
            spread = spread_of(drawn, n_tokens, "tokens")
            rows = Resamples(len(n_tokens), np.random.default_rng(RESAMPLING_SEED))
            apart = difference(own, against, n_tokens, "tokens", spread, rows)
            line.append(f"{apart.value:+.3f} ({apart.low:+.3f} to {apart.high:+.3f})")
        lines.append([f"{arm} minus {other}", *line])
    return table(["arms", *SETS], lines) if lines else []


def _draws_of(many: dict[int, list[Finished]], set_name: str) -> np.ndarray:
    """float64[draws, rows], the seeds of a draw averaged."""
    return np.array([np.mean([of_set(one, set_name)[0] for one in seeds], axis=0) for seeds in many.values()])


def write_figures(judged: Judgement, folder: Path, title: str) -> None:
    """A forest plot a budget, over rows and over tokens, as `lobass validate` draws them."""
    pool = title.rpartition(", ")[2].replace(" ", "-")
    for budget in budgets_of(judged):
        for view in (ROWS, TOKENS):
            write_whole(folder / f"{pool}-{100 * budget:g}-{view}.svg", svg(forest(judged, view, budget), title))


def report(results: Results, name: str, pool: str, equal_steps: bool) -> tuple[str, Judgement | None]:
    """What the arms of one pool say, as Markdown; None where there is nothing to compare yet."""
    finished = list(results.finished(pool, equal_steps))
    steps = ", equal steps" if equal_steps else ""
    title = f"{name}, {pool}{steps}"
    try:
        judged = judge(finished, SETS)
    except LobassError as error:
        return f"# {title}\n\n{len(finished)} arms are finished. No comparison yet: {error}\n", None
    lines = [markdown(judged, title), "## Arms against each other, over tokens", ""]
    for budget in budgets_of(judged):
        lines += [f"At {budget_words(budget)}:", "", *pairs_table(finished, budget), ""]
    if pool == BAD:
        lines += ["## Damaged rows", "", DAMAGED, "", *bad_rows_table(results), ""]
    return "\n".join(lines), judged


def main() -> int:
    """Print the report of a model, or write it with its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="name of the model among the results")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--write", action="store_true", help="write reports and figures beside the results")
    arguments = parser.parse_args()
    folder = arguments.results / arguments.name
    results = Results(folder)
    for pool, equal_steps in itertools.product((CLEAN, BAD), (False, True)):
        if equal_steps and not any(entry["equal_steps"] for entry in results.entries):
            continue
        text, judged = report(results, arguments.name, pool, equal_steps)
        if not arguments.write:
            print(text)
            continue
        file_name = pool.replace(" ", "-") + ("-equal-steps" if equal_steps else "")
        write_whole(folder / f"{file_name}.md", text)
        if judged:
            write_figures(judged, folder, f"{arguments.name}, {pool}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
