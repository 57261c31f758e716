"""What is compared: two saved selections, two references, or two methods with the same budget.

/compare?kind=selections&a=natural&b=equal
/compare?kind=methods&a=learnability&b=random&ratio=0.06&part=both
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from lobass_core.project import Project
from lobass_core.specs import PAPER_RATIOS, SelectionSpec
from lobass_core.store.scorings import Scoring
from lobass_core.workflows import compare, explore
from lobass_core.workflows import select as selections
from lobass_core.workflows.compare import Side
from pages.components import address, command_line, state, theme
from pages.components.address import Query

KINDS = ("Selections", "References", "Methods")
RATIOS = (*PAPER_RATIOS, 0.5)
KIND, A, B, RATIO = "compare.kind", "compare.a", "compare.b", "compare.ratio"
# What a side is, and with it the key of its picker.
SIDES = {"Selections": "selection", "References": "reference", "Methods": "method"}
NAMES = ("kind", "a", "b", "ratio")


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two sides and the commands that do the same; `saved` sides can be browsed by name."""

    a: Side
    b: Side
    command: tuple[str, ...]
    saved: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is nothing to compare, and the page that helps."""

    title: str
    text: str
    action: tuple[str, str]


def open_selections(a: str, b: str) -> None:
    """Switch to the Compare page with two saved selections chosen."""
    # Without a choice of its own the page compares selections.
    st.session_state.pop(KIND, None)
    st.session_state[f"{A}-selection"], st.session_state[f"{B}-selection"] = a, b
    state.go("compare")


def kind() -> str:
    """What is compared, of KINDS."""
    chosen = st.session_state.get(KIND)
    return chosen if chosen in KINDS else KINDS[0]


def adopt(asked: Query) -> None:
    """The sides that the address names; what it does not name is the first there is."""
    kinds = {name.lower(): name for name in KINDS}
    st.session_state[KIND] = chosen = kinds.get(address.one(asked, "kind", kinds), KINDS[0])
    for key, name in ((A, "a"), (B, "b")):
        if side := address.one(asked, name):
            st.session_state[f"{key}-{SIDES[chosen]}"] = side
    ratio = address.read(asked, "ratio", float, None)
    if ratio in RATIOS:
        st.session_state[RATIO] = ratio
    elif ratio is not None:
        address.say(f"Unknown ratio in the address, ignored: ratio={ratio:g}.")


def in_address() -> dict[str, str]:
    """The sides as parameters of the address; call it when the pickers are drawn."""
    chosen = kind()
    sides = {name: st.session_state.get(f"{key}-{SIDES[chosen]}") or "" for key, name in ((A, "a"), (B, "b"))}
    query = {"kind": chosen.lower(), **{name: text for name, text in sides.items() if text}}
    return query if chosen == "Selections" else {**query, "ratio": f"{st.session_state.get(RATIO, RATIOS[1]):g}"}


def pick(project: Project, scorings: Sequence[Scoring]) -> Pair | Missing:
    """Draw the pickers and compute both sides."""
    state.remember(KIND, KINDS[0])
    chosen = st.segmented_control(
        "What to compare", KINDS, key=KIND, required=True, label_visibility="collapsed", persist_state="session"
    )
    if chosen == "Selections":
        return _selections(project)
    return _references(project, scorings) if chosen == "References" else _methods(project)


def _selections(project: Project) -> Pair | Missing:
    names = {saved.name: saved.name for saved in selections.list_selections(project)}
    if len(names) < 2:
        text = "Save two selections to compare them. References and methods need no saved selection."
        return Missing("Fewer than two selections", text, ("Select rows", "select"))
    a, b = _two("selection", names)
    root = ["--project", str(project.root)]
    # After two dashes a name that begins with one is still a name.
    dashed = a.startswith("-") or b.startswith("-")
    line = command_line.shell("compare", [root, ["--", a, b]] if dashed else [[a], [b], root])
    return Pair(compare.saved_side(project, a), compare.saved_side(project, b), (line,), saved=True)


def _references(project: Project, scorings: Sequence[Scoring]) -> Pair | Missing:
    if len(scorings) < 2:
        text = "Score the data with another reference to see where the two disagree."
        return Missing("Only one pair of models has scores", text, ("Score again", "score"))
    labels = {scoring.run_id: f"{scoring.label} · {scoring.run_id}" for scoring in scorings}
    a, b = _two("reference", labels)
    spec = SelectionSpec(value=_ratio(), datasets=state.chosen_datasets())
    return _computed(project, (labels[a], labels[b]), (spec, spec), (a, b))


def _methods(project: Project) -> Pair:
    run = state.chosen_run()
    rows = explore.scored(project, run)
    titles = {name: one.title for name, one in explore.measures(rows).items()}
    # The first two are what the page opens with.
    titles = {explore.usual(rows): "", **titles}
    a, b = _two("method", titles)
    ratio, datasets = _ratio(), state.chosen_datasets()
    specs = [SelectionSpec(method=method, value=ratio, datasets=datasets) for method in (a, b)]
    return _computed(project, (titles[a], titles[b]), specs, (run, run))


def _computed(
    project: Project, labels: Sequence[str], specs: Sequence[SelectionSpec], runs: Sequence[str | None]
) -> Pair:
    sides = [
        compare.computed_side(project, label, spec, run) for label, spec, run in zip(labels, specs, runs, strict=True)
    ]
    lines = [
        command_line.select(project.root, spec, name=name, run=(run or "") if state.named_run() else "")
        for name, spec, run in zip("AB", specs, runs, strict=True)
    ]
    together = command_line.shell("compare", [["A"], ["B"], ["--project", str(project.root)]])
    return Pair(sides[0], sides[1], (*lines, together), saved=False)


def _two(what: str, labels: Mapping[str, str]) -> tuple[str, str]:
    """Pickers for A and B, at first the first two; a choice that is gone falls back."""
    options = list(labels)
    chosen: list[str] = []
    # Where there is no room for both beside the rest, they go to the next line together.
    pair = st.container(horizontal=True, wrap=False, gap="xsmall", width="content", key=f"compare-{what}-pickers")
    for letter, key, first in (("A", f"{A}-{what}", 0), ("B", f"{B}-{what}", min(1, len(options) - 1))):
        if (asked := st.session_state.get(key)) not in options:
            if asked:
                address.say(f"There is no {what} {asked} to compare.")
            st.session_state[key] = options[first]
        pair.selectbox(
            f"{letter}: {what}", options, key=key, width=200,
            format_func=partial(_lettered, letter, labels),
            label_visibility="collapsed", persist_state="session",
        )  # fmt: skip
        chosen.append(st.session_state[key])
    return chosen[0], chosen[1]


def _lettered(letter: str, labels: Mapping[str, str], name: str) -> str:
    return f"{letter}: {labels.get(name, name)}"


def _ratio() -> float:
    state.remember(RATIO, RATIOS[1])
    st.segmented_control(
        "Ratio", RATIOS, key=RATIO, required=True, label_visibility="collapsed",
        format_func=lambda ratio: theme.percent(ratio, 0 if ratio in (0.06, 0.5) else 1), persist_state="session",
    )  # fmt: skip
    return st.session_state[RATIO]
