"""What this session looks at: the rows found, where in them it is, and which of its acts are on disk.

The list stays as it was found until the filter changes or the person asks for it again: a row that is decided on does
not vanish under the hand. Rows go to the browser only while it does not hold them.
"""

import hashlib
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.workflows import browse, decide
from lobass_core.workflows.browse import PAGE_ROWS, Choices, Found
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.row_table import domain_shapes
from lobass_core.workflows.token_heat import read_token_losses
from pages.components import filters, sample_list, state, theme
from pages.components.sample_list import Message, payload

LIST, VIEW, DONE, AT, UNWRITTEN = "browse.list", "browse.view", "browse.done", "browse.at", "browse.unwritten"
ACTS_REMEMBERED = 5_000


@dataclass(slots=True)
class View:
    """One list as it was found. `made_for` says for what, `start` is (page, row key) to show first."""

    made_for: tuple
    found: Found
    choices: Choices
    ridges: dict[str, dict]
    start: tuple[int, int | None]
    name: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    tokens: dict | None = None


def was_here() -> bool:
    """Whether the run before this one showed the page: leaving it drops the component's own state."""
    return LIST in st.session_state


def view(project: Project, asked: BrowseFilter) -> View:
    """The list for this filter: the session's own while nothing asks for another."""
    run, datasets = state.chosen_run(), state.chosen_datasets()
    # Rows that were imported or scored since make another list; decisions do not.
    made_for = (browse.open_rows(project, run).version, str(project.root), asked, run, datasets)
    kept: View | None = st.session_state.get(VIEW)
    if kept is not None and kept.made_for == made_for:
        if not was_here():
            # Back from another page: the browser holds nothing any more, the place is remembered.
            kept.start = _place(kept.found, 1, st.session_state.get(AT))
        # A tag that was just made can be filtered by.
        kept.choices = browse.choices(project, kept.found.rows)
        return kept
    found = browse.find(project, asked, run, within_datasets=datasets)
    page, row_key = filters.place_in_address()
    made = View(
        made_for=made_for,
        found=found,
        choices=browse.choices(project, found.rows),
        ridges=payload.shapes(domain_shapes(found.rows)) if found.rows.is_scored else {},
        start=_place(found, page, row_key),
    )
    st.session_state[VIEW] = made
    return made


def find_again() -> None:
    """Forget the list, so that the next run finds it anew, around the same row if it is still there."""
    kept: View | None = st.session_state.pop(VIEW, None)
    if kept is not None and st.session_state.get(AT) is not None:
        st.query_params.update({"row": str(st.session_state[AT])})


def _place(found: Found, page: int, row_key: int | None) -> tuple[int, int | None]:
    place = None if row_key is None else found.place_of(row_key)
    if place is not None:
        return place // PAGE_ROWS + 1, row_key
    return min(page, found.n_pages()), None


def take_acts() -> None:
    """Write what the browser sent; runs before the page does, so that leaving the page loses nothing."""
    message = sample_list.message(LIST)
    if message is None:
        return
    if message.at is not None:
        st.session_state[AT] = message.at
    done = _done()
    new = [act for act in message.acts if act.act_id not in done]
    if not new:
        return
    try:
        results = decide.apply(state.project(), new)
    except LobassError as error:
        # Not acknowledged: the browser says "not saved", why, and sends them again.
        st.session_state[UNWRITTEN] = error.what
        return
    st.session_state.pop(UNWRITTEN, None)
    for result in results:
        done[result.act_id] = result
    while len(done) > ACTS_REMEMBERED:
        done.popitem(last=False)


def _done() -> OrderedDict[str, decide.Done]:
    return state.remember(DONE, OrderedDict())


def show(project: Project, shown: View) -> None:
    """Mount the list with whatever the browser lacks."""
    last = sample_list.message(LIST)
    # What the browser holds of another list is of no use here; its acts are acknowledged whichever list they are from.
    message = last if last and last.view == shown.name else None
    results = {act.act_id: _done()[act.act_id] for act in (last.acts if last else ()) if act.act_id in _done()}
    refused = last.refused if last else ()
    sample_list.show(
        payload.data(
            project=hashlib.sha256(str(project.root).encode()).hexdigest()[:12],
            seq=last.seq if last else 0,
            trouble=st.session_state.get(UNWRITTEN, ""),
            view=shown.name,
            n_found=shown.found.n_found,
            n_rows=shown.found.n_rows,
            page_rows=PAGE_ROWS,
            page=shown.start[0],
            row_key=shown.start[1],
            pages=_missing_pages(project, shown, message),
            slots=theme.domain_slots(state.surroundings(project).domains),
            ridges=shown.ridges,
            tags=[name for name, _ in shown.choices.tags],
            is_scored=shown.found.rows.is_scored,
            acked=[act_id for act_id, result in results.items() if not result.error],
            failed=[*((act_id, result.error) for act_id, result in results.items() if result.error), *refused],
            changed={act_id: result.changed[:2000] for act_id, result in results.items() if result.changed},
            token_losses=_tokens(project, shown, message),
            full=_full(project, shown, message),
        ),
        key=LIST,
        on_change=take_acts,
    )


def _missing_pages(project: Project, shown: View, message: Message | None) -> dict[int, list[dict]]:
    """The page in sight if the browser does not hold it, else those of its neighbours that it does not hold."""
    found = shown.found
    page = message.page if message else shown.start[0]
    have = message.have if message else frozenset()
    near = (page + 1, page - 1) if page in have else (page,)
    wanted = [n for n in near if 1 <= n <= found.n_pages() and n not in have]
    if not wanted or not found.n_found:
        return {}
    parts = {n: found.positions[(n - 1) * PAGE_ROWS : n * PAGE_ROWS] for n in wanted}
    rows = browse.read_rows(project, found.rows, np.concatenate(list(parts.values())))
    ready = {row.stored.row_key: payload.row(row, mask_rule=_mask_rule(found)) for row in rows}
    keys = found.rows.table.row_key
    return {n: [ready[key] for key in keys[part].tolist() if key in ready] for n, part in parts.items()}


def _mask_rule(found: Found) -> str:
    scoring = found.rows.scoring
    return scoring.spec.render.mask_rule if scoring else "all"


def _tokens(project: Project, shown: View, message: Message | None) -> dict | None:
    if message is None or message.tokens is None:
        return None
    if shown.tokens is None or shown.tokens["key"] != message.tokens:
        place = _row_place(shown.found, message.tokens)
        if place is None:
            return None
        try:
            losses = read_token_losses(project, shown.found.rows, int(shown.found.rows.table.sample_key[place]))
            shown.tokens = payload.tokens(message.tokens, losses)
        except LobassError as error:
            shown.tokens = payload.no_tokens(message.tokens, f"{error.what}. {error.do}".strip())
    return shown.tokens


def _full(project: Project, shown: View, message: Message | None) -> dict | None:
    place = None if message is None or message.full is None else _row_place(shown.found, message.full)
    if place is None:
        return None
    rows = browse.read_rows(project, shown.found.rows, np.array([place]))
    return payload.row(rows[0], mask_rule=_mask_rule(shown.found), whole=True) if rows else None


def _row_place(found: Found, row_key: int) -> int | None:
    """Where a row stands in the row table."""
    keys = found.rows.table.row_key
    place = int(np.searchsorted(keys, row_key))
    return place if place < len(keys) and keys[place] == row_key else None
