"""The working selection in the address, named like the options of `lobass select`.

/select?ratio=0.06&balance=natural
/select?budget-samples=500&balance=custom&weight=0.4:math&weight=0.6:code&exclude-truncated=yes&selection=paper-6
"""

from typing import get_args

from lobass_core.errors import LobassError, RequestError
from lobass_core.project import Project
from lobass_core.selection.order import usual_gates
from lobass_core.specs import Balance, BudgetKind, Gates, SelectionSpec
from lobass_core.workflows import select as selections
from lobass_core.workflows.browse_filter import parse_named_range, range_text
from pages.components import address
from pages.components.address import Query
from pages.components.command_line import exact
from pages.components.selection import draft, tabs

BUDGETS: dict[BudgetKind, str] = {
    "ratio": "ratio", "samples": "budget-samples", "tokens": "budget-tokens", "threshold": "threshold"
}  # fmt: skip
FLAGS = {
    "exclude-truncated": "exclude_truncated",
    "exclude-negative": "exclude_negative",
    "exclude-near-zero-base": "exclude_near_zero_base",
    "exclude-duplicates": "exclude_duplicates",
    "exclude-worse-than-chance": "exclude_worse_than_chance",
    "exclude-overlap": "exclude_overlap",
}
SELECTION, TAB, WITH = "selection", "tab", "with"
TABS = ("rows", "length", "random", "overlap", "table")
NAMES = (
    *BUDGETS.values(), "balance", "weight", "method", "seed", "min-response-tokens", "min-learnability", *FLAGS, "band",
    SELECTION, TAB, WITH,
)  # fmt: skip


def query(spec: SelectionSpec, name: str = "") -> dict[str, str | list[str]]:
    """The spec, and the name of the saved selection that it was opened from; datasets are shared by all pages."""
    value = exact(spec.value) if spec.budget in ("ratio", "threshold") else str(int(spec.value))
    parameters: dict[str, str | list[str]] = {BUDGETS[spec.budget]: value, "balance": spec.balance}
    if spec.weights:
        parameters["weight"] = [f"{exact(weight)}:{domain}" for domain, weight in spec.weights]
    if spec.method != "learnability":
        parameters["method"] = spec.method
    if spec.seed:
        parameters["seed"] = str(spec.seed)
    gates, usual = spec.gates, usual_gates(spec.method)
    if gates.min_response_tokens:
        parameters["min-response-tokens"] = str(gates.min_response_tokens)
    if gates.min_learnability is not None:
        parameters["min-learnability"] = exact(gates.min_learnability)
    for parameter, field in FLAGS.items():
        if (on := getattr(gates, field)) != getattr(usual, field):
            parameters[parameter] = "yes" if on else "no"
    if gates.bands:
        parameters["band"] = [f"{measure}:{range_text((low, high))}" for measure, low, high in gates.bands]
    if name:
        parameters[SELECTION] = name
    return parameters


def spec_of(asked: Query, start: SelectionSpec) -> SelectionSpec:
    """The spec that the address asks for; what it does not name is `start`'s.

    Raises:
        RequestError: a value that no selection can have.
    """
    method = address.one(asked, "method") or start.method
    budget, value = start.budget, start.value
    for kind, parameter in BUDGETS.items():
        if (number := address.read(asked, parameter, float, None)) is not None:
            budget, value = kind, number
    balance: Balance = address.one(asked, "balance", get_args(Balance)) or start.balance  # type: ignore[assignment]
    weights = _weights(asked) or start.weights
    gates = start.gates if method == start.method else usual_gates(method)
    return SelectionSpec(
        method=method,
        budget=budget,
        value=value,
        balance=balance,
        weights=weights if balance == "custom" else (),
        gates=Gates(
            min_response_tokens=address.read(asked, "min-response-tokens", int, gates.min_response_tokens),
            min_learnability=address.read(asked, "min-learnability", float, gates.min_learnability),
            **{field: _flag(asked, parameter, getattr(gates, field)) for parameter, field in FLAGS.items()},
            bands=tuple((name, *limits) for name, limits in map(parse_named_range, asked.get("band", ())))
            or gates.bands,
        ),
        seed=address.read(asked, "seed", int, start.seed),
    )


def _weights(asked: Query) -> tuple[tuple[str, float], ...]:
    weights = []
    for text in asked.get("weight", ()):
        number, _, domain = text.partition(":")
        try:
            weights.append((domain, float(number)))
        except ValueError:
            raise RequestError(f"a weight in the address is not a number: {text}") from None
    return tuple(sorted(weights))


def _flag(asked: Query, name: str, otherwise: bool) -> bool:
    said = address.one(asked, name, ("yes", "no"))
    return said == "yes" if said else otherwise


def follow(project: Project) -> None:
    """Take over the working selection that the address asks for, where somebody came by it."""
    asked = address.asked(NAMES)
    if asked is None:
        return
    name, start = address.one(asked, SELECTION), draft.fresh()
    if name:
        try:
            start = selections.load(project, name)[1]
            draft.opened(name, start)
        except LobassError:
            address.say(f"There is no selection named {name}. The page shows the settings in the address.")
            draft.opened("")
    else:
        draft.opened("")
    try:
        draft.put(spec_of(asked, start))
    except RequestError as error:
        address.say(f"{error.what[:1].upper()}{error.what[1:]}. The page shows a new selection.")
        draft.put(draft.fresh())
    tabs.open_tab(TABS.index(tab) if (tab := address.one(asked, TAB, TABS)) else 0, address.one(asked, WITH))


def write(spec: SelectionSpec) -> None:
    """Make the address that of the working selection and of what is open below it."""
    place, compared = tabs.opened()
    below = {TAB: TABS[place] if place else "", WITH: compared if TABS[place] == "overlap" else ""}
    parameters = query(spec, draft.name())
    address.write(parameters | {name: text for name, text in below.items() if text}, NAMES)
