"""How far an experiment is: its arms one after the other, in tokens trained, measured and answered."""

from dataclasses import replace

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_specs import PlannedArm
from lobass_core.training.arm_lab import ArmLab, ArmOrder, Watch
from lobass_core.validation.arm_results import ArmResult
from lobass_core.validation.costs import ANSWER_COST, TRAINING_PASSES
from lobass_core.worker.reporter import Cancelled, Reporter
from lobass_core.worker.score_progress import ScoreProgress
from lobass_core.worker.train_job import Follower


class ExperimentProgress:
    """Does orders one after the other and shows how far the whole experiment is."""

    def __init__(self, report: Reporter, run: RunFolder, lab: ArmLab, orders: list[ArmOrder]) -> None:
        self.report, self.run, self.lab, self.n_arms = report, run, lab, len(orders)
        self.progress = ScoreProgress(report, lab.place.device)
        lengths = lab.table.lengths
        self.n_measured = [int(lengths[lab.rows(order.measured.sample_ids)].sum()) for order in orders]
        steps = [lab.steps_of(order) for order in orders]
        self.n_shown = [sum(len(step) for step in plan) for plan in steps]
        self.n_tokens = [sum(int(lengths[step].sum()) for step in plan) for plan in steps]
        self.training = self.progress.add_model(
            "training", "reference", n_known=0, n_to_do=sum(self.n_shown), n_tokens=sum(self.n_tokens)
        )
        self.measuring = self.progress.add_model(
            "held-out rows",
            "base",
            n_known=0,
            n_to_do=sum(len(order.measured.sample_ids) for order in orders),
            n_tokens=sum(n // TRAINING_PASSES for n in self.n_measured),
        )
        self.answers = tuple(orders[0].answers)
        self.asked: frozenset[str] | None = None
        self.n_answered = round(ANSWER_COST * int(lengths[lab.rows(self.answers)].sum())) if self.answers else 0
        if self.answers:
            self.answering = self.progress.add_model(
                "answers",
                "base",
                n_known=0,
                n_to_do=len(self.answers) * len(orders),
                n_tokens=self.n_answered * len(orders),
            )

    def ask_only(self, asked: frozenset[str]) -> None:
        """Let the arms to come answer these rows alone."""
        self.asked = asked

    def do(self, number: int, planned: PlannedArm, order: ArmOrder, was_kept: bool) -> ArmResult:
        """One arm to its end.

        Raises:
            Cancelled: the run's owner asked it to stop.
        """
        if self.asked is not None:
            order = replace(order, asked=self.asked)
        if not was_kept:
            self.report.check_cancel()
            self.report.update(phase=f"arm {number + 1} of {self.n_arms}: {label_of(planned)}", message="")
            self.progress.restart_clock()
        result = self.lab.do(order, self._watch(order))
        if result is None:
            raise Cancelled
        if was_kept:
            n_shown, n_tokens = self.n_shown[number], self.n_tokens[number]
            self.progress.advance(self.training, n_samples=n_shown, n_tokens=n_tokens, resumed=True)
        n_rows, n_read = len(order.measured.sample_ids), self.n_measured[number] // TRAINING_PASSES
        self.progress.advance(self.measuring, n_samples=n_rows, n_tokens=n_read, resumed=was_kept)
        if self.answers:
            skipped = was_kept or not order.asked
            self.progress.advance(
                self.answering, n_samples=len(self.answers), n_tokens=self.n_answered, resumed=skipped
            )
        return result

    def _watch(self, order: ArmOrder) -> Watch:
        n_written = 0

        def answered(n_rows: int) -> None:
            nonlocal n_written
            n_written += n_rows
            self.report.update(message=f"answered {n_written:,} of {len(order.asked):,} rows")

        return Watch(
            Follower(self.report, self.progress, self.training),
            lambda _: self.report.check_cancel(),
            self.run.cancel_requested,
            answered,
            self.report.check_cancel,
        )


def label_of(planned: PlannedArm) -> str:
    """The arm as progress names it."""
    draw = f", draw {planned.draw + 1}" if planned.is_drawn else ""
    return f"{planned.arm}, {planned.n_rows:,} rows{draw}, seed {planned.seed}"
