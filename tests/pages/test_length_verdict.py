"""What the length view says of the rank correlations of score and length."""

import numpy as np
import pytest

from lobass_core.learnability.distributions import Grid
from lobass_core.workflows.explore import LengthView
from pages.components.learnability.length_view import verdict


def view(rho: float | None, *domains: tuple[str, int, float | None]) -> LengthView:
    names, n_rows, rhos = zip(*domains, strict=True)
    edges, counts = np.array([0.0, 1.0]), np.array(n_rows).reshape(-1, 1, 1)
    return LengthView(Grid(edges, edges, names, counts, np.zeros(len(names), int)), (), rho, rhos)


def test_domains_that_cancel_out_are_named() -> None:
    found = verdict(view(-0.05, ("chat_1", 91, -0.47), ("math", 159, 0.46), ("story", 4, -1.0), ("quiz", 40, 0.1)))
    assert found == (
        "**ρ −0.05** over all rows: learnability hardly depends on length. "
        "Within domains it depends more: chat\\_1 −0.47, math +0.46."
    )


def test_domains_like_the_whole_are_not_said_again() -> None:
    assert verdict(view(0.6, ("chat", 91, 0.62), ("math", 159, 0.5))) == (
        "**ρ +0.60** over all rows: learnability mostly depends on length: longer responses score higher."
    )
    assert verdict(view(None, ("chat", 1, None))) == "Too few rows to tell whether the score depends on length."


@pytest.mark.parametrize(
    ("rho", "said"),
    [
        (None, "Too few rows"),
        (0.1, "hardly depends"),
        (-0.3, "partly depends on length: shorter"),
        (0.8, "mostly depends on length: longer"),
    ],
)
def test_the_verdict_on_length(rho: float | None, said: str) -> None:
    assert said in verdict(view(rho, ("chat", 500, rho)))
