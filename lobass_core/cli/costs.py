"""What a plan costs, said before it starts."""

from lobass_core.cli.output import print_facts, print_json, say, stdout
from lobass_core.workflows.costs import Cost


def say_cost(cost: Cost) -> None:
    """On stderr, where progress goes: a result on stdout stays as it is."""
    say(cost.sentence)
    say(cost.time_sentence)


def print_cost(cost: Cost, *, json: bool) -> None:
    """As the answer to `--dry-run`."""
    if json:
        print_json(cost.to_dict())
        return
    print_facts("Cost", facts_of(cost))
    stdout.print(f"{cost.sentence} {cost.time_sentence}")


def facts_of(cost: Cost) -> list[tuple[str, object]]:
    """The lines of a table."""
    return [
        ("samples in the pool", cost.n_samples),
        ("passes to train the reference", cost.training),
        ("passes to score", cost.scoring),
        ("passes of training on all rows", cost.everything),
        ("expected seconds", None if cost.seconds is None else round(cost.seconds)),
    ]
