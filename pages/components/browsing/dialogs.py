"""Acts on all rows that match the filter, confirmed with their number, and the log of decisions."""

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.records import Verdict
from lobass_core.store.decision_imports import DecisionImport
from lobass_core.store.decisions import LoggedDecision
from lobass_core.workflows import decide
from lobass_core.workflows.browse import MatchingRows
from lobass_core.workflows.decision_files import ImportedDecisions, imports
from pages.components import errors, parts, theme, view
from pages.components.browsing import decision_files, session
from pages.components.parts import Column

ACTS = {"keep": "Keep", "drop": "Drop", "undecided": "Undecided", "tag": "Tag"}
# What the button says that does it, before the number.
BUTTON_WORDS = ACTS | {"undecided": "Clear decisions of"}
DONE_WORDS = {"keep": "kept", "drop": "dropped", "undecided": "undecided", "tag": "tagged"}
SAID, FAILED = "browse.said", "browse.failed"
LOG_LINES = 300
UNKNOWN = "unknown"


def act_on_all(project: Project, matching: MatchingRows) -> None:
    """The popover that chooses an act on all matching rows."""
    with st.popover("Act on all", icon=":material/done_all:", key="browse.all", disabled=not matching.n_found):
        st.markdown(f"**All {theme.count(matching.n_found)} rows that match the filter**")
        act = st.segmented_control(
            "Action", list(ACTS), format_func=ACTS.__getitem__, default="keep", required=True, key="browse.all.act",
            label_visibility="collapsed",
        )  # fmt: skip
        text = st.text_input(
            "Tag" if act == "tag" else "Reason",
            key="browse.all.text",
            max_chars=decide.LONGEST_TAG if act == "tag" else decide.LONGEST_REASON,
            placeholder="Tag" if act == "tag" else "Reason for the log",
            label_visibility="collapsed",
        )
        disabled = act == "tag" and not text.strip()
        if st.button(
            f"{BUTTON_WORDS[act]} {theme.count(matching.n_found)} rows …", key="browse.all.ask", disabled=disabled
        ):
            confirm(project, matching, act, text)


@st.dialog("Are you sure?")
def confirm(project: Project, matching: MatchingRows, act: str, text: str) -> None:
    """Say how many, once more, and do it."""
    n_samples = len(decide.sample_keys_of(matching))
    copies = matching.n_found - n_samples
    view.show(
        parts.facts(
            [
                ("Samples", theme.count(n_samples)),
                ("Rows", theme.count(matching.n_found) + (f" ({theme.count(copies)} duplicates)" if copies else "")),
                ("Response tokens", theme.count(matching.n_tokens)),
                ("Tag" if act == "tag" else "Reason", text or "–"),
            ]
        ),
        key="browse-confirm",
    )
    if act != "tag":
        st.caption("Decisions override the score. You can undo this in one step.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Cancel", key="browse.all.cancel"):
            st.rerun()
        label = f"{BUTTON_WORDS[act]} {theme.count(n_samples)} samples"
        # The act is the callback's, so that it is done whatever is drawn after the click.
        if st.button(label, type="primary", key="browse.all.go", on_click=_act, args=(project, matching, act, text)):
            st.rerun()


def _act(project: Project, matching: MatchingRows, act: str, text: str) -> None:
    try:
        if act == "tag":
            n = decide.tag_matching(project, matching, text)
        else:
            verdict: Verdict = act  # type: ignore[assignment]
            n = decide.decide_matching(project, matching, verdict, text.strip())
    except LobassError as error:
        st.session_state[FAILED] = error
        return
    st.session_state[SAID] = f"{theme.count(n)} samples {DONE_WORDS[act]}"
    session.find_again()


def say() -> None:
    """What the last dialog did or could not do, once."""
    if FAILED in st.session_state:
        errors.show(st.session_state.pop(FAILED))
    if SAID in st.session_state:
        st.toast(st.session_state.pop(SAID), icon=":material/check:")


@st.dialog("Decisions", width=680, position="right")
def log(project: Project) -> None:
    """The latest decisions and imported files, batches as one line, each to be undone; and all of them as a file."""
    decision_files.downloads(project)
    if not project.is_read_only:
        decision_files.upload(project, _added)
    lines, imported = _lines(decide.log(project, LOG_LINES)), imports(project)[:LOG_LINES]
    if not lines and not imported:
        st.caption("No decisions yet. Press K to keep or D to drop the open sample.")
        return
    standing = {first.decision_id for first, _ in lines if not first.undone_at}
    standing |= {one.batch_id for one in imported if not one.undone_at}
    nodes: list[view.Node] = [_decisions(lines)] if lines else []
    if imported:
        nodes += [parts.heading("Imported files"), _imports(imported)]
    clicked = (view.show(nodes, key="browse-log") or "").removeprefix("undo:")
    if clicked in standing:
        with errors.shown():
            undone = decide.undo(project, clicked)
            n = len(undone.decisions)
            _done(
                f"Undid the import of {undone.imported.file}"
                if undone.imported
                else f"Undid {theme.count(n)} decision{'' if n == 1 else 's'}"
            )


def _added(outcome: ImportedDecisions | LobassError) -> None:
    if isinstance(outcome, LobassError):
        st.session_state[FAILED] = outcome
        return
    st.session_state[SAID] = f"Added {theme.count(outcome.n_added)} from {outcome.file}"
    session.find_again()


def _done(said: str) -> None:
    st.session_state[SAID] = said
    session.find_again()
    st.rerun()


def _decisions(lines: list[tuple[LoggedDecision, int]]) -> view.Node:
    return parts.table(
        [Column("When", 84), Column("Decision", 86), Column("By", 96), Column("Sample", 96), Column("Reason"),
         Column("", 66)],
        [
            [
                theme.ago(first.made_at),
                parts.dot({"keep": "kept", "drop": "hollow"}.get(first.verdict, ""), first.verdict),
                parts.first_line(first.author or UNKNOWN, 40),
                f"{theme.count(n)} samples" if n > 1 else first.sample_id[:12],
                parts.first_line(f"from {first.file}" if first.file and n > 1 else first.reason, 60),
                _undo_link(first.decision_id, first.undone_at),
            ]
            for first, n in lines
        ],
        label="Decisions, newest first",
    )  # fmt: skip


def _imports(imported: list[DecisionImport]) -> view.Node:
    return parts.table(
        [Column("When", 84), Column("By", 96), Column("File"), Column("Decisions", 74, numeric=True),
         Column("Tags", 54, numeric=True), Column("Notes", 54, numeric=True), Column("", 66)],
        [
            [
                theme.ago(one.made_at),
                parts.first_line(one.made_by or UNKNOWN, 40),
                parts.first_line(one.file, 60),
                *(theme.count(n) for n in (one.n_decisions, one.n_tags, one.n_notes)),
                _undo_link(one.batch_id, one.undone_at),
            ]
            for one in imported
        ],
        label="Imported files, newest first",
    )  # fmt: skip


def _undo_link(act_id: str, undone_at: str | None) -> view.Node:
    return parts.tag("undone") if undone_at else parts.link("Undo", f"undo:{act_id}")


def _lines(decisions: list[LoggedDecision]) -> list[tuple[LoggedDecision, int]]:
    """Each decision with 1, each batch by its latest with the number of its decisions among these."""
    lines: dict[str, tuple[LoggedDecision, int]] = {}
    for one in decisions:
        key = one.batch_id or one.decision_id
        first, n = lines.get(key, (one, 0))
        lines[key] = (first, n + 1)
    return list(lines.values())


def log_button(project: Project) -> None:
    """The button that opens the log."""
    if st.button(
        "Decisions", icon=":material/history:", key="browse.log", help="List, undo, download or import decisions"
    ):
        log(project)


def find_again_button(shown: session.View) -> None:
    """Offered where acts may have moved rows in or out of what is asked."""
    asked = shown.matching.filter
    if not (asked.decisions or asked.tags):
        return
    if st.button(
        "Refresh",
        icon=":material/refresh:",
        key="browse.again",
        help="Search again: rows decided since then may have moved",
    ):
        session.find_again()
        st.rerun()
