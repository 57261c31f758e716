"""lobass import-scores and score-columns."""

from tests.scored_files import write_jsonl


def test_scores_come_in_are_listed_and_go(lobass, selected, tmp_path):
    rows = [{"row": 0, "quality": 1}, {"row": 0, "quality": 2}, {"row": 9, "quality": 3}]
    file = write_jsonl(tmp_path / "q.jsonl", rows)
    line = ("import-scores", file, "--name", "quality", "--key", "row", "--unit", "points", "-p", selected.root)
    planned = lobass(*line, "--dry-run")
    assert "Would import quality from q.jsonl" in planned.out
    assert lobass("score-columns", "-p", selected.root, "--json").json == []
    done = lobass(*line, "--higher-is", "worse")
    assert done.exit_code == 0
    shown = [" ".join(line.split()) for line in done.out.splitlines()]
    assert {
        "Imported quality from q.jsonl", "values from the column quality", "rows named by row", "lines 3",
        "lines that match 1", "lines that name no row of the project 1",
        "lines that name a row that an earlier line names 1", "rows with a value 1", "rows without a value 5",
        "3 unmatched no imported row has the chats, row 9", "2 repeated an earlier line names the chats, row 0",
    } <= set(shown)  # fmt: skip
    assert "1 repeated line has another value; the first counts." in done.err
    (column,) = lobass("score-columns", "-p", selected.root, "--json").json
    assert (column["name"], column["unit"], column["higher_is_better"], column["n_rows"]) == (
        "quality", "points", False, 1,
    )  # fmt: skip
    listed = lobass("score-columns", "-p", selected.root).out
    assert all(word in listed for word in ("quality", "points", "worse", "q.jsonl"))
    rows = lobass("browse", "--sort", "quality", "-p", selected.root).out.splitlines()
    assert rows[0].split()[4:7] == ["bits/byte", "quality", "domain"]
    assert rows[1].split()[-6:-4] == ["1", "chat"]
    assert "quality" not in lobass("browse", "--sort", "base-loss", "-p", selected.root).out.splitlines()[0]
    assert lobass("score-columns", "--remove", "quality", "-p", selected.root, "--json").json == []


def test_options_that_exclude_each_other(lobass, selected, tmp_path):
    line = ("import-scores", tmp_path / "q.jsonl", "--name", "q", "-p", selected.root)
    for options, said in (
        (("--replace", "--add"), "--replace and --add cannot be combined"),
        (("--higher-is", "nicer"), "unknown --higher-is 'nicer'"),
    ):
        ran = lobass(*line, *options)
        assert (ran.exit_code, said in ran.err) == (2, True)
