"""A dataset updated to newer files, and everything that an undo has to bring back."""

from lobass_core.project import Project
from lobass_core.workflows.update_dataset import Update, compare_dataset, update_dataset

BROKEN = {"prompt": "no answer"}


def row(n: int, answer: str = "", **more: object) -> dict:
    return {"prompt": f"question {n}", "completion": answer or f"answer {n}", **more}


def updated(project: Project, name: str, **asked: object) -> Update:
    update = compare_dataset(project, name, asked)
    update_dataset(project, update)
    return update


def counts(update: Update) -> tuple[int, int, int, int]:
    found = update.counts
    return found.n_unchanged, found.n_changed, found.n_new, found.n_gone


def tables(project: Project) -> dict[str, list[tuple]]:
    """What an undo has to bring back: every table that an update writes, but for the log of updates."""
    with project.store() as store:
        cursor = store.cursor()
        return {
            name: cursor.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall()
            for name in ("datasets", "rows", "rejects", "dataset_files", "samples", "losses", "selection_picks",
                         "selections", "former_rows", "former_datasets", "former_files", "former_rejects",
                         "imported_domains")
        }  # fmt: skip


def sample_ids(project: Project) -> list[tuple[str]]:
    with project.store() as store:
        return store.cursor().execute("SELECT sample_id FROM samples ORDER BY sample_key").fetchall()
