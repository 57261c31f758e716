"""What the list marks of a search, against what the store finds: the same places for every letter of Unicode."""

import duckdb
import pyarrow as pa
import pytest

from lobass_core.project import Project
from lobass_core.store.browse import first_hits
from lobass_core.workflows import browse
from lobass_core.workflows.browse_filter import BrowseFilter
from pages.components.sample_list import payload
from tests.filled_project import Row, fill
from tests.pages.list_scripts import run

FIND = ("text.js", "find.js")


def asked(text: str, scope: str = "any", *, match_case: bool = False) -> dict:
    return {"text": text, "scope": scope, "match_case": match_case}


def hits(text: str, search: dict) -> object:
    return run("return hitsIn(given[0], finderOf(given[1]))", *FIND, given=[text, search])


def test_every_letter_is_lowered_as_the_store_lowers_it() -> None:
    letters = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code <= 0xDFFF]
    with duckdb.connect() as connection:
        connection.register("letters", pa.table({"letter": letters}))
        changed = connection.execute(
            "SELECT letter, lower(letter) FROM letters WHERE lower(letter) <> letter"
        ).fetchall()
    assert len(changed) > 1_000
    wrong = run(
        """
        const lowered = new Map(given)
        const wrong = []
        for (let code = 1; code < 0x110000; code++) {
          if (code >= 0xd800 && code <= 0xdfff) continue
          const letter = String.fromCodePoint(code)
          if (foldCase(letter) !== (lowered.get(letter) ?? letter)) wrong.push(code.toString(16))
        }
        return wrong
        """,
        *FIND,
        given=changed,
    )
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "search", "places"),
    [
        ("Fish, fishes, FISH", asked("fish"), [[0, 4], [6, 10], [14, 18]]),
        ("Fish, fishes, FISH", asked("fish", match_case=True), [[6, 10]]),
        # The end of a word makes no other sigma, and a dotted capital I stays one letter.
        ("ΟΔΟΣ οδοσ", asked("οδοσ"), [[0, 4], [5, 9]]),
        ("İstanbul", asked("istanbul"), [[0, 8]]),
        ("straße STRASSE", asked("strasse"), [[7, 14]]),
        ("😀a😀A", asked("😀a"), [[0, 3], [3, 6]]),
        ("aaa", asked("aa"), [[0, 2]]),
        ("50% (sic)", asked("% ("), [[2, 5]]),
    ],
)
def test_hits_are_where_the_store_finds_them(text: str, search: dict, places: list) -> None:
    assert hits(text, search) == places
    with duckdb.connect() as connection:
        [first] = first_hits(connection, [text], search["text"], search["match_case"])
    # The store counts letters, the browser UTF-16 units.
    assert len(text[:first].encode("utf-16-le")) // 2 == places[0][0]


def test_a_rejected_answer_and_other_roles_are_not_marked() -> None:
    roles = ("system", "user", "tool", "assistant")
    turns = [{"role": role, "rejected": False} for role in roles] + [{"role": "assistant", "rejected": True}]
    body = "return given[0].map((turn) => isSearched(turn, finderOf(given[1])))"
    marked = {
        scope: run(body, *FIND, given=[turns, asked("x", scope)]) for scope in ("any", "user", "assistant", "system")
    }
    assert marked == {
        "any": [True, True, True, True, False],
        "user": [False, True, True, False, False],
        "assistant": [False, False, False, True, False],
        "system": [True, False, False, False, False],
    }


def test_the_snippet_has_its_first_hit_in_the_middle() -> None:
    text = "a" * 100 + " before\n\nNEEDLE after " + "z" * 900
    found = run("return snippet(given[0], finderOf(given[1]), 46)", *FIND, given=[text, asked("needle")])
    assert found == {"before": f"…{'a' * 12} before ", "hit": "NEEDLE", "after": f" after {'z' * 393}"}
    assert run("return snippet(given[0], finderOf(given[1]), 46)", *FIND, given=["none", asked("needle")]) is None


def test_wide_letters_take_the_room_of_two() -> None:
    found = run(
        "return snippet(given[0], finderOf(given[1]), 44)", *FIND, given=["漢" * 50 + "x" + "字" * 9, asked("x")]
    )
    assert found == {"before": "…" + "漢" * 10, "hit": "x", "after": "字" * 9}


def test_a_hit_beyond_what_is_sent_comes_as_an_excerpt(tmp_path) -> None:
    project = Project.create(tmp_path / "p")
    long = "İ" * 7_000 + "Needle" + "y" * 3_000
    fill(project, [Row(long, "needle", base=2.0), Row("short needle", "none", base=1.0)])
    found = browse.find(project, BrowseFilter(text="nEEdle"))
    rows = browse.read_page(project, found)
    texts = [text for row in rows for text in payload.long_texts(row)]
    assert texts == [long, "needle"]
    hits = dict(zip(texts, browse.first_hits(project, texts, found.filter), strict=True))
    assert hits == {long: 7_000, "needle": 0}
    turns = {turn["content"]: turn for row in rows for turn in payload.row(row, mask_rule="all", hits=hits)["turns"]}
    assert turns[long[: payload.LONGEST_TURN]]["excerpt"] == "İ" * 300 + "Needle" + "y" * 494
    assert [turn["excerpt"] for text, turn in turns.items() if text in ("needle", "short needle", "none")] == [""] * 3
    assert payload.row(rows[0], mask_rule="all", whole=True, hits=hits)["turns"][0]["excerpt"] == ""
