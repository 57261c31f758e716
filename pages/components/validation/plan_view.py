"""What an experiment would train and what it costs, before anything is started."""

from lobass_core.validation.report import title_of
from lobass_core.workflows.validate_plan import ArmPlan, ValidatePlan
from pages.components import parts, theme
from pages.components.parts import Column, KeyNumber
from pages.components.view import Node, el

# Above this many rows near duplicates take a while to find, so a plan waits to be asked for.
MOST_ROWS_UNASKED = 20_000
COLUMNS = (
    Column("Arm"),
    Column("Budget", 72, numeric=True),
    Column("Rows", 72, numeric=True),
    Column("Steps", 64, numeric=True),
    Column("Trainings", 84, numeric=True),
    Column("Kept", 64, numeric=True),
)
HOW = (
    "Each arm trains the same base on its own rows and is measured on the same held-out rows. It is called better or "
    "worse than random draws only if the difference is larger than chance explains."
)


def numbers(plan: ValidatePlan) -> Node:
    """The strip: what is trained and how long that takes here."""
    sets = len(plan.sets)
    return parts.key_numbers(
        [
            KeyNumber("Trainings", theme.count(plan.n_to_do), note=_kept(plan)),
            KeyNumber(
                "Steps", theme.count(plan.n_steps), note=f"{theme.compact(plan.n_tokens)} tokens, prompts included"
            ),
            KeyNumber("Time here", _time(plan), note=_rate(plan), tinted=True, weight=1.2),
            KeyNumber("Rows to choose from", theme.count(plan.n_pool), note="held-out rows are not among them"),
            KeyNumber(
                "Held-out rows",
                theme.count(sum(n for _, n in plan.sets)),
                note=f"in {sets} set{'' if sets == 1 else 's'}",
            ),
        ]
    )


def _kept(plan: ValidatePlan) -> str:
    return f"{theme.count(plan.n_kept)} more kept from earlier runs" if plan.n_kept else "none kept from earlier runs"


def _time(plan: ValidatePlan) -> str:
    if not plan.n_to_do:
        return "none"
    return f"about {_about(plan.seconds)}" if plan.seconds is not None else "not known yet"


def _about(seconds: float) -> str:
    """A forecast has no seconds where it has minutes."""
    minutes = round(seconds / 60)
    return f"{minutes} min" if 2 <= minutes < 120 else theme.duration(seconds)


def _rate(plan: ValidatePlan) -> str:
    if not plan.n_to_do:
        return "all arms are kept: the report costs nothing"
    if plan.tokens_per_second is None:
        return "the first training shows it"
    return f"at {theme.count(plan.tokens_per_second)} tokens/s, measured here"


def table(plan: ValidatePlan) -> list[Node | None]:
    """Each arm with its size, the held-out sets, and what is left out."""
    return [
        parts.heading("What would be trained", plan.cost()),
        parts.table(COLUMNS, [_row(one) for one in plan.arms], label="Arms of the experiment"),
        parts.heading("Measured on"),
        parts.facts([(name, f"{theme.count(n)} rows") for name, n in plan.sets]),
        *[parts.notice("Note.", note, tone="amber") for note in plan.notes],
        el("p", HOW, cls="muted"),
    ]


def _row(one: ArmPlan) -> list[Node]:
    return [
        title_of(one.arm),
        one.budget_words or "–",
        theme.count(one.n_rows) if one.n_rows else "–",
        theme.count(one.n_steps) if one.n_steps else "–",
        theme.count(one.n_trainings),
        theme.count(one.n_kept) if one.n_kept else "–",
    ]
