"""The one thing to know of a selection before it is exported; the page Trust has the rest."""

from lobass_core.learnability import flags as flag
from lobass_core.validation.diagnosis import CLEAR_RHO
from lobass_core.words.plural import plural
from lobass_core.workflows.cut import Cut, rho_by_domain
from lobass_core.workflows.planted_report import PlantedReport
from lobass_core.workflows.recent import Recent

_headlines: Recent[str] = Recent(8)


def headline(cut: Cut, planted: PlantedReport | None = None) -> str:
    """A sentence on what matters most of what is known, empty where nothing does.

    It is the same for every place of the cut, so that moving it computes nothing.
    """
    key = (*cut.key, planted and planted.run_id)
    return _headlines.get(key, lambda: _in_files(cut) or _self_test(cut, planted) or _length(cut))


def _in_files(cut: Cut) -> str:
    n = int((cut.scores.table.has(flag.IN_EVALUATION) & cut.scores.scope).sum())
    if not n or cut.spec.gates.exclude_overlap:
        return ""
    verb = "appears" if n == 1 else "appear"
    return f"{plural(n, 'row')} also {verb} in evaluation files, and no gate excludes them."


def _self_test(cut: Cut, planted: PlantedReport | None) -> str:
    """By the measure of the selection; nothing where the test did not rank by it."""
    rank = planted.of(cut.spec.method) if planted else None
    if rank is None or rank.sinks:
        return ""
    return (
        f"Rows with swapped responses do not rank lower: in {100 * rank.auc:.0f} % of pairs the imported row is "
        "higher; 50 % is chance."
    )


def _length(cut: Cut) -> str:
    """Of the domain whose scores follow length most; a selection by length asks for it."""
    if cut.spec.method == "length" or cut.scores.measure.uses_seed:
        return ""
    domain, rho = next(iter(rho_by_domain(cut).items()), ("", 0.0))
    if abs(rho) < CLEAR_RHO:
        return ""
    rho *= cut.scores.sign
    where = f" in {domain}" if len(cut.scores.table.domains) > 1 else ""
    which = "long" if rho > 0 else "short"
    number = f"{rho:+.2f}".replace("-", "\N{MINUS SIGN}")
    return f"This cut prefers {which} responses{where}: Spearman {number} with length."
