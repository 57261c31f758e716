"""The process that does a run's work: `python -m lobass_core.worker RUN_FOLDER`.

A job is `run(run: RunFolder, report: Reporter)`: it tells `report` how far it is, calls `report.check_cancel()` often,
and returns what goes into result.json, the dataclass that `jobs.run_kinds` names for its kind.
"""
