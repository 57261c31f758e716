"""The cut instrument: ratio, samples, tokens, thresholds and weights tied together, at the frame rate.

    built = cut_instrument.tables(scores, slots, table_id)             # once a (revision, run, datasets, method, gates)
    change = cut_instrument.show(cut_instrument.payload(built, spec, answer, seq=seq, rev=rev), key=..., on_change=...)

The browser computes previews from cumulative tables while a hand moves something, and sends the new budget, value and
weights when it is lifted; the page answers with exact numbers. One instance to a page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from lobass_core.errors import RequestError
from lobass_core.specs import SelectionSpec
from pages.components.cut_instrument.payload import InstrumentTables, payload, tables

__all__ = ["Change", "InstrumentTables", "changed", "payload", "show", "tables"]

_FOLDER = Path(__file__).parent
# One module in the browser: each file is plain functions, the last one has the entry point.
_SCRIPTS = (
    "../elements.js", "../domain_colours.js", "../when_gone.js", "arithmetic.js", "format.js", "stage.js", "paint.js",
    "inputs.js", "instrument.js", "mount.js",
)  # fmt: skip
_MOUNT = st.components.v2.component(
    "lobass_cut_instrument",
    html='<div class="instrument" role="group" aria-label="Cut instrument"></div>',
    css=(_FOLDER / "instrument.css").read_text(encoding="utf-8"),
    js="\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS),
)


@dataclass(frozen=True, slots=True)
class Change:
    """What the browser asks for; `rev` says which spec it started from."""

    seq: int
    rev: int
    budget: str
    value: float
    weights: tuple[tuple[str, float], ...]

    def applied(self, spec: SelectionSpec) -> SelectionSpec:
        """The spec with this budget and these weights; balance, gates and method stay the page's.

        Raises:
            RequestError: the numbers are invalid.
        """
        weights = self.weights if spec.balance == "custom" else ()
        return SelectionSpec.from_dict(
            {**spec.to_dict(), "budget": self.budget, "value": self.value, "weights": weights}
        )


def show(data: dict[str, object], *, key: str, on_change: Callable[[], None]) -> None:
    """Mount the instrument; `on_change` runs before the page does and finds the change with `changed(key)`."""
    _MOUNT(key=key, data=data, width="stretch", height="content", on_spec_change=on_change)


def changed(key: str) -> Change | None:
    """Inside `on_change`: what the browser sent, None if it is not of the agreed shape.

    Raises:
        RequestError: a number that is none.
    """
    message = getattr(st.session_state.get(key), "spec", None)
    if not isinstance(message, dict):
        return None
    try:
        weights = message.get("weights") or {}
        return Change(
            seq=int(message["seq"]),
            rev=int(message["rev"]),
            budget=str(message["budget"]),
            value=float(message["value"]),
            weights=tuple(sorted((str(name), float(weight)) for name, weight in weights.items())),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RequestError("the browser sent a cut that is not a number") from error
