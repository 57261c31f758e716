"""Register what a finished run scored in the store."""

import duckdb

from lobass_core.errors import RunError
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ScoreRunResult
from lobass_core.specs import ScoreSpec
from lobass_core.store.connection import Store
from lobass_core.store.registrations import finished_at, is_registered
from lobass_core.store.scorings import find_scoring, register_refinement, register_scoring


def register_finished(store: Store, run: RunFolder) -> None:
    """Record the run's scoring once the worker has said what it scored; does nothing for one that is recorded.

    Raises:
        LobassError: a table of the run is damaged, or its scoring does not fit.
    """
    if not is_registered(store.cursor(), run.run_id) and (result := _result_if_readable(run)):
        with store.transaction() as cursor:
            _register(cursor, run, result)


def _register(cursor: duckdb.DuckDBPyConnection, run: RunFolder, result: ScoreRunResult) -> None:
    spec, ended = run.spec_as(ScoreSpec), finished_at(run)
    if spec.refines:
        scoring = find_scoring(cursor, spec.refines)
        register_refinement(cursor, scoring, run.run_id, result, run.folds_path, ended)
    else:
        register_scoring(cursor, run.run_id, spec, result, run.folds_path, ended)


def _result_if_readable(run: RunFolder) -> ScoreRunResult | None:
    """A damaged result.json keeps no loss away from the store; the list of runs says that it is damaged."""
    try:
        return run.read_result(ScoreRunResult)
    except RunError:
        return None
