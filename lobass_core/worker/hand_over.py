"""A trained model leaves its run's folder and takes its name among the project's models."""

from pathlib import Path
from typing import Protocol, TypeVar

from lobass_core.errors import RequestError, RunError
from lobass_core.jobs.folder_checksums import write_sums
from lobass_core.jobs.run_folder import RunFolder


class ModelResult(Protocol):
    """The result of a run that made a model; `path` is the model's folder."""

    @property
    def path(self) -> str: ...


Result = TypeVar("Result", bound=ModelResult)


def staging_folder(run: RunFolder) -> Path:
    """Where the run keeps its model until it is whole."""
    return run.path / "model"


def hand_over(run: RunFolder, result: Result) -> Result:
    """Give the finished folder its checksums and its name, in one step, and return the result.

    The result is written first: `handed_over` finds it where the worker is killed right after that step.

    Raises:
        RequestError: a model of that name was made in the meantime.
    """
    output = Path(result.path)
    if output.exists():
        raise RequestError(f"a reference {output.name!r} already exists", where=str(output), do="Use another --name.")
    output.parent.mkdir(parents=True, exist_ok=True)
    write_sums(staging_folder(run))
    run.write_result(result)
    staging_folder(run).replace(output)
    return result


def handed_over(run: RunFolder, expected: type[Result]) -> Result | None:
    """The result of an earlier worker that ended after its model had left, else None."""
    if staging_folder(run).exists():
        return None
    try:
        result = run.read_result(expected)
    except RunError:
        return None
    return result if Path(result.path).is_dir() else None
