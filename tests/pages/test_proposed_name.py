"""The name that a selection is given before anybody types one."""

import pytest

from lobass_core.selection.order import usual_gates
from lobass_core.specs import SelectionSpec
from pages.components.selection.proposed_name import proposed_name


@pytest.mark.parametrize(
    ("spec", "taken", "name"),
    [
        (SelectionSpec(), (), "top-6-percent"),
        (SelectionSpec(value=0.167), (), "top-16.7-percent"),
        (SelectionSpec(budget="samples", value=5000), (), "top-5000-rows"),
        (SelectionSpec(budget="tokens", value=2_000_000), (), "top-2000000-tokens"),
        (SelectionSpec(budget="threshold", value=-0.25, balance="global"), (), "from-minus-0.25"),
        (SelectionSpec(method="length", gates=usual_gates("length")), (), "length-top-6-percent"),
        (SelectionSpec(), ("top-6-percent", "top-6-percent-2"), "top-6-percent-3"),
    ],
    ids=["ratio", "decimal", "samples", "tokens", "threshold", "method", "taken"],
)
def test_a_name_says_what_the_rule_keeps(spec: SelectionSpec, taken: tuple[str, ...], name: str):
    assert proposed_name(spec, taken) == name
