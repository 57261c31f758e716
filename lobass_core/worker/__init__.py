"""The process that does a run's work: `python -m lobass_core.worker RUN_FOLDER`.

A job is `run(run: RunFolder, report: Reporter) -> dict`: it tells `report` how far it is, calls
`report.check_cancel()` often, and returns what goes into result.json.
"""
