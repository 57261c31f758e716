"""Starting and resuming runs, whatever their kind."""

from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.specs import TrainReferenceSpec
from lobass_core.workflows import score, train_reference
from lobass_core.workflows.run_views import RunView

# What a training run keeps beside its spec.
RUN_ONLY = ("output_dir", "data")


def resume(project: Project, run: RunView) -> None:
    """Go on with a stopped run.

    Raises:
        LobassError: it is going already, or its settings or data have changed since.
    """
    if run.kind == "score":
        score.resume(project, run.run_id)
        return
    spec = TrainReferenceSpec.from_dict({key: value for key, value in run.spec.items() if key not in RUN_ONLY})
    started = train_reference.start(project, spec)
    if started.run_id != run.run_id:
        raise RequestError(
            "the data have changed since, so the training begins anew",
            where=f"run {started.run_id}",
            do="Follow it on this page, or cancel it.",
        )
