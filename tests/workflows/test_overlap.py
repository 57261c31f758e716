"""Rows of an evaluation file planted in a pool: verbatim ones are exact, changed ones near, paraphrases neither."""

import json

import pytest

from lobass_core.errors import InputFileError, RequestError
from lobass_core.workflows.overlap import overlap
from tests.filled_project import Row, import_rows

NAMES = ("Anna", "Bela", "Cora", "Dario", "Emil", "Fritz", "Gina", "Hana", "Igor", "Jana")
THINGS = ("apples", "books", "coins", "drums", "eggs", "flags", "gloves", "hats", "irons", "jars")


def question(n: int) -> str:
    """A word problem of its own words; 100 of them."""
    name, thing, other = NAMES[n % 10], THINGS[n // 10 % 10], THINGS[(n + 3) % 10]
    return (
        f"{name} keeps {n + 2} {thing} in a wooden chest and swaps some of them for {other} with a neighbour who lives "
        f"by the lake number {n}. After the swap {name} counts again and finds fewer {thing} than before. How many "
        f"{thing} were given away to the neighbour by {name} on that day?"
    )


@pytest.fixture
def planted(project, tmp_path):
    """Sixty rows of the project's own, ten questions of the file word for word, five changed, five in other words."""
    tested = [question(n) for n in range(100)]
    path = tmp_path / "test.jsonl"
    path.write_text("".join(json.dumps({"question": q, "answer": "None."}) + "\n" for q in tested), encoding="utf-8")
    own = [Row(f"Write {n} lines about number {n * 7}.", f"Line {n} follows {n + 1}, then {n * 2}.") for n in range(60)]
    verbatim = [Row(tested[n], f"{n} of them.") for n in range(10)]
    # The last three with answers that are longer than their questions.
    answers = [f"{n} were given." + " ".join(f"w{n}x{k}" for k in range(80)) * (n > 21) for n in range(20, 25)]
    changed = [Row(_changed(tested[n]), answers[n - 20]) for n in range(20, 25)]
    other_words = [Row(f"How many things did person {n} hand over?", "Some.") for n in range(5)]
    ids = import_rows(project, [*own, *verbatim, *changed, *other_words])
    return project, path, ids


def _changed(text: str) -> str:
    """Every twelfth word replaced, so that no thirteen stay in a row."""
    words = text.split()
    return " ".join("Zed" if place % 12 == 6 else word for place, word in enumerate(words))


def test_planted_rows_are_found_and_no_others(planted):
    project, path, ids = planted
    found = overlap(project, [str(path)])
    assert [row.sample_id for row in found.rows if row.is_exact] == ids[60:70]
    assert [row.other_row for row in found.rows if row.is_exact] == list(range(10))
    assert [row.sample_id for row in found.rows if not row.is_exact] == ids[70:75]
    assert (found.n_exact, found.n_near, found.n_samples) == (10, 5, 80)
    assert found.by_file() == [(str(path), 100, 10, 5)]
    assert overlap(project, [str(path)], near=False).n_near == 0


def test_what_cannot_be_compared_is_refused(planted, tmp_path):
    project, path, _ = planted
    with pytest.raises(RequestError, match="no dataset other"):
        overlap(project, [str(path)], datasets=("other",))
    with pytest.raises(InputFileError):
        overlap(project, [str(tmp_path / "gone.json")])
