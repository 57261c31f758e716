"""The one table of measures: what rows are ranked, filtered, drawn and compared by.

Commands, pages, exports, manifests and docs read it. A measure that is a formula over known columns is one entry of
`BUILT_IN`; each score column of a project is one more measure. LoBaSS: arXiv 2310.13008, section 3.1.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from lobass_core.errors import RequestError
from lobass_core.learnability.length_adjusted import length_adjusted
from lobass_core.records import BASE, REFERENCE
from lobass_core.words.loss_columns import EPOCH_SPREAD, SPREAD, TARGET

Arrays = Mapping[str, np.ndarray]

LOSSES = (BASE, REFERENCE)
RESPONSE_TOKENS, PROMPT_TOKENS, RESPONSE_BYTES = "response_tokens", "prompt_tokens", "response_bytes"
DOMAIN, DRAW, ANSWERED = "domain", "draw", "answered"
# What is known of every row: the domain's name, a number in [0, 1) from the seed, and whether it has a response (true
# until tokens are counted); with a scoring counts too (bytes -1 where unknown).
UNSCORED_FACTS = (DOMAIN, DRAW, ANSWERED)
FACTS = (RESPONSE_TOKENS, PROMPT_TOKENS, RESPONSE_BYTES, *UNSCORED_FACTS)

# What files of scores, links and sorts call something else; a score column cannot have these names.
OTHER_NAMES = (
    *("dataset", "row_index", "sample_id", "domain", "source", "rank", "rank_in_domain", "reason", "score", "flags"),
    *("status", "kind", "weight", "split", "n_response_tokens", "n_prompt_tokens", "n_response_bytes"),
    *("drop", "tokens", "imported", "cut"),
)

NATS_A_TOKEN, BITS_A_BYTE, TOKENS = "nats/token", "bits/byte", "tokens"
LOBASS, BOTH = "LoBaSS, arXiv 2310.13008, section 3.1", "base and reference model"
TARGETED, SEVERAL = "base and a reference trained on a target set", "several references"
KEPT_EPOCHS = "base and kept epochs of the reference"
# The measure that is offered where learnability depends on length.
LENGTH_ADJUSTED = "length-adjusted"


@dataclass(frozen=True, slots=True)
class Measure:
    """One number a row.

    `needs` names loss columns, score columns and row facts; `compute` gets them as arrays by those names and returns
    float64[n], NaN for a row without a value. It goes row by row: no value depends on another row, unless
    `of_all_rows` says so; `compute` then gets all rows, and a part of a table has the values of the whole.

    `higher_is_better` says which end a selection keeps. `exported`: a column of its own in files of scores.
    """

    name: str
    label: str
    unit: str
    formula: str
    source: str
    higher_is_better: bool
    needs: tuple[str, ...]
    compute: Callable[[Arrays], np.ndarray]
    exported: bool = True
    of_all_rows: bool = False

    @property
    def title(self) -> str:
        """The label at the start of a line; a score column is called as its owner calls it."""
        return self.label if self.is_column else self.label[:1].upper() + self.label[1:]

    @property
    def with_unit(self) -> str:
        """The title and, where it does not say it, the unit: "Base loss, nats/token"."""
        return self.title if self.is_whole or not self.unit else f"{self.title}, {self.unit}"

    @property
    def axis(self) -> str:
        """What stands under an axis: "base loss, nats/token"."""
        return self.label if self.is_whole or not self.unit else f"{self.label}, {self.unit}"

    @property
    def column(self) -> str:
        """The name in files: "base_bits_per_byte"; a score column keeps its own."""
        return self.name if self.is_column else self.name.replace("-", "_")

    @property
    def is_column(self) -> bool:
        """Whether it is a score column as it is."""
        return self.needs == (self.name,)

    @property
    def reads_losses(self) -> bool:
        """Whether a bad loss makes a bad value."""
        return any(need.partition("@")[0] in (*LOSSES, SPREAD) for need in self.needs)

    @property
    def is_difference(self) -> bool:
        """Whether it tells the reference from the base."""
        return set(LOSSES) <= set(self.needs)

    @property
    def is_whole(self) -> bool:
        """Whether its values are whole numbers; those of a score column need not be, whatever their unit."""
        return self.unit == TOKENS and not self.is_column

    @property
    def uses_seed(self) -> bool:
        """Whether another seed gives other values."""
        return DRAW in self.needs


def _learnability(rows: Arrays) -> np.ndarray:
    """At most 1; NaN where the base loss is not above 0 or the share overflows."""
    return _share_of_base(rows[BASE] - rows[REFERENCE], rows[BASE])


def _share_of_base(nats: np.ndarray, base: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = nats / base
    return np.where((base > 0) & np.isfinite(share), share, np.nan)


def _length_adjusted(rows: Arrays) -> np.ndarray:
    return length_adjusted(_learnability(rows), rows[RESPONSE_TOKENS], rows[DOMAIN])


def _bits_per_byte(loss: str) -> Callable[[Arrays], np.ndarray]:
    """The bytes are the same for every tokenizer, so these numbers compare between models that share none."""

    def compute(rows: Arrays) -> np.ndarray:
        n_bytes = rows[RESPONSE_BYTES].astype(np.float64)
        n_bytes[n_bytes <= 0] = np.nan
        return rows[loss] * rows[RESPONSE_TOKENS] / (n_bytes * math.log(2))

    return compute


def _where_answered(values: np.ndarray, answered: np.ndarray) -> np.ndarray:
    return np.where(answered, values.astype(np.float64), np.nan)


BUILT_IN: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            "learnability", "learnability", "", "(base_loss - reference_loss) / base_loss", LOBASS, True,
            (BASE, REFERENCE), _learnability,
        ),
        Measure(
            LENGTH_ADJUSTED, "length-adjusted learnability", "",
            "learnability - its monotone fit on n_response_tokens, by domain",
            "LoBaSS and pool-adjacent-violators (Barlow et al. 1972)", True,
            (BASE, REFERENCE, RESPONSE_TOKENS, DOMAIN), _length_adjusted, exported=False, of_all_rows=True,
        ),
        Measure(
            "loss-drop", "loss drop", NATS_A_TOKEN, "base_loss - reference_loss", BOTH, True,
            (BASE, REFERENCE), lambda rows: rows[BASE] - rows[REFERENCE], exported=False,
        ),
        Measure(
            "loss-drop-sum", "loss drop of the whole response", "nats",
            "(base_loss - reference_loss) * n_response_tokens", BOTH, True, (BASE, REFERENCE, RESPONSE_TOKENS),
            lambda rows: (rows[BASE] - rows[REFERENCE]) * rows[RESPONSE_TOKENS], exported=False,
        ),
        Measure(
            "base-loss", "base loss", NATS_A_TOKEN, "base_loss", "base model", True, (BASE,),
            lambda rows: rows[BASE],
        ),
        Measure(
            "reference-loss", "reference loss", NATS_A_TOKEN, "reference_loss", "reference model", True,
            (REFERENCE,), lambda rows: rows[REFERENCE],
        ),
        Measure(
            "base-bits-per-byte", "base loss per byte", BITS_A_BYTE,
            "base_loss * n_response_tokens / (ln 2 * n_response_bytes)", "base model", True,
            (BASE, RESPONSE_TOKENS, RESPONSE_BYTES), _bits_per_byte(BASE),
        ),
        Measure(
            "reference-bits-per-byte", "reference loss per byte", BITS_A_BYTE,
            "reference_loss * n_response_tokens / (ln 2 * n_response_bytes)", "reference model", True,
            (REFERENCE, RESPONSE_TOKENS, RESPONSE_BYTES), _bits_per_byte(REFERENCE),
        ),
        Measure(
            "length", "response tokens", TOKENS, "n_response_tokens", "tokenizer", True, (RESPONSE_TOKENS,),
            lambda rows: _where_answered(rows[RESPONSE_TOKENS], rows[RESPONSE_TOKENS] > 0), exported=False,
        ),
        Measure(
            "random", "random", "", "a number in [0, 1) from the seed and the sample id", "seed", True,
            (DRAW, ANSWERED), lambda rows: _where_answered(rows[DRAW], rows[ANSWERED]), exported=False,
        ),
        Measure(
            "target-learnability", "learnability towards the target", "", "(base_loss - target_loss) / base_loss",
            TARGETED, True, (BASE, TARGET), lambda rows: _share_of_base(rows[BASE] - rows[TARGET], rows[BASE]),
        ),
        Measure(
            "target-loss", "loss of the target's reference", NATS_A_TOKEN, "target_loss",
            "reference trained on a target set", True, (TARGET,), lambda rows: rows[TARGET],
        ),
        Measure(
            "reference-spread", "standard error of the reference loss", NATS_A_TOKEN,
            "standard deviation of the references' losses / sqrt(number of references)", SEVERAL, False,
            (SPREAD,), lambda rows: rows[SPREAD],
        ),
        Measure(
            "learnability-spread", "standard error of learnability", "", "reference_spread / base_loss", SEVERAL,
            False, (BASE, SPREAD), lambda rows: _share_of_base(rows[SPREAD], rows[BASE]),
        ),
        Measure(
            "epoch-spread", "standard deviation of learnability over epochs", "",
            "standard deviation of the kept epochs' losses / base_loss", KEPT_EPOCHS, False,
            (BASE, EPOCH_SPREAD), lambda rows: _share_of_base(rows[EPOCH_SPREAD], rows[BASE]),
        ),
    )
}  # fmt: skip


def label_of(name: str) -> str:
    """The label of the measure of this name, in any project; a score column has its name."""
    return BUILT_IN[name].label if name in BUILT_IN else name


def title_of(name: str) -> str:
    """The same at the start of a line."""
    return BUILT_IN[name].title if name in BUILT_IN else name


def reads_losses(name: str) -> bool:
    """Whether the measure of this name, in any project, is made of losses; a score column is not."""
    return name in BUILT_IN and BUILT_IN[name].reads_losses


def uses_seed(name: str) -> bool:
    """Whether another seed gives this measure other values."""
    return name in BUILT_IN and BUILT_IN[name].uses_seed


def check_column_name(name: str) -> None:
    """Refuse a name that a score column cannot have.

    Raises:
        RequestError: it is no name, or means something already.
    """
    if not re.fullmatch(r"\w[\w.+ ()/%-]{0,79}", name) or name.strip() != name or name.endswith(("-asc", "-desc")):
        raise RequestError(
            f"a score column cannot be called {name!r}",
            do="Use up to 80 letters, digits, blanks and . _ + - / % ( ), and begin with a letter or a digit.",
        )
    taken = {*BUILT_IN, *(one.column for one in BUILT_IN.values()), *LOSSES, *FACTS, *OTHER_NAMES}
    if name in taken:
        raise RequestError(
            f"a score column cannot be called {name!r}: the name has a meaning already", do="Choose another name."
        )
