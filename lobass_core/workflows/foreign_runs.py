"""Run folders that were copied here: from another project, or under another name."""

from lobass_core.jobs.run_folder import DamagedRun, RunFolder


def why_foreign(run: RunFolder | DamagedRun, project_id: str) -> str:
    """Why the run is none of the project's own, as a sentence; empty where it is, or where nobody can tell.

    Runs of earlier programs do not say which project they belong to.
    """
    if isinstance(run, DamagedRun):
        return ""
    if run.project_id and project_id and run.project_id != project_id:
        return "copied from another project, whose scores are not added to this one"
    if run.made_as != run.run_id:
        return f"a copy of run {run.made_as} under another name, which is not added to the project"
    return ""
