"""A diagnosis as findings: what each is, what it means, what to do about it. There is no score of trust."""

from collections.abc import Iterator
from pathlib import Path

from lobass_core.learnability.flags import FLAG_NAMES, IN_EVALUATION
from lobass_core.learnability.measures import LENGTH_ADJUSTED
from lobass_core.validation.diagnosis import LengthDependence, Oddity
from lobass_core.validation.stability import SEEDS, CutStability, ReferenceStability
from lobass_core.words.plural import plural
from lobass_core.workflows.diagnose import Diagnosis
from lobass_core.workflows.finding import FOLDS, Finding, Link, Query, browse, select, validate
from lobass_core.workflows.training_findings import training_findings

# From here on a selection is mostly about length.
STRONG_RHO = 0.5
# Of a selection that stays less is too little to rely on single rows.
MOSTLY_STAYS = 0.9
# Of the kept rows more could go either way under another seed: the scores need more references.
MOSTLY_UNSURE = 0.5


def findings(diagnosis: Diagnosis) -> list[Finding]:
    """All lines: files for evaluation, length, stability, training, self-test, odd rows, cost."""
    return [
        *_overlap(diagnosis),
        *(_length(one, diagnosis) for one in diagnosis.lengths if one.is_clear),
        *_even_lengths(diagnosis),
        *_cuts(diagnosis.cuts, diagnosis),
        *_references(diagnosis.references, diagnosis),
        *training_findings(diagnosis),
        *_planted(diagnosis),
        *(_odd(one, diagnosis) for one in diagnosis.oddities if one.flag in _ODD),
        Finding(
            "cost",
            "note",
            diagnosis.cost,
            "A pass reads every row once; an epoch of training counts as three.",
            validate(diagnosis),
        ),
    ]


def _overlap(diagnosis: Diagnosis) -> Iterator[Finding]:
    check, topic = diagnosis.overlap, "evaluation files"
    command = ("overlap", "EVAL_FILE")
    if check is None:
        yield Finding(
            topic, "note", "The rows have not been compared with evaluation files.",
            "A row that also appears in a test makes its result look better than it is. Name the files that you test "
            "with.",
            command,
        )  # fmt: skip
        return
    names = ", ".join(Path(file.path).name for file in check.files)
    flag = FLAG_NAMES[IN_EVALUATION]
    n_kept = next((one.n_kept for one in diagnosis.oddities if one.flag == flag), 0)
    if check.n_rows:
        gate = (Link("Exclude them", "select", {"exclude-overlap": "yes"}),) if n_kept else ()
        kept = f"; {diagnosis.words} keeps {n_kept:,}" if n_kept else "; none is kept"
        yield Finding(
            topic, "bad" if n_kept else "good",
            f"{plural(check.n_rows, 'row')} also {'appears' if check.n_rows == 1 else 'appear'} in {names}{kept}.",
            "A model trained on them is tested on what it has seen.",
            select(diagnosis, "--exclude-overlap") if n_kept else browse(diagnosis, "--flag", flag),
            (*gate, Link("See the rows", "browse", {"flag": [flag]})),
        )  # fmt: skip
    elif check.n_compared:
        yield Finding(
            topic, "good", f"No row appears in {names}.",
            f"A test on these rows is a fair one. {plural(check.n_compared, 'sample')} "
            f"{'was' if check.n_compared == 1 else 'were'} compared.",
            command,
        )  # fmt: skip
    if check.n_new:
        yield Finding(
            topic, "note", f"{plural(check.n_new, 'sample')} {'was' if check.n_new == 1 else 'were'} not compared.",
            "They were imported since, or their datasets were left out. Compare again.",
            ("overlap", *(file.path for file in check.files)),
        )  # fmt: skip


def _length(one: LengthDependence, diagnosis: Diagnosis) -> Finding:
    rho = one.score_response or 0.0
    which = "Long" if rho > 0 else "Short"
    adjusted = Link("Rank by the length-adjusted measure", "select", {"method": LENGTH_ADJUSTED})
    curve = Link("See the curve", "learnability", {"view": "length", "domain": [one.domain]})
    is_adjusted = diagnosis.spec.method == LENGTH_ADJUSTED
    return Finding(
        "length",
        "bad" if abs(rho) >= STRONG_RHO else "note",
        one.sentence,
        f"{which} responses are kept first, whether or not there is more to learn from them.",
        validate(diagnosis, "learnability", LENGTH_ADJUSTED, "length-matched")
        if is_adjusted
        else select(diagnosis, "--method", LENGTH_ADJUSTED),
        (curve,) if is_adjusted else (adjusted, curve),
    )


def _even_lengths(diagnosis: Diagnosis) -> Iterator[Finding]:
    even = [one for one in diagnosis.lengths if not one.is_clear and one.score_response is not None]
    if even:
        rhos = ", ".join(f"{one.domain} {one.score_response:+.2f}" for one in even)
        yield Finding(
            "length", "good", f"The score hardly depends on response length ({rhos}).",
            "Length decides little of what is kept.", validate(diagnosis),
            (Link("See the curve", "learnability", {"view": "length"}),),
        )  # fmt: skip


def _cuts(cuts: tuple[CutStability, ...], diagnosis: Diagnosis) -> Iterator[Finding]:
    if not cuts:
        return
    n_kept = sum(one.n_kept for one in cuts)
    stays = sum(one.share_stays * one.n_kept for one in cuts) / n_kept
    rows = diagnosis.either_way
    meaning = "No row is so near the cut that chance could move it to the other side."
    links: tuple[Link, ...] = ()
    several = any(one.kind == SEEDS for one in diagnosis.references)
    if rows and rows.n_rows:
        meaning = (
            f"{plural(rows.n_rows, 'row')} could go either way, {rows.n_kept:,} of them kept "
            f"({100 * rows.share_kept:.0f} % of the selection): "
            + ("another draw or another seed" if several else "another draw of the rows")
            + " could put them on the other side of the cut. Read those nearest to it."
        )
        links = (Link("See these rows", "browse", rows.asked.to_query()),)
    is_sure = stays >= MOSTLY_STAYS and not (several and rows and rows.share_kept > MOSTLY_UNSURE)
    yield Finding(
        "stability",
        "good" if is_sure else "note",
        f"Of {diagnosis.words}, {_percent(stays)} would be kept again if the rows were drawn again.",
        meaning,
        ("diagnose", "--either-way", "20", *_selection_option(diagnosis), *diagnosis.run_option),
        links,
    )


def _percent(share: float) -> str:
    """Whole per cents; nearly all is not all."""
    return "more than 99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


def _selection_option(diagnosis: Diagnosis) -> tuple[str, ...]:
    return ("--selection", diagnosis.selection) if diagnosis.selection else ()


def _references(references: tuple[ReferenceStability, ...], diagnosis: Diagnosis) -> Iterator[Finding]:
    for kind in dict.fromkeys(one.kind for one in references):
        own = [one for one in references if one.kind == kind]
        n_kept, n_rows = sum(one.n_kept for one in own), sum(one.n_rows for one in own)
        stays = sum(one.share_stays * one.n_kept for one in own) / n_kept
        error = sum(one.standard_error_median * one.n_rows for one in own) / n_rows
        n = own[0].n_references
        who = f"{n} references with different seeds" if kind == SEEDS else f"The reference after each of {n} epochs"
        sure = f"A sample's mean score has a standard error of {error:.3f} (median). " if kind == SEEDS else ""
        moved = plural(sum(one.n_unsure for one in own), "row")
        by = f"{'learnability-spread' if kind == SEEDS else 'epoch-spread'}-desc"
        yield Finding(
            "stability",
            "good" if stays >= MOSTLY_STAYS else "note",
            f"{who} {'agree' if kind == SEEDS else 'agrees'} on {100 * stays:.0f} % of {diagnosis.words}.",
            f"{sure}{moved} kept by one is dropped by another."
            if moved.startswith("1 ")
            else f"{sure}{moved} kept by some are dropped by others.",
            browse(diagnosis, "--sort", by),
            (Link("Rows that differ most", "browse", {"sort": by}),),
        )


def _planted(diagnosis: Diagnosis) -> Iterator[Finding]:
    planted = diagnosis.planted
    rank = planted.of("learnability") if planted else None
    if planted is None or rank is None:
        yield Finding(
            "self-test", "note", "No self-test has been run on these scores.",
            "It swaps the responses of some rows and scores them. A score that can be trusted ranks these rows low.",
            ("diagnose", "--planted-swaps", "100", *diagnosis.run_option),
        )  # fmt: skip
        return
    drop = planted.of("loss-drop")
    beside = f" By the loss drop it is {100 * drop.auc:.0f} %." if drop else ""
    command = validate(diagnosis) if rank.sinks else validate(diagnosis, "learnability", "band", "random")
    yield Finding(
        "self-test",
        "good" if rank.sinks else "bad",
        f"In {100 * rank.auc:.0f} % of pairs an imported row scores above a row with a swapped response (95 % interval "
        f"{100 * rank.low:.0f} to {100 * rank.high:.0f} %; {plural(rank.n_swapped, 'row')} swapped).",
        ("Rows with a wrong response rank lower." if rank.sinks else "Rows with a wrong response may not rank lower.")
        + " 50 % would be chance."
        + beside,
        command,
        () if rank.sinks else _band(diagnosis.base_loss_limit),
    )


def _band(limit: float | None) -> tuple[Link, ...]:
    return () if limit is None else (Link("Limit the base loss", "select", {"band": [f"base-loss:..{limit:.4g}"]}),)


# What each flag means for the score, the option of `lobass select` that excludes such rows, and its parameter.
_ODD: dict[str, tuple[str, tuple[str, ...], Query]] = {
    "negative": (
        "The reference is worse than the base: nothing was learnt from them.",
        ("--exclude-negative",), {"exclude-negative": "yes"},
    ),
    "near_zero_base": (
        "The base knows them already; dividing by so small a loss magnifies chance.",
        ("--exclude-near-zero-base",), {"exclude-near-zero-base": "yes"},
    ),
    "short": (
        "The mean loss of fewer than five tokens is noisy.",
        ("--min-response-tokens", "5"), {"min-response-tokens": "5"},
    ),
    "truncated": (
        "Their responses were cut at the token limit: the score says nothing about the rest.",
        ("--exclude-truncated",), {"exclude-truncated": "yes"},
    ),
    "non_finite": ("A model gave no number for them; they are never kept by their score.", (), {}),
    "duplicate": (
        "The sample occurs in another row, which stands for it.", (), {"exclude-duplicates": "yes"}
    ),
    "worse_than_chance": (
        "The base reads them worse than a blind guess: their score means little.",
        ("--exclude-worse-than-chance",), {"exclude-worse-than-chance": "yes"},
    ),
    "unseen_by_reference": (
        "The reference was not trained on them: this alone lowers their score.", (), FOLDS,
    ),
}  # fmt: skip


def _odd(one: Oddity, diagnosis: Diagnosis) -> Finding:
    meaning, option, change = _ODD[one.flag]
    words = one.flag.replace("_", " ")
    rows = Link("See the rows", "browse", {"flag": [one.flag]})
    is_kept = one.n_kept > 0
    fix: tuple[Link, ...] = ()
    if change is FOLDS:
        fix = (Link("Train on all rows, with folds", "score", FOLDS),)
    elif change and is_kept:
        fix = (Link("Exclude them", "select", change),)
    command = select(diagnosis, *option) if option and is_kept else browse(diagnosis, "--flag", one.flag)
    return Finding(
        "odd rows",
        "note" if is_kept else "good",
        f"{words}: {plural(one.n_rows, 'row')}, {one.n_kept:,} of them in {diagnosis.words}.",
        meaning,
        command,
        (rows, *fix),
    )
