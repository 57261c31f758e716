"""What the Browse page does, from the command line."""

import math
from pathlib import Path

import pytest

from lobass_core.project import Project
from lobass_core.store.connection import release
from tests.copied_project import copied
from tests.filled_project import Filled, Row, fill

ROWS = [
    Row("Name a fish", "Cod", base=3.0, reference=0.3),
    Row("What is 2 + 2 ?", "It is 4 .", base=2.0, reference=1.0),
    Row("Say \x1b[31mhello", "Hello there", domain="chat", base=1.0, reference=1.5),
]
GARBAGE = Row("Sag etwas", "Unlesbar ist das", domain="chat", base=23.0, reference=1.0)


@pytest.fixture(scope="module")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    return fill(Project.create(tmp_path_factory.mktemp("filled") / "project"), ROWS)


@pytest.fixture
def filled(filled_once: Filled, tmp_path: Path) -> Filled:
    project = copied(filled_once.project, tmp_path)
    release(project.store_path)
    return Filled(project, filled_once.sample_ids)


def browse(lobass, filled: Filled, *words) -> list[int]:
    ran = lobass("browse", "--project", filled.project.root, "--json", *words)
    assert ran.exit_code == 0, ran
    return [row["row_index"] for row in ran.json["rows"]]


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ((), [0, 1, 2]),
        (("--domain", "chat"), [2]),
        (("--score=..0.5",), [1, 2]),
        (("--text", "FISH"), [0]),
        (("--text", "FISH", "--match-case"), []),
        (("--flag", "negative"), [2]),
        (("--sort", "imported-desc"), [2, 1, 0]),
        (("--limit", "1", "--page", "2"), [1]),
        (("--where", "score=0.5..1&sort=score-asc"), [1, 0]),
        (("--where", "http://127.0.0.1:8501/browse?domain=math&page=7&row=3"), [0, 1]),
        (("--where", "http://127.0.0.1:8501/browse?domain=math&datasets=first&token=x"), [0, 1]),
    ],
)
def test_browse_finds_what_the_page_finds(lobass, filled: Filled, words: tuple, rows: list[int]):
    assert browse(lobass, filled, *words) == rows


def test_browse_holds_selections_against_each_other(lobass, filled: Filled):
    for name, method in (("best", "learnability"), ("-hard, base", "base-loss"), ("long", "length")):
        words = ("--budget-samples", "2", "--balance", "global", "--method", method, f"--name={name}")
        assert lobass("select", "--project", filled.project.root, *words).exit_code == 0
    assert browse(lobass, filled, "--in-selection", "best") == [0, 1]
    assert browse(lobass, filled, "--in-selection", "long") == [1, 2]
    assert browse(lobass, filled, "--in-selection", "best", "--in-selection", "long") == [1]
    assert browse(lobass, filled, "--in-selection", "best", "--not-in-selection", "long") == [0]
    assert browse(lobass, filled, "--in-selection=-hard, base", "--not-in-selection", "long") == [0]
    assert browse(lobass, filled, "--not-in-selection", "best") == [2]
    assert browse(lobass, filled, "--where", "selection=best&selection=long") == [1]
    assert browse(lobass, filled, "--where", "selection=long&without=best") == [2]


def test_browse_prints_rows_for_people_and_lets_no_sample_drive_the_terminal(lobass, filled: Filled):
    ran = lobass("browse", "--project", filled.project.root)
    assert "Name a fish" in ran.out
    assert "\x1b[31m" not in ran.out
    assert "\\x1b[31mhello" in ran.out
    assert "3 of 3 rows" in ran.err


def test_the_measure_that_rows_are_sorted_by_is_shown(lobass, filled: Filled):
    ran = lobass(
        "browse", "--project", filled.project.root, "--sort", "loss-drop", "--range", "loss-drop-sum:-9..",
        "--range", "length:1..",
    )  # fmt: skip
    header, *lines = ran.out.splitlines()
    assert header.split()[:7] == ["rank", "score", "base", "reference", "bits/byte", "loss-drop", "loss-drop-sum"]
    assert header.split()[7:9] == ["domain", "tokens"]
    # Base less reference, highest first; "1.14 → 0.57" stands in between where bytes were counted.
    drops = [line.split(" math " if " math " in line else " chat ")[0].split()[-2] for line in lines]
    assert drops == ["2.7", "1", "-0.5"]


def test_token_losses_of_one_sample(lobass, filled: Filled):
    ran = lobass("browse", "--project", filled.project.root, "--token-losses", filled.sample_ids[1][:8], "--json")
    assert ran.json["response"] == [False] * 6 + [True] * 4
    assert ran.json["base"][6:] == pytest.approx([1.6, 1.8666667, 2.1333333, 2.4])


def test_decide_by_id_and_by_filter_and_undo(lobass, filled: Filled):
    root = filled.project.root
    assert lobass("decide", "keep", filled.sample_ids[0], "--project", root, "--reason", "good").exit_code == 0
    ran = lobass("decide", "drop", "--where", "domain=math", "--yes", "--project", root, "--json")
    assert ran.json == {"act": "drop", "n_samples": 2}
    assert browse(lobass, filled, "--decision", "drop") == [0, 1]
    assert lobass("decide", "--undo", "--project", root, "--json").json["n_undone"] == 2
    assert browse(lobass, filled, "--decision", "keep") == [0]
    assert [one["reason"] for one in lobass("decide", "--log", "--project", root, "--json").json] == ["", "", "good"]


@pytest.mark.parametrize(
    ("reason", "said"), [((), "Undid 1 decision: drop"), (("--reason", "wrong"), "Undid 1 decision: drop reason wrong")]
)
def test_an_undo_says_what_it_undid(lobass, filled: Filled, reason: tuple, said: str):
    root = ("--project", filled.project.root)
    lobass("decide", "drop", filled.sample_ids[0][:8], *reason, *root)
    assert " ".join(lobass("decide", "--undo", *root).out.split()) == said


def test_tags_and_notes(lobass, filled: Filled):
    root = filled.project.root
    assert lobass("decide", "tag", filled.sample_ids[1], "--text", "sum", "--project", root).exit_code == 0
    assert lobass("decide", "note", filled.sample_ids[1], "--text", "check", "--project", root).exit_code == 0
    assert browse(lobass, filled, "--tag", "sum") == [1]
    assert lobass("decide", "untag", filled.sample_ids[1], "--text", "sum", "--project", root).exit_code == 0
    assert browse(lobass, filled, "--tag", "sum") == []


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("decide", "burn", "ffffff"), "unknown action 'burn'"),
        (("decide", "keep"), "either by id or by --where"),
        (("decide", "keep", "ffffffffff"), "matches no sample"),
        (("decide", "keep", "--where", "domain=math", "ffffffffff"), "either by id or by --where"),
        (("decide", "keep", "--where", "q=no+such+text", "--yes"), "no row matches"),
        # Each of these would otherwise decide on every row of the project.
        (("decide", "drop", "--where", "domian=math", "--yes"), "there is no condition 'domian'"),
        (("decide", "drop", "--where", "math", "--yes"), "there is no condition 'math'"),
        (("decide", "drop", "--where", "domain=", "--yes"), "the condition 'domain' has no value"),
        (("decide", "drop", "--where", "http://127.0.0.1:8501/browse", "--yes"), "there is no condition"),
        (("browse", "--where", "http://127.0.0.1:8501/browse?run=r-0009&domain=math"), "scores of run r-0009"),
        (("browse", "--where", "http://127.0.0.1:8501/browse?datasets=nowhere"), "there is no dataset nowhere"),
        (("decide", "tag", "--where", "domain=math", "--yes"), "not a valid tag"),
        (("decide", "--undo"), "nothing to undo"),
        (("browse", "--score", "high"), "not a range"),
        (("browse", "--domain", "poetry"), "no domain poetry"),
        (("browse", "--in-selection", "none"), "no selection"),
        (("browse", "--not-in-selection", "none"), "no selection"),
        (("browse", "--where", "domain=math", "--text", "x"), "cannot be combined"),
        (("browse", "--saved", "x", "--domain", "math"), "cannot be combined"),
        (("browse", "--saved", "none"), "no saved filter 'none'"),
        (("browse", "--cut", "0.5"), "nothing uses the cut"),
        (("browse", "--review", "near_cut"), "Add a cut, --cut or cut= in the address: 0.3 for every"),
        (("browse", "--review", "near_cut", "--cut", "0.5", "--cut-of", "x"), "cannot be combined"),
        (("browse", "--review", "near_cut", "--cut-of", "none"), "no selection"),
        (("filters", "--delete", "none"), "no saved filter 'none'"),
        (("filters", "--rename", "none"), "--rename NAME --to NAME"),
        (("browse", "--token-losses", "ffffffffff"), "matches no sample"),
    ],
)
def test_wrong_words_get_one_message(lobass, filled: Filled, words: tuple, part: str):
    ran = lobass(*words, "--project", filled.project.root)
    assert ran.exit_code in (1, 2)
    assert part in ran.err, ran.err
    assert ran.out == ""


def test_a_loss_in_bits_a_byte(lobass, filled: Filled):
    ran = lobass("browse", "--project", filled.project.root, "--json", "--text", "fish")
    (row,) = ran.json["rows"]
    # One token of 3.0 nats over the three bytes of "Cod".
    assert row["base_bits_per_byte"] == pytest.approx(1 / math.log(2))
    assert row["reference_bits_per_byte"] == pytest.approx(0.1 / math.log(2))
    shown = lobass("browse", "--project", filled.project.root, "--text", "fish")
    assert "1.44 → 0.14" in shown.out


def test_rows_worse_than_chance_are_found_and_left_out_of_selections(lobass, project: Project):
    fill(project, [*ROWS, GARBAGE], trained_on=[row.prompt for row in ROWS])
    release(project.store_path)
    here = ("--project", project.root)
    assert browse(lobass, Filled(project), "--flag", "worse_than_chance") == [3]
    assert browse(lobass, Filled(project), "--flag", "unseen_by_reference") == [3]
    everything = ("--ratio", "1", "--balance", "global")
    left = lobass("select", *here, *everything)
    assert left.out.startswith("Selected 3 rows")
    assert "1 row is excluded: scores are not meaningful where the base is worse than chance." in " ".join(
        left.err.split()
    )
    assert lobass("select", *here, *everything, "--json").json["left_out"] == {"base worse than chance": 1}
    kept = lobass("select", *here, *everything, "--keep-worse-than-chance", "--json").json
    assert (kept["n_kept"], kept["left_out"], kept["spec"]["gates"]["exclude_worse_than_chance"]) == (4, {}, False)
    # Length and chance read no loss, so nothing is an artefact unless asked.
    by_length = lobass("select", *here, *everything, "--method", "length", "--json").json
    assert by_length["n_kept"] == 4
    asked = lobass("select", *here, *everything, "--method", "length", "--exclude-worse-than-chance", "--json").json
    assert asked["n_kept"] == 3


def test_saved_filters_are_used_listed_renamed_and_deleted(lobass, filled: Filled):
    root = filled.project.root
    assert browse(lobass, filled, "--domain", "math", "--score=..0.6", "--save", "easy maths") == [1]
    assert browse(lobass, filled, "--saved", "easy maths") == [1]
    listed = lobass("filters", "--project", root, "--json").json
    assert [(one["name"], one["query"]) for one in listed] == [("easy maths", "domain=math&score=..0.6")]
    assert lobass("filters", "--rename", "easy maths", "--to", "e", "--project", root, "--json").json[0]["name"] == "e"
    assert browse(lobass, filled, "--domain", "chat", "--save", "e", "--replace") == [2]
    assert browse(lobass, filled, "--saved", "e") == [2]
    assert lobass("filters", "--delete", "e", "--project", root, "--json").json == []


def test_the_review_queue_by_a_cut_or_by_a_selection(lobass, filled: Filled):
    assert browse(lobass, filled, "--review", "negative") == [2]
    # Learnability 0.9, 0.5 and -0.5: nearest to the cut first.
    assert browse(lobass, filled, "--review", "near_cut", "--cut", "math:0.6", "--sort", "cut") == [1, 0]
    words = ("--budget-samples", "1", "--balance", "global", "--name", "best")
    assert lobass("select", "--project", filled.project.root, *words).exit_code == 0
    assert browse(lobass, filled, "--review", "all", "--cut-of", "best", "--sort", "cut") == [0, 1, 2]


def test_a_row_dropped_after_its_selection_was_saved_is_named(lobass, filled: Filled, tmp_path):
    root = filled.project.root
    best = ("select", "--project", root, "--budget-samples", 2, "--balance", "global", "--name", "best")
    assert lobass(*best).exit_code == 0
    dropped = lobass("browse", "--project", root, "--in-selection", "best", "--limit", 1, "--json").json["rows"][0]
    assert lobass("decide", "drop", dropped["sample_id"], "--project", root).exit_code == 0
    said = (
        "1 of the 2 rows of 'best' was dropped by hand after it was saved, and is still in it. To leave it out, save "
        "the selection again: lobass select with the same settings and --replace."
    )
    for words in (("selections",), ("export", "--selection", "best", "--to", tmp_path / "out", "--dry-run")):
        assert said in " ".join(lobass(*words, "--project", root).err.split())
    assert lobass(*best, "--replace").exit_code == 0
    assert "dropped by hand" not in lobass("selections", "--project", root).err
