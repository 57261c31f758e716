"""The settings of a selection: what rows are ranked by, how many are kept, and which are excluded before."""

import math
from dataclasses import dataclass
from typing import Literal

from lobass_core.errors import RequestError
from lobass_core.specs.base import Spec, check_choice
from lobass_core.specs.checks import check_range

Balance = Literal["natural", "equal", "global", "custom"]
BudgetKind = Literal["ratio", "samples", "tokens", "threshold"]
# A measure and a closed range of it, None for an open end.
Band = tuple[str, float | None, float | None]
PAPER_RATIOS = (0.015, 0.06, 0.167)


@dataclass(frozen=True, slots=True)
class Gates(Spec):
    """Rows excluded regardless of their score. A person's `keep` overrules this.

    `bands` holds (measure, low, high): rows outside of a closed range, None for an open end, are left out, and so are
    rows without a value.
    """

    min_response_tokens: int = 0
    min_learnability: float | None = None
    exclude_truncated: bool = False
    exclude_negative: bool = False
    exclude_near_zero_base: bool = False
    exclude_duplicates: bool = True
    exclude_worse_than_chance: bool = True
    exclude_overlap: bool = False
    bands: tuple[Band, ...] = ()

    def __post_init__(self) -> None:
        for measure, low, high in self.bands:
            check_range(measure, low, high)
        if len({measure for measure, _, _ in self.bands}) < len(self.bands):
            raise RequestError("a measure has two bands", do="Give one band a measure: base-loss=0.5..2.")
        if self.min_response_tokens < 0:
            raise RequestError(f"minimum of {self.min_response_tokens} response tokens is negative")
        if self.min_learnability is not None and not math.isfinite(self.min_learnability):
            raise RequestError(f"a minimum learnability of {self.min_learnability} is not a number")

    @classmethod
    def _with_later_settings(cls, values: dict) -> dict:
        return {"exclude_worse_than_chance": False, **values}


@dataclass(frozen=True, slots=True)
class SelectionSpec(Spec):
    """What to keep: the best by `method` first, up to a budget, shared between domains by `balance`.

    `method` is the name of a measure (learnability/measures.py) or of a score column of the project.

    budget `ratio`: share of all scored rows in scope, in (0, 1]; `samples`: rows; `tokens`: response tokens;
    `threshold`: every row that scores the value or better. `weights` holds (domain, weight) pairs for `custom`.
    """

    method: str = "learnability"
    budget: BudgetKind = "ratio"
    value: float = 0.06
    balance: Balance = "natural"
    weights: tuple[tuple[str, float], ...] = ()
    gates: Gates = Gates()
    seed: int = 0
    datasets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.method:
            raise RequestError("no measure is given to rank by", do="Give --method, for example learnability.")
        check_choice("budget", self.budget, BudgetKind)
        check_choice("balance", self.balance, Balance)
        if not math.isfinite(self.value):
            raise RequestError(f"a {self.budget} of {self.value} is not a number")
        if self.budget == "ratio" and not 0 < self.value <= 1:
            raise RequestError(
                f"ratio {self.value} is not between 0 and 1", do="Use a share of the rows, such as 0.06 for 6 %."
            )
        if self.budget in ("samples", "tokens") and (self.value < 0 or self.value != int(self.value)):
            raise RequestError(f"a budget of {self.value} {self.budget} is not a whole number of 0 or more")
        if (self.balance == "custom") != bool(self.weights):
            raise RequestError(
                "domain weights and the balance 'custom' must be used together",
                do="Give each domain one weight: math=0.4,code=0.6.",
            )
        if any(not (math.isfinite(weight) and weight >= 0) for _, weight in self.weights):
            raise RequestError("a domain weight is negative or not a number")
        if len({domain for domain, _ in self.weights}) < len(self.weights):
            raise RequestError("a domain has two weights", do="Give each domain one weight: math=0.4,code=0.6.")
        if self.weights and not sum(weight for _, weight in self.weights) > 0:
            raise RequestError("all domain weights are 0", do="Give at least one domain a weight above 0.")
        if self.budget == "threshold" and self.balance != "global":
            raise RequestError(
                "a threshold is a single cut for all domains", do="Use --balance global with --threshold."
            )

    @classmethod
    def _with_later_settings(cls, values: dict) -> dict:
        gates = values.get("gates", {})
        return {**values, "gates": Gates._with_later_settings(gates)} if isinstance(gates, dict) else values
