"""Findings about the training of the reference: rows known by heart, their order, their near duplicates."""

from collections.abc import Iterator

from lobass_core.validation.training_effects import CopyEffect, InSampleEffect
from lobass_core.words.plural import plural
from lobass_core.workflows.diagnose import Diagnosis
from lobass_core.workflows.finding import FOLDS, Finding, Link, train, validate

# Rankings that agree less differ in many single rows.
AGREES = 0.9


def training_findings(diagnosis: Diagnosis) -> list[Finding]:
    """What the scores owe to the training."""
    return [*_training(diagnosis), *_order(diagnosis), *_copies(diagnosis.copies, diagnosis)]


def _training(diagnosis: Diagnosis) -> Iterator[Finding]:
    folds = (Link("Train with folds", "score", FOLDS),)
    again = train(diagnosis, "--folds", "5")
    if diagnosis.in_sample:
        yield from (_beside(one, diagnosis, folds) for one in diagnosis.in_sample)
    elif diagnosis.training_known == "in-sample":
        yield Finding(
            "training", "note", "The reference was trained on the rows that it scores.",
            "Part of the gain may be memory of these very rows. Scores of a reference with folds show how much.",
            again, folds,
        )  # fmt: skip
    elif diagnosis.training_known == "cross-fitted":
        yield Finding(
            "training", "good", "Each row was scored by a model that was not trained on it.",
            "No part of the gain is memory of the row itself.", validate(diagnosis),
        )  # fmt: skip
    else:
        yield Finding(
            "training", "note", "It is not known whether the reference was trained on these rows.",
            "If it was, part of the gain may be memory of them. A reference trained here with folds rules that out.",
            again, folds,
        )  # fmt: skip


def _beside(one: InSampleEffect, diagnosis: Diagnosis, folds: tuple[Link, ...]) -> Finding:
    agrees = one.agreement is not None and one.agreement >= AGREES
    rho = "no rank correlation" if one.agreement is None else f"a rank correlation of {one.agreement:+.2f}"
    lower = "lower" if one.optimism_nats >= 0 else "higher"
    higher = "higher" if one.optimism >= 0 else "lower"
    other = Link("Compare the two", "compare", {"kind": "references"})
    return Finding(
        "training",
        "good" if agrees else "note",
        f"{one.domain}: in-sample and cross-fitted scores have {rho}; {100 * one.share_stays:.0f} % of the best "
        f"{plural(one.n_kept, 'row')} are the same.",
        f"In-sample, the reference loss is {abs(one.optimism_nats):.3f} nats/token {lower} and the score "
        f"{abs(one.optimism):.3f} {higher}."
        + (
            " At most that much is memory of these rows: with folds, models train on fewer rows."
            if lower == "lower"
            else ""
        )
        + (
            ""
            if diagnosis.training_known == "cross-fitted"
            else f" Run {diagnosis.other_run} has the cross-fitted scores."
        ),
        ("diagnose", "--run", diagnosis.other_run),
        (other,) if agrees else (other, *folds),
    )


def _order(diagnosis: Diagnosis) -> Iterator[Finding]:
    clear = [one for one in diagnosis.order if one.is_clear]
    for one in clear:
        which = "late" if one.loss_rho < 0 else "early"
        yield Finding(
            "order", "note",
            f"{one.domain}: rows that the reference saw {which} have lower losses ({one.loss_rho:+.2f}, 95 % interval "
            f"{one.low:+.2f} to {one.high:+.2f}).",
            f"The order of the training changes the score ({one.score_rho:+.2f}). Another seed gives another order.",
            train(diagnosis, "--seed", "1"), (Link("Train with folds", "score", FOLDS),),
        )  # fmt: skip
    if diagnosis.order and not clear:
        rhos = ", ".join(f"{one.domain} {one.loss_rho:+.2f}" for one in diagnosis.order)
        yield Finding(
            "order", "good", f"When the reference saw a row hardly matters to its loss ({rhos}).",
            "The order of the training changes the score little.", validate(diagnosis),
        )  # fmt: skip
    if not diagnosis.order and diagnosis.training_known == "in-sample":
        yield Finding(
            "order", "note", "The order in which the reference saw the rows was not recorded.",
            "A model remembers best what it saw last. A new training records the order.",
            train(diagnosis), (Link("Train another reference", "score", FOLDS | {"folds": "1"}),),
        )  # fmt: skip


def _copies(copies: tuple[CopyEffect, ...], diagnosis: Diagnosis) -> Iterator[Finding]:
    for one in copies:
        has_advantage = one.low > 0 and not one.is_cross_fitted
        kind = "cross-fitted" if one.is_cross_fitted else "by a reference trained on the rows"
        yield Finding(
            "near duplicates",
            "note" if has_advantage else "good",
            f"{one.domain}: {plural(one.n_copies, 'row')} in {one.n_groups:,} groups of near duplicates score "
            f"{abs(one.advantage):.3f} {'higher' if one.advantage > 0 else 'lower'} than the others (95 % interval of "
            f"the difference {one.low:+.3f} to {one.high:+.3f}), {kind}.",
            "The reference saw both copies, so it may know them better than rows without one." if has_advantage
            else "Near duplicates have no advantage that can be told from chance." if one.low <= 0
            else "Near duplicates share a fold, so this is not memory: such rows are easier to learn.",
            train(diagnosis, "--folds", "5") if has_advantage else validate(diagnosis),
            (Link("Train with folds", "score", FOLDS),) if has_advantage else (),
        )  # fmt: skip
    if not diagnosis.looked_for_copies:
        yield Finding(
            "near duplicates", "note", "Near duplicates were not searched for, as there are many rows.",
            "A reference that saw both copies of a row may know it better than other rows.",
            ("diagnose", "--near-duplicates", *diagnosis.run_option),
        )  # fmt: skip
