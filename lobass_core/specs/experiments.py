"""The settings of an experiment: which arms are trained, on how many rows, how, and what they are judged by."""

from dataclasses import dataclass
from typing import Literal

from lobass_core.errors import RequestError
from lobass_core.specs.base import Spec, check_choice
from lobass_core.specs.checks import MOST_SEED, check_recipe, check_whole
from lobass_core.specs.runs import TrainMethod

Equal = Literal["epochs", "steps"]
DEFAULT_ARMS = ("base", "full", "learnability", "random", "length-matched", "longest", "bottom")
# One draw says nothing about chance; five are the least that a spread can be told from.
LEAST_DRAWS = 2


@dataclass(frozen=True, slots=True)
class ValidateSpec(Spec):
    """Train arms from the base of a scoring and compare them on held-out rows.

    `budgets` are shares of the pool, in (0, 1], sorted, each once. Arms that are drawn by chance are drawn `draws`
    times; every arm is trained with `seeds` seeds. `equal` "steps": every arm takes as many optimiser steps as the
    first random draw of its budget does in `epochs`. `held_out` rows of each domain are set aside before anything is
    chosen, near duplicates together, drawn from `seed`. `evaluate` are files whose rows are measured too, each a set of
    its own.
    Of each set, `answers` rows at most are answered by the arms themselves, where the base gets some of them right.
    `learning_rate` 0: by method and model size.
    """

    arms: tuple[str, ...] = DEFAULT_ARMS
    selections: tuple[str, ...] = ()
    budgets: tuple[float, ...] = (0.167,)
    draws: int = 5
    seeds: int = 1
    epochs: float = 1.0
    equal: Equal = "epochs"
    method: TrainMethod = "lora"
    learning_rate: float = 0.0
    lora_rank: int = 16
    batch_tokens: int = 1024
    device: str = "auto"
    held_out: int = 100
    seed: int = 0
    datasets: tuple[str, ...] = ()
    evaluate: tuple[str, ...] = ()
    answers: int = 0

    def __post_init__(self) -> None:
        check_choice("method", self.method, TrainMethod)
        check_choice("unit of equal training", self.equal, Equal)
        if not self.budgets or not all(0 < share <= 1 for share in self.budgets):
            raise RequestError("a budget is not a share of the rows", do="Use shares above 0 and up to 1: 0.06,0.167.")
        object.__setattr__(self, "budgets", tuple(sorted(set(self.budgets))))
        if self.draws < LEAST_DRAWS:
            raise RequestError(
                f"{self.draws} random draws do not show the spread of chance", do="Use --draws 2 or more; 5 is better."
            )
        check_recipe(self.epochs, self.learning_rate, self.batch_tokens, self.lora_rank)
        check_whole("number of draws", self.draws, LEAST_DRAWS)
        check_whole("number of training seeds", self.seeds, 1)
        check_whole("number of held-out rows per domain", self.held_out, 2)
        check_whole("number of answers per set", self.answers)
        check_whole("seed", self.seed, 0, MOST_SEED)
