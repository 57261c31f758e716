"""A proposed name for a selection: what its rule keeps."""

from collections.abc import Container

from lobass_core.specs import SelectionSpec


def proposed_name(spec: SelectionSpec, taken: Container[str]) -> str:
    """Such as top-6-percent; with a number behind it where that is taken."""
    amount = {
        "ratio": f"top-{spec.value * 100:.4g}-percent",
        "samples": f"top-{spec.value:.0f}-rows",
        "tokens": f"top-{spec.value:.0f}-tokens",
        "threshold": f"from-{spec.value:.4g}".replace("--", "-minus-"),
    }[spec.budget]
    name = amount if spec.method == "learnability" else f"{spec.method}-{amount}"
    number, free = 2, name
    while free in taken:
        number, free = number + 1, f"{name}-{number}"
    return free
