"""What every page needs: the open project, the chosen scoring and datasets, the other pages.

    from pages.components import state

    project = state.project()                 # stops the page with a friendly state if there is none
    run = state.chosen_run()                  # None where nothing is scored; pass it to workflows as `run=`
    datasets = state.chosen_datasets()        # () means all
    state.go("browse", domain="math")         # another page, with query parameters

Session state holds picks only; keys of a page begin with its name ("select.spec"). `remember` gives them a first value.
"""

import os
from pathlib import Path
from typing import TypeVar

import streamlit as st

from lobass_core.errors import LobassError, ProjectError
from lobass_core.project import Project
from lobass_core.words.loss_words import which_side_is_scored
from lobass_core.workflows.outline import Outline, Scoring, read_outline
from lobass_core.workflows.serve import ROOT, served_root
from pages.components import address, errors

T = TypeVar("T")

PAGES_DIR = Path(__file__).parents[1]
# Name (also the URL path), file, title, icon, help. The first one is at /.
PAGES = (
    ("overview", "overview.py", "Overview", ":material/dashboard:", "See the state of the project and the next step."),
    ("import", "import_data.py", "Import", ":material/download:", "Preview data files and import them."),
    ("score", "score.py", "Score", ":material/speed:", "Compute the losses of base and reference; follow runs."),
    ("learnability", "learnability.py", "Learnability", ":material/show_chart:", "See where the learnable data is."),
    ("browse", "browse.py", "Browse", ":material/table_rows:", "Filter and read samples; keep or drop them by hand."),
    ("select", "select.py", "Select", ":material/tune:", "Move the cut and the balance between domains."),
    ("trust", "trust.py", "Trust", ":material/verified_user:", "See how far the scores can be trusted."),
    ("compare", "compare.py", "Compare", ":material/compare:", "Compare two selections, references or methods."),
    (
        "validate",
        "validate.py",
        "Validate",
        ":material/science:",
        "Test if a selection trains better than random rows.",
    ),
    ("export", "export.py", "Export", ":material/ios_share:", "Write a selection to files for a trainer."),
)

RUN_KEY = "run"
# The only scoring, as the sidebar found it.
ONLY_RUN_KEY = "run.only"
DATASETS_KEY = "datasets"
PAGE_KEY, VISIT_KEY = "page.name", "page.visit"


def begin_page(name: str) -> None:
    """Count the visits to pages; the router calls it before a page runs.

    Widgets that are left in the session say nothing: the run that would have dropped them may have been cut short.
    """
    if st.session_state.get(PAGE_KEY) != name:
        st.session_state[PAGE_KEY] = name
        st.session_state[VISIT_KEY] = visit() + 1


def visit() -> int:
    """Number of this visit to a page: it stays the same from run to run until another page is shown."""
    return int(st.session_state.get(VISIT_KEY, 0))


def put(key: str, value: object) -> None:
    """Give a widget its value. One that it has already is not put again: that would undo what is chosen meanwhile."""
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value


def project_root() -> Path:
    """The folder that `lobass serve --project` named, else the current one."""
    return served_root()


def open_project() -> Project | None:
    """The open project, or None where the folder holds none.

    Raises:
        ProjectError: the folder holds a project that this version cannot read.
    """
    root = project_root()
    try:
        return Project.open(root)
    except ProjectError:
        if (root / "store.duckdb").exists():
            raise
        return None


def project() -> Project:
    """The open project; the router has stopped before a page runs without one."""
    opened = open_project()
    if opened is None:
        st.stop()
    return opened


def outline(project: Project) -> Outline:
    """Scorings, datasets and domains of the project; read anew when rows or losses change.

    `theme.domain_slots(state.outline(project).domains)` are the project's domain colours.
    """
    return read_outline(project)


def chosen_run() -> str | None:
    """Run id of the scoring that the sidebar shows; None where nothing is scored.

    A second scoring may be added while a page is drawn or read: the page stays with the one that it has.
    """
    return named_run() or st.session_state.get(ONLY_RUN_KEY)


def named_run() -> str | None:
    """Run id of the scoring chosen in the sidebar, as commands name it; None where there is no choice."""
    return st.session_state.get(RUN_KEY) or None


def chosen_datasets() -> tuple[str, ...]:
    """Datasets chosen in the sidebar, in their order; empty means all."""
    return tuple(st.session_state.get(DATASETS_KEY) or ())


def sidebar(project: Project) -> None:
    """Draw project, scoring run and the filter that all pages share. A project in use elsewhere leaves it short."""
    with st.sidebar:
        st.markdown("**Project**")
        st.caption(f"`{project.root}`")
        try:
            known = outline(project)
        except LobassError:
            return
        names = list(known.datasets)
        _adopt(names, [item.run_id for item in known.scorings])
        _scoring_picker(known)
        if known.n_pairs:
            st.caption(which_side_is_scored(known.n_pairs))
        if len(names) > 1:
            st.multiselect(
                "Datasets", names, key=DATASETS_KEY, placeholder="All datasets", persist_state="session",
                help="Overview, Score, Learnability, Browse and Select use only the rows of these datasets.",
            )  # fmt: skip


def _adopt(datasets: list[str], runs: list[str]) -> None:
    """What the address says of scores and datasets; names that are gone must not linger in the filter."""
    asked = address.shared()
    if RUN_KEY in asked:
        # The picker chooses the latest where the address names none that is here.
        st.session_state[RUN_KEY] = address.one(asked, RUN_KEY, runs) or None
    if DATASETS_KEY in asked:
        st.session_state[DATASETS_KEY] = address.several(asked, DATASETS_KEY, datasets)
    chosen = st.session_state.get(DATASETS_KEY)
    if chosen and (len(datasets) < 2 or any(name not in datasets for name in chosen)):
        st.session_state[DATASETS_KEY] = [name for name in chosen if name in datasets and len(datasets) > 1]


def scoring_label(item: Scoring) -> str:
    """Base, reference and run, as pickers and chips say them."""
    return f"{item.label} · {item.run_id}"


def _scoring_picker(known: Outline) -> None:
    scorings = known.scorings
    if not scorings:
        st.session_state.pop(ONLY_RUN_KEY, None)
        columns = ", ".join(known.columns)
        st.caption(f"Imported scores: {errors.plain(columns)}" if columns else "No scores yet.")
        return
    labels = {item.run_id: scoring_label(item) for item in scorings}
    if len(scorings) == 1:
        st.session_state.pop(RUN_KEY, None)
        st.session_state[ONLY_RUN_KEY] = scorings[0].run_id
        st.markdown("**Scores**")
        st.caption(next(iter(labels.values())))
        return
    before = st.session_state.pop(ONLY_RUN_KEY, None)
    if st.session_state.get(RUN_KEY) not in labels:
        st.session_state[RUN_KEY] = before if before in labels else scorings[0].run_id
    st.selectbox(
        "Scores", list(labels), key=RUN_KEY, format_func=lambda run: labels.get(run, run), persist_state="session",
        help="The pair of models that computed the scores.",
    )  # fmt: skip


def remember(key: str, first: T) -> T:
    """The session's value under `key`, `first` at the first call."""
    if key not in st.session_state:
        st.session_state[key] = first
    return st.session_state[key]


def relabel(key: str) -> None:
    """Call before a widget whose labels change: Streamlit goes on to show the label that its value was chosen by."""
    if key in st.session_state:
        st.session_state[key] = st.session_state[key]


def page_file(name: str) -> Path | None:
    """File of a page by its name, None while the page does not exist."""
    path = PAGES_DIR / next(page[1] for page in PAGES if page[0] == name)
    return path if path.is_file() else None


def go(name: str, **query: str | list[str]) -> None:
    """Switch to another page with these query parameters; nothing happens if there is no such page."""
    path = page_file(name)
    if path is not None:
        st.switch_page(str(path), query_params=query or None)


def naming_scores(project: Project, run_id: str) -> dict[str, str]:
    """Query parameters for `go` that choose the scores of a run, where there are others."""
    runs = [item.run_id for item in outline(project).scorings]
    return {RUN_KEY: run_id} if len(runs) > 1 and run_id in runs else {}


def open_other(root: Path) -> None:
    """Open another project in this dashboard, for every tab of it, and start its pages afresh."""
    os.environ[ROOT] = str(root)
    st.session_state.clear()
    st.rerun()
