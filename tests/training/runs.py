"""Training runs over small random models, for the tests of training."""

from pathlib import Path

from lobass_core.demo_data.sample_rows import sample_rows
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.records import Sample, Turn
from lobass_core.specs import ModelSpec, TrainReferenceSpec
from tests.worker.runs import write_input


def demo_samples(n: int = 120) -> list[Sample]:
    """Worked word problems of the demo."""
    return [
        Sample.of([Turn("user", row.exchange.prompt), Turn("assistant", row.exchange.response)])
        for row in sample_rows("math", 0)
        if row.planted in ("known", "learnable")
    ][:n]


def training_run(
    folder: Path, base: Path, chosen: list[Sample], *, name: str = "ref", run_settings=None, **settings
) -> RunFolder:
    """A training run that is ready to be worked on; `run_settings` go into its spec beside the reference's own."""
    fixed = {"device": "cpu", "batch_tokens": 1024, **settings}
    spec = TrainReferenceSpec(base=ModelSpec(str(base)), name=name, **fixed)
    values = TrainReferenceRun(spec, str(folder / "models" / name), **(run_settings or {}))
    run = RunFolder.create(folder / "runs", "train_reference", values)
    write_input(run, chosen)
    return run
