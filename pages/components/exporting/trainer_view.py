"""What the trainer will do with these rows: train, cut, mask or drop them; and the rows to look at."""

import json
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from lobass_core.project import Project
from lobass_core.words.plural import plural
from lobass_core.workflows import export as workflow
from lobass_core.workflows import select as selections
from lobass_core.workflows.decide import decide
from lobass_core.workflows.export import LOST, Finding, Preflight
from pages.components import errors, parts, theme, view
from pages.components.view import Node, el

KEY = "export-trainer"
SHOWN_ROWS = 100
# A finding's words begin with its verb; for one row it takes another form.
SINGULAR = {
    "are": "is", "have": "has", "do": "does", "lose": "loses", "start": "starts", "repeat": "repeats",
    "become": "becomes",
}  # fmt: skip


def show(project: Project, preflight: Preflight) -> None:
    """Findings that touch rows each with its line, those that touch none in one."""
    loud = [finding for finding in preflight.findings[1:] if finding.n_rows]
    quiet = [finding for finding in preflight.findings[1:] if not finding.n_rows and finding.rule != "pairs"]
    title = (
        f"What {preflight.trainer} will do with these rows"
        if preflight.trainer
        else "What this export does with these rows"
    )
    nodes: list[Node | None] = [
        parts.heading(title, _note(preflight)),
        el(
            "div",
            _written(preflight),
            *[_check(finding, place) for place, finding in enumerate(loud)],
            parts.check("good", "0", _listed([finding.what for finding in quiet])) if quiet else None,
            cls="checks",
        ),
        _left(preflight),
    ]
    clicked = view.show(nodes, key=KEY, label=title)
    if clicked and clicked.startswith("rows:"):
        _rows_dialog(project, preflight, loud[int(clicked.removeprefix("rows:"))])


def _note(preflight: Preflight) -> str:
    if not preflight.trainer:
        return "read by your own scripts"
    return f"by its published rules; {preflight.setting} {theme.count(preflight.cutoff_tokens)}"


def _written(preflight: Preflight) -> Node:
    n_rows = preflight.findings[0].n_rows
    picks = preflight.plan.picks.take(pa.array(preflight.findings[0].places, pa.int64()))
    domains = Counter(picks["domain"].to_pylist())
    tokens = picks["n_response_tokens"]
    n_tokens = 0 if tokens.null_count else pc.sum(tokens).as_py() or 0
    shares = ", ".join(f"{theme.count(n)} {domain}" for domain, n in domains.most_common(4))
    if len(domains) > 4:
        shares += f" and {len(domains) - 4} more domains"
    detail = f"{shares}; {theme.count(n_tokens)} response tokens" if n_tokens else shares
    words = "row is written" if n_rows == 1 else "rows are written"
    return parts.check("good" if n_rows else "bad", theme.count(n_rows), words, detail=detail)


def _check(finding: Finding, place: int) -> Node:
    mark = "bad" if finding.effect in LOST else "good" if finding.effect == "written" else "note"
    link = ("see rows", f"rows:{place}") if finding.effect != "written" else None
    words = phrase(finding.what, finding.n_rows)
    return parts.check(mark, theme.count(finding.n_rows), words, detail=finding.why, link=link)


def phrase(what: str, n_rows: int) -> str:
    """The words of a finding after its number: "are cut", for one row "is cut"."""
    verb, _, rest = what.partition(" ")
    return f"{SINGULAR.get(verb, verb)} {rest}" if n_rows == 1 else what


def _listed(phrases: list[str]) -> str:
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} or {phrases[-1]}"


def _left(preflight: Preflight) -> Node:
    """The sum of it. Rows of which it is uncertain are not counted as left."""
    unknown = preflight.n_unknown
    left = el(
        "span",
        "Left after the trainer: " if preflight.trainer else "Written: ",
        el(
            "b",
            f"{theme.count(preflight.n_left)} of {theme.count(preflight.n_rows)}",
            cls="amber" if unknown else "kept",
        ),
        f"; {theme.count(unknown)} uncertain" if unknown else "",
    )
    is_scored = bool(preflight.plan.facts.get("models"))
    note = (
        ("lengths as scored" if is_scored else "lengths are known once the rows are scored")
        if preflight.trainer
        else ""
    )
    return el("div", left, el("span", note, cls="muted end"), cls="row left-after")


@st.dialog("Rows", width="large")
def _rows_dialog(project: Project, preflight: Preflight, finding: Finding) -> None:
    """The rows of a finding as they came, to take along or to leave out."""
    n_rows = theme.count(finding.n_rows)
    view.show(parts.heading(f"{n_rows} {phrase(finding.what, finding.n_rows)}", finding.why), key="export-rows-title")
    with errors.shown():
        texts = workflow.records(project, preflight, finding.places[:SHOWN_ROWS].tolist())
        rows = [
            [row["dataset"], theme.count(row["row_index"]), parts.first_line(text, 200)]
            for row, text in zip(preflight.rows(finding, SHOWN_ROWS), texts, strict=True)
        ]
        columns = [parts.Column("Dataset", 150), parts.Column("Row", 70, numeric=True), parts.Column("Record")]
        view.show(el("div", parts.table(columns, rows, label="Rows"), cls="tall"), key="export-rows")
    with st.container(horizontal=True):
        st.download_button(
            "All as JSON", lambda: json.dumps(preflight.rows(finding), ensure_ascii=False, indent=1),
            file_name=f"{finding.rule.replace(' ', '-')}.json", mime="application/json", icon=":material/download:",
            key="export.rows-download", on_click="ignore",
        )  # fmt: skip
        if finding.effect in LOST and st.button(f"Drop {n_rows}, select again", key="export.leave-out"):
            with errors.shown():
                leave_out(project, preflight, finding)
                st.rerun()
    if finding.effect in LOST:
        st.caption(
            "Dropped rows get a decision, which you can undo on Browse. The selection is then computed again with its "
            "own settings and keeps its name. Other rows fill the places."
        )


def leave_out(project: Project, preflight: Preflight, finding: Finding) -> None:
    """Decide against the rows of a finding, and save the selection again under its name."""
    saved, spec = selections.load(project, preflight.plan.selection)
    scoring = selections.scoring_of(project, saved)
    run = scoring.run_id if scoring else None
    reason = f"{preflight.trainer or preflight.format}: {finding.rule}"
    decide(project, [row["sample_id"] for row in preflight.rows(finding)], "drop", reason)
    selections.save(project, saved.name, spec, run, replace=True)
    st.toast(f"{plural(finding.n_rows, 'row')} dropped, selection computed again", icon=":material/done:")
