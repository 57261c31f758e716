"""Sharing a budget between domains: largest remainder, with floors and ceilings that hand places on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from lobass_core.errors import SelectionError
from lobass_core.specs import SelectionSpec


def domain_weights(spec: SelectionSpec, domains: Sequence[str], sizes: Sequence[int]) -> list[Fraction]:
    """The weight of each domain: `sizes` for natural, 1 for equal (0 for an empty domain), the given ones for custom.

    Raises:
        SelectionError: a custom weight names a domain that no scored row has.
    """
    if spec.balance == "equal":
        return [Fraction(size > 0) for size in sizes]
    if spec.balance != "custom":
        return [Fraction(size) for size in sizes]
    unknown = sorted({name for name, _ in spec.weights} - set(domains))
    if unknown:
        raise SelectionError(
            f"there is no scored domain {', '.join(unknown)}", do=f"Choose from: {', '.join(domains)}."
        )
    # As the person wrote it: 0.1 is one tenth, not the nearest binary fraction, so ties are ties.
    given: Mapping[str, Fraction] = {name: Fraction(repr(float(weight))) for name, weight in spec.weights}
    return [given.get(name, Fraction(0)) for name in domains]


def largest_remainder(total: int, weights: Sequence[Fraction]) -> list[int]:
    """Whole shares of `total` by weight that sum to it exactly; the first of equal remainders wins.

    All weights 0, or nothing to share, gives zeros.
    """
    weight_sum = sum(weights)
    if total <= 0 or not weight_sum:
        return [0] * len(weights)
    ideal = [total * weight / weight_sum for weight in weights]
    shares = [int(share) for share in ideal]
    by_remainder = sorted(range(len(weights)), key=lambda k: (shares[k] - ideal[k], k))
    for k in by_remainder[: total - sum(shares)]:
        shares[k] += 1
    return shares


@dataclass(frozen=True, slots=True)
class Grants:
    """What each domain asks for by weight alone, what it is granted, and whether it would have taken more."""

    asked: list[int]
    granted: list[int]
    exhausted: list[bool]


def share_budget(total: int, weights: Sequence[Fraction], floors: Sequence[int], ceilings: Sequence[int]) -> Grants:
    """Share a budget so that each domain's grant lies between its floor and its ceiling (not under its floor).

    A domain at its ceiling hands the rest on by the others' weights, a floor above its share (rows kept by hand) is
    taken from them; repeated until settled. The grants sum to `total` unless floors exceed it or every domain with a
    weight is at its ceiling.

    total 10, weights 1:1:1, ceilings 2, 9, 9:   asked 4 3 3   granted 2 4 4   exhausted: the first
    """
    granted = [0] * len(weights)
    exhausted = [False] * len(weights)
    left, unsettled = total, list(range(len(weights)))
    while unsettled:
        shares = dict(zip(unsettled, largest_remainder(left, [weights[k] for k in unsettled]), strict=True))
        bounded = {k: max(min(share, ceilings[k]), floors[k]) for k, share in shares.items()}
        # As CSS shares a row between flexible boxes: too much in sum means that floors took from the others, so the
        # raised ones are settled and the rest shared again; too little means that ceilings did.
        excess = sum(bounded.values()) - sum(shares.values())
        for k, share in shares.items():
            if excess == 0 or (bounded[k] > share if excess > 0 else bounded[k] < share):
                granted[k], exhausted[k] = bounded[k], bounded[k] < share
                left -= bounded[k]
                unsettled.remove(k)
    return Grants(largest_remainder(total, weights), granted, exhausted)


@dataclass(frozen=True, slots=True)
class Supply:
    """What each domain (alphabetical) has in scope: rows, and rows and response tokens by hand and by score.

    `uncounted` are rows whose tokens nobody has counted: in scope, and by hand; the sums of tokens lack theirs.
    """

    domains: tuple[str, ...]
    n_rows: list[int]
    n_by_hand: list[int]
    n_competing: list[int]
    tokens: list[int]
    tokens_by_hand: list[int]
    tokens_competing: list[int]
    uncounted: list[int]
    uncounted_by_hand: list[int]


def n_wanted(spec: SelectionSpec, n_rows: int) -> int:
    """Budget in rows (in tokens for a token budget) over `n_rows` rows in scope; halves round up."""
    return math.floor(spec.value * n_rows + 0.5) if spec.budget == "ratio" else int(spec.value)


def quotas(spec: SelectionSpec, supply: Supply) -> Grants:
    """Grants in rows, or in response tokens when the budget is in tokens; not for a balance of `global`.

    Natural means the data's own mix in the unit of the budget: shares of rows, or of response tokens.
    """
    in_tokens = spec.budget == "tokens"
    sizes = supply.tokens if in_tokens else supply.n_rows
    floors = supply.tokens_by_hand if in_tokens else supply.n_by_hand
    more = supply.tokens_competing if in_tokens else supply.n_competing
    ceilings = [floor + extra for floor, extra in zip(floors, more, strict=True)]
    weights = domain_weights(spec, supply.domains, sizes)
    return share_budget(n_wanted(spec, sum(supply.n_rows)), weights, floors, ceilings)
