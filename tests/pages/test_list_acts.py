"""Acts of the Browse list as the browser makes them: on one row, on a range, undone, repeated, and kept in a queue."""

import pytest

from tests.pages.list_scripts import run

ACTS = ("text.js", "history.js", "list.js", "held.js", "walk.js", "outbox.js", "acts.js")
# Three pages of two rows, of which the browser holds the first two; row 3 is a copy of row 0.
APP = """
globalThis.window = { location: { pathname: "/browse" }, addEventListener() {} }
const stored = {}
globalThis.sessionStorage = {
  setItem(key, value) { stored[key] = value },
  removeItem(key) { delete stored[key] },
  getItem: (key) => stored[key] ?? null,
}
const told = []
const said = []
const makeRow = (n, sample) => ({
  key: 100 + n, sample_key: sample, verdict: "undecided", reason: "", tags: [], history: [],
})
const app = {
  held: new Held(), range: new RowRange(), place: 0, settings: { moveOn: true }, nDecided: 0, data: { tags: [] },
  get row() { return this.held.rowAt(this.place) },
  say: (words) => said.push(words), repaintVerdicts() {}, repaintRows() {}, paintRange() {},
  showForm(kind) { this.form = kind },
  whenHere: (act) => act(), goTo(place) { this.place = Math.min(place, this.held.n - 1) },
  stepPast(place) { this.range.clear(); this.goTo(place + 1) },
}
app.held.open("v", 6, 2)
app.held.put(1, [makeRow(0, 0), makeRow(1, 1)], 1)
app.held.put(2, [makeRow(2, 2), makeRow(3, 0)], 1)
const outbox = new Outbox({ tell: () => told.push(outbox.acts.length), hasAnswer: () => true, onChange() {} })
outbox.open("p")
const acts = new Acts(app, outbox)
const verdicts = () => app.held.between(0, 5).map((row) => row.verdict[0])
const sent = () => outbox.acts.map(({ id, ...act }) => act)
"""


def play(body: str) -> object:
    return run(APP + body, *ACTS)


def test_keep_and_drop_go_on_and_copies_share_the_decision() -> None:
    assert play(
        """
        acts.decide("keep"); acts.decide("drop"); acts.decide("undecided")
        return { sent: sent(), verdicts: verdicts(), place: app.place, decided: app.nDecided, told }
        """
    ) == {
        "sent": [
            {"kind": "keep", "text": "", "key": 0},
            {"kind": "drop", "text": "", "key": 1},
            {"kind": "undecided", "text": "", "key": 2},
        ],
        "verdicts": ["k", "d", "u", "k"],
        "place": 2,
        "decided": 3,
        "told": [1, 2, 3],
    }


def test_without_the_setting_the_row_stays() -> None:
    assert play("app.settings.moveOn = false; acts.decide('keep'); return app.place") == 0


def test_a_range_that_is_held_is_one_act_on_its_samples() -> None:
    assert play(
        """
        app.range.set(2, 1); app.place = 1
        acts.decide("drop")
        return { sent: sent(), verdicts: verdicts(), place: app.place, said, size: app.range.size }
        """
    ) == {
        "sent": [{"kind": "drop", "text": "", "keys": [1, 2]}],
        "verdicts": ["u", "d", "d", "u"],
        "place": 3,
        "said": ["2 rows dropped"],
        "size": 0,
    }


def test_a_range_beyond_what_is_held_is_one_act_on_its_places() -> None:
    assert play(
        """
        app.range.set(1, 5); app.place = 1
        acts.decide("keep")
        // A page that was on its way shows the act, too; one of another list does not.
        const late = makeRow(4, 4)
        const other = makeRow(4, 4)
        acts.applyPending(late, 4)
        app.held.view = "w"
        acts.applyPending(other, 4)
        return { sent: sent(), late: late.verdict, other: other.verdict, place: app.place }
        """
    ) == {
        "sent": [{"kind": "keep", "text": "", "view": "v", "first": 1, "last": 5}],
        "late": "keep",
        "other": "undecided",
        "place": 5,
    }


def test_undo_leads_back_and_brings_back_what_stood() -> None:
    assert play(
        """
        acts.decide("keep", "first")
        app.range.set(0, 2); app.place = 2
        acts.decide("drop")
        acts.undo()
        const { reason } = app.held.rowAt(0)
        const named = outbox.acts.at(-1).text === outbox.acts[1].id
        return { verdicts: verdicts(), reason, place: app.place, named, decided: app.nDecided }
        """
    ) == {"verdicts": ["k", "u", "u", "k"], "reason": "first", "place": 0, "named": True, "decided": 2}


def test_repeat_does_the_last_decision_or_tag_again() -> None:
    assert play(
        """
        acts.repeat()
        acts.decide("drop", "boring")
        acts.repeat()
        acts.tag("odd")
        app.place = 3
        acts.repeat()
        return { said: said[0], sent: sent(), tags: app.held.between(0, 5).map((row) => row.tags.length) }
        """
    ) == {
        "said": "nothing to repeat yet",
        "sent": [
            {"kind": "drop", "text": "boring", "key": 0},
            {"kind": "drop", "text": "boring", "key": 1},
            {"kind": "tag", "text": "odd", "key": 2},
            {"kind": "tag", "text": "odd", "key": 0},
        ],
        "tags": [1, 0, 1, 1],
    }


def test_a_reason_goes_to_the_decision_just_made() -> None:
    assert play(
        """
        acts.openReason()
        acts.decide("keep")
        acts.openReason()
        const at = app.place
        acts.giveReason("clear")
        return { said: said[0], at, comeBackTo: app.comeBackTo, form: app.form, sent: sent() }
        """
    ) == {
        "said": "keep or drop first",
        "at": 0,
        "comeBackTo": 1,
        "form": "reason",
        "sent": [{"kind": "keep", "text": "", "key": 0}, {"kind": "keep", "text": "clear", "key": 0}],
    }


def test_what_is_refused_is_taken_back_and_what_is_not_acknowledged_stays() -> None:
    assert play(
        """
        acts.decide("keep"); acts.decide("drop")
        const [first, second] = outbox.acts.map((act) => act.id)
        acts.acknowledge({ acked: [], failed: [[first, "gone"]], changed: {} })
        const kept = JSON.parse(stored["lobass.unsaved.p"]).length
        const waiting = { verdicts: verdicts(), left: outbox.acts.length, stored: kept }
        acts.acknowledge({ acked: [second], failed: [], changed: {} })
        return { waiting, left: outbox.acts.length, stored: Object.keys(stored).length, said: said.at(-1) }
        """
    ) == {
        "waiting": {"verdicts": ["u", "d", "u", "u"], "left": 1, "stored": 1},
        "left": 0,
        "stored": 0,
        "said": "not saved: gone",
    }


@pytest.mark.parametrize(("row_to_show", "form"), [(101, "note"), (100, None)])
def test_a_note_that_is_being_written_stays_when_the_list_is_found_anew(row_to_show: int, form: str | None) -> None:
    body = """
    Object.defineProperty(app, "page", { get() { return this.held.pageOf(this.place) } })
    Object.assign(app, {
      place: 1, form: "note", draft: { kind: "note", key: 1, text: "half a sen" }, comeBackTo: null, later: [],
      paintList() {}, show() {},
    })
    App.prototype.openList.call(app, { project: "p", view: "w", n: 6, page_rows: 2, page: 1, row: given })
    app.held.put(1, [makeRow(0, 0), makeRow(1, 1)], 1)
    App.prototype.arrive.call(app)
    return { form: app.form, text: app.draft.text }
    """
    scripts = (*ACTS, "find.js", "remembered.js", "keys.js", "paint.js", "app.js")
    assert run(APP + body, *scripts, given=row_to_show) == {"form": form, "text": "half a sen"}


@pytest.mark.parametrize(
    ("held", "page", "lacks"), [([1], 1, True), ([1, 2], 1, False), ([2], 2, True), ([1, 2, 3], 2, False)]
)
def test_neighbours_are_fetched_before_anybody_turns_to_them(held: list[int], page: int, lacks: bool) -> None:
    body = """
    const held = new Held()
    held.open("v", 6, 2)
    for (const page of given[0]) held.put(page, [], given[1])
    return held.lacks(given[1])
    """
    assert run(body, "held.js", given=[held, page]) is lacks


def test_the_furthest_page_is_let_go() -> None:
    body = """
    const held = new Held()
    held.open("v", 2000, 50)
    for (let page = 1; page <= 14; page++) held.put(page, [], 14)
    return [...held.pages.keys()]
    """
    assert run(body, "held.js") == list(range(3, 15))


def test_every_key_is_in_the_help_once() -> None:
    names = run("return KEYS.flatMap((key) => key.names)", "keys.js")
    assert isinstance(names, list)
    assert len(names) == len(set(names))
    assert {"k", "d", "u", ".", "/", "a", "q", "s", "z", "Shift+ArrowDown", "Shift+ArrowUp", "?"} <= set(names)
    assert run("return KEYS.filter((key) => !key.shown || !key.words).length", "keys.js") == 0


def test_a_page_that_comes_after_a_decision_shows_the_decision() -> None:
    body = """
    app.acts = acts
    app.page = 1
    acts.decide("keep")
    // The server read both pages before it heard of the decision; row 3 is a copy of row 0.
    App.prototype.hold.call(app, 1, [makeRow(0, 0), makeRow(1, 1)])
    App.prototype.hold.call(app, 2, [makeRow(2, 2), makeRow(3, 0)])
    return verdicts()
    """
    assert run(APP + body, *ACTS, "keys.js", "paint.js", "app.js") == ["k", "u", "u", "k"]
