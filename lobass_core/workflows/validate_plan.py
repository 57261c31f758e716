"""What an experiment would train, what it reuses from earlier ones, and how long the rest takes here."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from lobass_core.errors import RequestError
from lobass_core.jobs.run_specs import PlannedArm, ValidateRun
from lobass_core.project import Project
from lobass_core.specs import RenderSpec, ValidateSpec
from lobass_core.validation.arm_results import ArmCache, ArmContent, ArmRecipe, digest_of
from lobass_core.validation.arms import BASE, DRAWN, FULL, RANDOM, SELECTION, check_arm, rows_of_arm
from lobass_core.validation.costs import ANSWER_COST, TRAINING_PASSES
from lobass_core.validation.report import budget_words
from lobass_core.words.plural import plural
from lobass_core.words.time_words import duration
from lobass_core.workflows.training_rate import training_rate
from lobass_core.workflows.validate_rows import ExperimentRows

# So much more or less to train on is no difference that an experiment could tell from chance.
SAME_SIZE = 0.05


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """An arm at a budget: its trainings, how many of them are kept from earlier runs, and the size of each, about."""

    arm: str
    budget: float
    n_trainings: int
    n_kept: int
    n_rows: int
    n_steps: int

    @property
    def budget_words(self) -> str:
        """The budget as a share of the pool; empty for an arm that is the same at every budget."""
        return "" if self.arm in (BASE, FULL) else budget_words(self.budget)


@dataclass(frozen=True, slots=True)
class ValidatePlan:
    """What would be trained. `n_kept` of the trainings are there already; tokens and steps are of the others.

    `seconds` is None until a training or a scoring by this base has been timed in this project.
    """

    n_trainings: int
    n_kept: int
    n_steps: int
    n_tokens: int
    n_measured_tokens: int
    tokens_per_second: float | None
    seconds: float | None
    n_pool: int
    sets: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]
    arms: tuple[ArmPlan, ...] = ()
    n_answers: int = 0

    @property
    def n_to_do(self) -> int:
        return self.n_trainings - self.n_kept

    def cost(self) -> str:
        """What the experiment costs, as said before it starts."""
        if not self.n_to_do:
            return f"All {plural(self.n_trainings, 'arm')} are kept from earlier runs: there is nothing to train."
        kept = f"; {plural(self.n_kept, 'arm')} kept from earlier runs" if self.n_kept else ""
        time = (
            f"about {duration(self.seconds)} here at {self.tokens_per_second:,.0f} tokens/s"
            if self.seconds is not None
            else "no training has been timed on this machine yet: the first arm shows how long it takes"
        )
        return f"{plural(self.n_to_do, 'training')}, {plural(self.n_steps, 'step')} in all, {time}{kept}."

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """A run that is ready to be written: its spec, and the sample ids behind each name of rows in it."""

    run: ValidateRun
    rows: dict[str, tuple[str, ...]]
    plan: ValidatePlan


def plan_experiment(project: Project, spec: ValidateSpec, own: ExperimentRows) -> Planned:
    """Choose the rows of every arm and reckon what they cost.

    Raises:
        RequestError: there is no such arm, or an arm or a budget holds no row.
    """
    rows: dict[str, tuple[str, ...]] = {}
    planned = tuple(_planned(spec, own, rows))
    result, scoring = own.scoring.result, own.scoring
    run = ValidateRun(
        settings=spec,
        scoring=scoring.run_id,
        base=scoring.spec.base,
        base_weights=result.base.info.weights,
        render=RenderSpec(scoring.spec.render.template, scoring.spec.render.mask_rule, result.max_tokens),
        render_fp=scoring.render_fp,
        cache_dir=str(project.validation_dir),
        planned=planned,
        set_names=tuple(dict.fromkeys(sorted(name for _, name in own.sets))),
        answered_on=digest_of(own.answers) if own.answers else "",
    )
    return Planned(run, rows, _cost(project, run, rows, own))


def content_of(run: ValidateRun, planned: PlannedArm, measured: str) -> ArmContent:
    """What names the result of a planned arm; `measured` is the digest of the measured rows."""
    own = run.settings
    recipe = ArmRecipe(own.method, own.epochs, own.learning_rate, own.batch_tokens, own.lora_rank, planned.like)
    return ArmContent(run.base_weights, run.render_fp, recipe, planned.seed, planned.rows, measured, run.answered_on)


def _planned(spec: ValidateSpec, own: ExperimentRows, rows: dict[str, tuple[str, ...]]) -> Iterator[PlannedArm]:
    """Every training, budgets from the smallest on, and the arms of one after each other.

    `rows` takes the sample ids of each. A saved selection is compared with what chance makes of about as many rows.
    """
    for arm in spec.arms:
        check_arm(arm)
    seeds = range(1, spec.seeds + 1)
    # Only what the base gets right some of is asked of the others, so it comes first.
    if BASE in spec.arms or own.answers:
        yield _arm(own, rows, BASE, 0.0, 0, 0)
    if FULL in spec.arms:
        yield from (_arm(own, rows, FULL, 1.0, 0, seed) for seed in seeds)
    arms = [arm for arm in spec.arms if arm not in (BASE, FULL)]
    arms += [] if RANDOM in arms else [RANDOM]
    n_pool = len(own.candidates)
    sizes = [round(budget * n_pool) for budget in spec.budgets]
    budgets: list[tuple[float, int, Sequence[str], str]] = [
        (budget, n_rows, arms, "learnability") for budget, n_rows in zip(spec.budgets, sizes, strict=True)
    ]
    for name in spec.selections:
        chosen = f"{SELECTION}{name}"
        n_rows = len(rows_of_arm(chosen, own.candidates, 0))
        drawn, n_drawn = [arm for arm in arms if arm in DRAWN], size_of_draws(n_rows, sizes, n_pool)
        budgets.append((n_rows / n_pool, n_drawn, [chosen, *drawn], chosen))
    for budget, n_rows, members, anchor in sorted(budgets, key=lambda one: one[0]):
        yield from _of_budget(spec, own, rows, members, budget, n_rows, anchor)


def size_of_draws(n_rows: int, sizes: Sequence[int], n_pool: int) -> int:
    """How many rows the random draws hold that a selection of `n_rows` is compared with: about as many.

    The nearest size of the budgets if it is within 5 %, else the nearest of 1.05, 1.05^2, ...: selections of about one
    size are then compared with the same draws, and another one costs no draws of its own. Never more than the pool.
    """
    near = [size for size in sizes if abs(size - n_rows) <= SAME_SIZE * n_rows]
    if near or not n_rows:
        return min(near, key=lambda size: (abs(size - n_rows), size), default=0)
    step = math.log1p(SAME_SIZE)
    return min(round(math.exp(step * round(math.log(n_rows) / step))), n_pool)


def _of_budget(
    spec: ValidateSpec,
    own: ExperimentRows,
    rows: dict[str, tuple[str, ...]],
    arms: Sequence[str],
    budget: float,
    n_rows: int,
    anchor: str = "learnability",
) -> Iterator[PlannedArm]:
    if not n_rows:
        raise RequestError(
            f"a budget of {budget:.3g} of {len(own.candidates):,} rows contains no row", do="Use a larger budget."
        )
    like = digest_of(own.candidates.ids(rows_of_arm(RANDOM, own.candidates, n_rows))) if spec.equal == "steps" else ""
    for arm in arms:
        for draw in range(spec.draws if arm in DRAWN else 1):
            for seed in range(1, spec.seeds + 1):
                yield _arm(own, rows, arm, budget, draw, seed, n_rows, like, anchor)


def _arm(
    own: ExperimentRows,
    rows: dict[str, tuple[str, ...]],
    arm: str,
    budget: float,
    draw: int,
    seed: int,
    n_rows: int = 0,
    like: str = "",
    anchor: str = "learnability",
) -> PlannedArm:
    chosen = own.candidates.ids(rows_of_arm(arm, own.candidates, n_rows, draw, anchor))
    if not chosen and arm != BASE:
        raise RequestError(
            f"the arm {arm} has no row to train on",
            do="Use another measure, or a selection with rows that are not held out.",
        )
    digest = digest_of(chosen)
    rows[digest] = chosen
    return PlannedArm(arm, budget, draw, seed, digest, len(chosen), like, is_drawn=arm in DRAWN)


def _cost(project: Project, run: ValidateRun, rows: dict[str, tuple[str, ...]], own: ExperimentRows) -> ValidatePlan:
    spec, cache = run.settings, ArmCache(project.validation_dir)
    measured = digest_of(sample_id for sample_id, _ in own.sets)
    usual = int(np.mean(list(own.n_tokens.values())))
    n_measured = sum(own.n_tokens.get(sample_id, usual) for sample_id, _ in own.sets)
    contents = {content.key: (content, arm) for arm in run.planned for content in [content_of(run, arm, measured)]}
    to_do = [arm for content, arm in contents.values() if not cache.has(content)]
    tokens = [_n_tokens(planned, rows, own, spec) for planned in to_do]
    n_steps = sum(-(-n // spec.batch_tokens) for n in tokens)
    rate = training_rate(project, run)
    n_answered = sum(own.n_tokens.get(sample_id, usual) for sample_id in own.answers)
    passes = sum(tokens) + len(to_do) * (n_measured / TRAINING_PASSES + ANSWER_COST * n_answered)
    names = [name for _, name in own.sets]
    kept = {content.key for content, _ in contents.values() if cache.has(content)}
    return ValidatePlan(
        n_trainings=len(contents),
        n_kept=len(contents) - len(to_do),
        n_steps=n_steps,
        n_tokens=sum(tokens),
        n_measured_tokens=len(to_do) * n_measured,
        tokens_per_second=rate,
        seconds=passes / rate if rate else None,
        n_pool=len(own.candidates),
        sets=tuple((name, names.count(name)) for name in run.set_names),
        notes=own.left_out,
        arms=tuple(_arms(run, rows, own, measured, kept)),
        n_answers=len(own.answers),
    )


def _arms(
    run: ValidateRun, rows: dict[str, tuple[str, ...]], own: ExperimentRows, measured: str, kept: set[str]
) -> Iterator[ArmPlan]:
    """The trainings by arm and budget, in their order."""
    groups: dict[tuple[str, float], list[PlannedArm]] = {}
    for planned in run.planned:
        groups.setdefault((planned.arm, planned.budget), []).append(planned)
    for (arm, budget), many in groups.items():
        steps = [-(-_n_tokens(one, rows, own, run.settings) // run.settings.batch_tokens) for one in many]
        n_kept = sum(content_of(run, one, measured).key in kept for one in many)
        yield ArmPlan(arm, budget, len(many), n_kept, many[0].n_rows, round(sum(steps) / len(steps)))


def _n_tokens(planned: PlannedArm, rows: dict[str, tuple[str, ...]], own: ExperimentRows, spec: ValidateSpec) -> int:
    """Tokens that a training shows, about; padding is a few per cent more."""
    chosen = rows.get(planned.like, ()) or rows[planned.rows]
    return round(spec.epochs * sum(own.n_tokens[sample_id] for sample_id in chosen))
