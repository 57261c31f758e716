"""How the working selection differs from a new one, as chips: method, seed and gates."""

import functools
from dataclasses import replace
from functools import partial

from lobass_core.learnability.measures import label_of, uses_seed
from lobass_core.selection.order import usual_gates
from lobass_core.specs import SelectionSpec
from lobass_core.workflows import explore
from lobass_core.workflows.cut import Cut
from pages.components import chips, theme
from pages.components.chips import Chip
from pages.components.filter_words import range_words
from pages.components.selection import draft

# What a gate is called when it is shut, and when it is open although a fresh selection shuts it.
WORDS = {
    "exclude_worse_than_chance": ("Excludes worse than chance", "Includes worse than chance"),
    "exclude_truncated": ("Excludes truncated", ""),
    "exclude_negative": ("Excludes negative", ""),
    "exclude_near_zero_base": ("Excludes already known", ""),
    "exclude_overlap": ("Excludes rows in evaluation files", ""),
    "exclude_duplicates": ("", "Includes duplicates"),
}


def show(cut: Cut) -> None:
    """Draw a chip for each difference; a click takes it back."""
    chips.row("select", list(of(cut.spec, explore.usual(cut.rows))))


def of(spec: SelectionSpec, usual_method: str = "learnability") -> list[Chip]:
    """The chips, in the order of the gates' menu; `usual_method` is what a fresh selection ranks by."""
    shown = []
    if spec.method != usual_method:
        seed = f", seed {spec.seed}" if uses_seed(spec.method) else ""
        words = f"Ranked by {label_of(spec.method)}{seed}"
        shown.append(Chip(words, "method", functools.partial(draft.rank_by, usual_method, 0)))
    gates, usual = spec.gates, usual_gates(spec.method)
    if gates.min_response_tokens:
        words = f"At least {theme.count(gates.min_response_tokens)} response tokens"
        shown.append(Chip(words, "min-response-tokens", lambda: _open("min_response_tokens")))
    if gates.min_learnability is not None:
        words = f"Learnability from {theme.number(gates.min_learnability)}"
        shown.append(Chip(words, "min-learnability", lambda: _open("min_learnability")))
    for name, low, high in gates.bands:
        words = f"{label_of(name)} {range_words((low, high))}"
        shown.append(Chip(words, f"band.{name}", functools.partial(draft.set_band, name, None, None)))
    for field, (shut, let_in) in WORDS.items():
        if (on := getattr(gates, field)) != getattr(usual, field):
            shown.append(Chip(shut if on else let_in, field, partial(_open, field)))
    return shown


def _open(field: str) -> None:
    """Put one gate back to what a fresh selection has."""
    now = draft.spec()
    usual = getattr(usual_gates(now.method), field)
    draft.put(replace(now, gates=replace(now.gates, **{field: usual})))
