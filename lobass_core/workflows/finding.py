"""One line of a diagnosis: a finding, what it means, and what to do about it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from lobass_core.specs import SelectionSpec
from lobass_core.workflows.diagnose import Diagnosis

# "good": as it should be; "note": worth knowing; "bad": act before a training.
Tone = Literal["good", "note", "bad"]
Query = Mapping[str, str | list[str]]
Command = tuple[str, ...]

# The form of the Score page that trains a reference in folds.
FOLDS: dict[str, str | list[str]] = {"show": "new", "reference-from": "training", "folds": "5"}
_BUDGETS = {
    "ratio": "--ratio", "samples": "--budget-samples", "tokens": "--budget-tokens", "threshold": "--threshold"
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """A page of the dashboard that shows the rows or makes the change: its name, and parameters of its address."""

    words: str
    page: str
    query: Query


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `command` is what to type after `lobass`, without the project; `links` do the same in the dashboard."""

    topic: str
    tone: Tone
    what: str
    meaning: str
    command: Command
    links: tuple[Link, ...] = ()

    def to_dict(self) -> dict:
        return asdict(self)


def select(diagnosis: Diagnosis, *options: str) -> Command:
    """Select as the diagnosed selection does, with other options."""
    spec: SelectionSpec = diagnosis.spec
    value = repr(spec.value) if spec.budget in ("ratio", "threshold") else str(int(spec.value))
    balance = ("--balance", "global") if spec.balance == "global" else ()
    return ("select", _BUDGETS[spec.budget], value, *balance, *options, *diagnosis.run_option)


def browse(diagnosis: Diagnosis, *options: str) -> Command:
    """List rows."""
    return ("browse", *options, *diagnosis.run_option)


def validate(diagnosis: Diagnosis, *arms: str) -> Command:
    """The experiment that settles what a diagnosis only suspects; what it costs is said before it starts."""
    chosen = ("--arms", ",".join(arms)) if arms else ()
    return ("validate", *chosen, "--plan", *diagnosis.run_option)


def train(diagnosis: Diagnosis, *options: str) -> Command:
    """Train another reference of the same base."""
    return ("train-reference", "--base", diagnosis.base, "--name", "NAME", *options)
