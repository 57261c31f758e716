"""What a session browses: the matching rows, its place in them, and which of its acts are on disk.

The list does not change until the filter does or the person asks for it again, so a row that was decided on stays in
place. A row is sent to the browser only if the browser does not have it. Acts on a range name rows by their places in a
list, so the last few lists are kept for acts that were sent before the list was replaced.
"""

import hashlib
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np
import streamlit as st

from lobass_core.errors import LobassError, RequestError, StoreLockedError
from lobass_core.learnability.measure_values import measures_of
from lobass_core.learnability.measures import Measure
from lobass_core.project import Project
from lobass_core.workflows import browse, decide, review
from lobass_core.workflows.author import author_name
from lobass_core.workflows.browse import PAGE_ROWS, BrowseRow, Choices, MatchingRows
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.decide import Act, Done
from lobass_core.workflows.row_table import domain_shapes
from lobass_core.workflows.token_heat import read_token_losses
from pages.components import filters, sample_list, state, theme
from pages.components.sample_list import Message, RangeAct, payload

LIST, VIEW, DONE, AT, UNWRITTEN = "browse.list", "browse.view", "browse.done", "browse.at", "browse.unwritten"
LISTS = "browse.lists"
ACTS_REMEMBERED = 5_000
# At a million rows a list is 4 MB.
LISTS_REMEMBERED = 4


@dataclass(slots=True)
class View:
    """One list. `made_for` says for what, `start` is (page, row key) to show first at this visit."""

    made_for: tuple
    matching: MatchingRows
    choices: Choices
    ridges: dict[str, dict]
    start: tuple[int, int | None]
    visit: int
    name: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    tokens: dict | None = None
    n_decided: int = 0


def view(project: Project, asked: BrowseFilter) -> View:
    """The list for this filter: the session's own while nothing asks for another."""
    run, datasets = state.chosen_run(), state.chosen_datasets()
    # Rows that were imported or scored since make another list; decisions do not.
    made_for = (browse.open_rows(project, run).version, str(project.root), asked, run, datasets)
    kept: View | None = st.session_state.get(VIEW)
    if kept is not None and kept.made_for == made_for:
        if kept.visit != state.visit():
            # Back from another page: the browser holds nothing any more, the place is remembered.
            kept.start, kept.visit = _place(kept.matching, 1, st.session_state.get(AT)), state.visit()
        # A tag that was just made can be filtered by.
        kept.choices = browse.choices(project, kept.matching.rows)
        return kept
    matching = browse.find(project, asked, run, within_datasets=datasets)
    page, row_key = filters.place_in_address()
    if row_key is None and kept is not None and kept.made_for[1:] == made_for[1:]:
        # The same question over rows that have changed since: around the row that was read last.
        row_key = st.session_state.get(AT)
    ranked_by = matching.rows.measure
    made = View(
        made_for=made_for,
        matching=matching,
        choices=browse.choices(project, matching.rows),
        ridges=payload.shapes(domain_shapes(matching.rows), ranked_by.label) if ranked_by else {},
        start=_place(matching, page, row_key),
        visit=state.visit(),
    )
    st.session_state[VIEW] = made
    lists: OrderedDict[str, MatchingRows] = state.remember(LISTS, OrderedDict())
    lists[made.name] = matching
    while len(lists) > LISTS_REMEMBERED:
        lists.popitem(last=False)
    return made


def find_again() -> None:
    """Forget the list, so that the next run finds it anew, around the same row if it is still there."""
    kept: View | None = st.session_state.pop(VIEW, None)
    if kept is not None and st.session_state.get(AT) is not None:
        st.query_params.update({"row": str(st.session_state[AT])})


def _place(matching: MatchingRows, page: int, row_key: int | None) -> tuple[int, int | None]:
    place = None if row_key is None else matching.place_of(row_key)
    if place is not None:
        return place // PAGE_ROWS + 1, row_key
    return min(page, matching.n_pages()), None


def take_acts() -> None:
    """Write what the browser sent; runs before the page does, so that leaving the page loses nothing."""
    message = sample_list.message(LIST)
    if message is None:
        return
    if message.at is not None:
        st.session_state[AT] = message.at
    done = _done()
    lists: OrderedDict[str, MatchingRows] = st.session_state.get(LISTS) or OrderedDict()
    new = [resolved(act, lists) for act in message.acts if act.act_id not in done]
    if not new:
        return
    try:
        written = iter(decide.apply(state.project(), [act for act in new if isinstance(act, Act)]))
        results = [next(written) if isinstance(act, Act) else act for act in new]
    except LobassError as error:
        # Not acknowledged: the browser says "not saved", why, and sends them again.
        st.session_state[UNWRITTEN] = error.what
        return
    st.session_state.pop(UNWRITTEN, None)
    for result in results:
        done[result.act_id] = result
    while len(done) > ACTS_REMEMBERED:
        done.popitem(last=False)


def resolved(act: Act | RangeAct, lists: Mapping[str, MatchingRows]) -> Act | Done:
    """A range act on the samples that stand in its range; why it cannot be done, where its list is gone."""
    if isinstance(act, Act):
        return act
    matching = lists.get(act.view)
    if matching is None or not 0 <= act.first <= act.last < matching.n_found:
        n = act.last - act.first + 1
        return Done(act.act_id, error=f"the list with these {n:,} rows is no longer open; select the rows again")
    keys = matching.rows.table.sample_key[matching.positions[act.first : act.last + 1]]
    try:
        return act.on(keys.tolist())
    except RequestError as error:
        return Done(act.act_id, error=error.what)


def _done() -> OrderedDict[str, Done]:
    return state.remember(DONE, OrderedDict())


@dataclass(frozen=True, slots=True)
class _Read:
    """What is read of the store for one answer; nothing, and why, while the store cannot be had."""

    pages: dict[int, list[dict]] = field(default_factory=dict)
    tokens: dict | None = None
    full: dict | None = None
    trouble: str = ""


def _read(project: Project, shown: View, message: Message | None) -> _Read:
    """The list stays in sight while another program has the store: the browser says so, and asks again."""
    try:
        if UNWRITTEN not in st.session_state:
            shown.n_decided = browse.count_decided(project, shown.matching)
        return _Read(
            _missing_pages(project, shown, message), _tokens(project, shown, message), _full(project, shown, message)
        )
    except StoreLockedError as error:
        return _Read(trouble=error.what)


def show(project: Project, shown: View) -> None:
    """Mount the list with whatever the browser lacks."""
    last = sample_list.message(LIST)
    # What the browser holds of another list is of no use here; its acts are acknowledged whichever list they are from.
    message = last if last and last.view == shown.name else None
    results = {act.act_id: _done()[act.act_id] for act in (last.acts if last else ()) if act.act_id in _done()}
    refused = last.refused if last else ()
    read = _read(project, shown, message)
    sample_list.show(
        payload.data(
            project=hashlib.sha256(str(project.root).encode()).hexdigest()[:12],
            seq=last.seq if last else 0,
            trouble=st.session_state.get(UNWRITTEN, read.trouble),
            view=shown.name,
            n_found=shown.matching.n_found,
            n_rows=shown.matching.n_rows,
            n_decided=shown.n_decided,
            asked=shown.matching.filter,
            page_rows=PAGE_ROWS,
            page=shown.start[0],
            row_key=shown.start[1],
            pages=read.pages,
            slots=theme.domain_slots(shown.matching.rows.table.domains),
            ridges=shown.ridges,
            tags=[name for name, _ in shown.choices.tags],
            author=author_name(),
            is_scored=shown.matching.rows.is_scored,
            acked=[act_id for act_id, result in results.items() if not result.error],
            failed=[*((act_id, result.error) for act_id, result in results.items() if result.error), *refused],
            changed=_changed(shown.matching, message, results),
            token_losses=read.tokens,
            full=read.full,
        ),
        key=LIST,
        on_change=take_acts,
    )


def _changed(
    matching: MatchingRows, message: Message | None, results: Mapping[str, Done]
) -> dict[str, list[tuple[int, str]]]:
    """The verdicts that undoing brought back, of the samples that the browser holds: a batch may have thousands."""
    undone = {act_id: result.changed for act_id, result in results.items() if result.changed}
    if not undone:
        return {}
    places = [matching.positions[(n - 1) * PAGE_ROWS : n * PAGE_ROWS] for n in (message.have if message else ())]
    held = set(matching.rows.table.sample_key[np.concatenate(places)].tolist()) if places else set()
    return {act_id: [one for one in changed if one[0] in held] for act_id, changed in undone.items()}


def _missing_pages(project: Project, shown: View, message: Message | None) -> dict[int, list[dict]]:
    """The page in sight if the browser does not hold it, else those of its neighbours that it does not hold."""
    matching = shown.matching
    page = message.page if message else shown.start[0]
    have = message.have if message else frozenset()
    near = (page + 1, page - 1) if page in have else (page,)
    wanted = [n for n in near if 1 <= n <= matching.n_pages() and n not in have]
    if not wanted or not matching.n_found:
        return {}
    parts = {n: matching.positions[(n - 1) * PAGE_ROWS : n * PAGE_ROWS] for n in wanted}
    positions = np.concatenate(list(parts.values()))
    rows = browse.read_rows(project, matching.rows, positions)
    hits = _hits(project, matching, rows)
    keys = matching.rows.table.row_key
    why = _review_reasons(matching, positions)
    ready = {
        row.stored.row_key: payload.row(
            row,
            mask_rule=_mask_rule(matching),
            hits=hits,
            review=why.get(row.stored.row_key, ()),
            **_measures(matching),
        )
        for row in rows
    }
    return {n: [ready[key] for key in keys[part].tolist() if key in ready] for n, part in parts.items()}


def _hits(project: Project, matching: MatchingRows, rows: list[BrowseRow]) -> dict[str, int]:
    """Where the search first finds something in texts that are too long to be sent whole."""
    texts = list({text for row in rows for text in payload.long_texts(row)}) if matching.filter.text else []
    places = browse.first_hits(project, texts, matching.filter) if texts else []
    return {text: place for text, place in zip(texts, places, strict=True) if place >= 0}


def _review_reasons(matching: MatchingRows, positions: np.ndarray) -> dict[int, list[str]]:
    """Why these rows are in the review queue, by row key."""
    asked = matching.filter
    if not asked.review:
        return {}
    of_cut = review.by_cut(matching.rows, asked, matching.scope)
    keys = matching.rows.table.row_key[positions].tolist()
    return {
        key: review.reasons(matching.rows, asked, of_cut, place) for key, place in zip(keys, positions, strict=True)
    }


def _mask_rule(matching: MatchingRows) -> str:
    scoring = matching.rows.scoring
    return scoring.spec.render.mask_rule if scoring else "all"


def _tokens(project: Project, shown: View, message: Message | None) -> dict | None:
    if message is None or message.tokens is None:
        return None
    if shown.tokens is None or shown.tokens["key"] != message.tokens:
        place = _row_place(shown.matching, message.tokens)
        if place is None:
            return None
        try:
            losses = read_token_losses(project, shown.matching.rows, int(shown.matching.rows.table.sample_key[place]))
            rows = browse.read_rows(project, shown.matching.rows, np.array([place]))
            if not rows:
                return None
            shown.tokens = payload.tokens(rows[0], losses, mask_rule=_mask_rule(shown.matching))
        except LobassError as error:
            shown.tokens = payload.no_tokens(message.tokens, f"{error.what}. {error.do}".strip())
    return shown.tokens


def _full(project: Project, shown: View, message: Message | None) -> dict | None:
    place = None if message is None or message.full is None else _row_place(shown.matching, message.full)
    if place is None:
        return None
    rows = browse.read_rows(project, shown.matching.rows, np.array([place]))
    if not rows:
        return None
    return payload.row(rows[0], mask_rule=_mask_rule(shown.matching), whole=True, **_measures(shown.matching))


class _Measures(TypedDict):
    measures: dict[str, Measure]
    ranked_by: Measure


def _measures(matching: MatchingRows) -> _Measures:
    """The measures of these rows by the names that they have in files, and the one that ranks them."""
    measures = {one.column: one for one in measures_of(matching.rows.table).values()}
    return {"measures": payload.BY_COLUMN | measures, "ranked_by": matching.rows.measure or payload.LEARNABILITY}


def _row_place(matching: MatchingRows, row_key: int) -> int | None:
    """Where a row stands in the row table."""
    keys = matching.rows.table.row_key
    place = int(np.searchsorted(keys, row_key))
    return place if place < len(keys) and keys[place] == row_key else None
