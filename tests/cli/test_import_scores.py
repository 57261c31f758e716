"""lobass import-scores and score-columns."""

from lobass_core.store.connection import release
from tests.scored_files import write_jsonl
from tests.unscored_columns import unscored_project


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


def test_a_dataset_that_was_never_scored_is_pointed_to_a_column(lobass, selected, tmp_path):
    new = write_jsonl(tmp_path / "new.jsonl", [{"instruction": f"Q {n}", "output": f"A {n}"} for n in range(3)])
    assert lobass("import", new, "--domain", "math", "-p", selected.root).exit_code == 0
    rows = [{"dataset": "new", "row": n, "quality": n} for n in range(3)]
    file = write_jsonl(tmp_path / "q.jsonl", rows)
    assert lobass("import-scores", file, "--name", "quality", "--key", "row", "-p", selected.root).exit_code == 0
    line = ("select", "--datasets", "new", "--budget-samples", "2", "-p", selected.root)
    assert "3 rows are not scored. Run lobass score, or give a score column with --method." in lobass(*line).err
    by_column = lobass(*line, "--method", "quality", "--json")
    assert (by_column.json["n_kept"], by_column.json["domains"][-1]["threshold"]) == (2, 1.0)


def test_options_that_exclude_each_other(lobass, selected, tmp_path):
    line = ("import-scores", tmp_path / "q.jsonl", "--name", "q", "-p", selected.root)
    for options, said in (
        (("--replace", "--add"), "--replace and --add cannot be combined"),
        (("--higher-is", "nicer"), "unknown --higher-is 'nicer'"),
    ):
        ran = lobass(*line, *options)
        assert (ran.exit_code, said in ran.err) == (2, True)


def test_a_project_without_a_model_from_import_to_export(lobass, tmp_path):
    project = unscored_project(tmp_path)
    root = ("-p", project.root)
    status = lobass("status", *root)
    shown = [" ".join(line.split()) for line in status.out.splitlines()]
    assert "with quality 36" in shown
    assert "quality 36 better points quality.jsonl" in shown
    ran = lobass("select", "--ratio", "0.25", "--name", "best", *root)
    assert ran.exit_code == 0
    assert "response tokens  not counted: no row is scored" in ran.out
    done = lobass("select", "--method", "random", "--ratio", "0.25", "--name", "chance", "--json", *root).json
    assert (done["n_kept"], done["response_tokens_kept"]) == (10, None)
    for options, said in (
        (("--method", "learnability", "--ratio", "0.1"), "learnability needs losses, and nothing is scored"),
        (("--budget-tokens", "100"), "a budget of response tokens needs their number"),
    ):
        ran = lobass("select", *options, *root)
        assert (ran.exit_code, said in ran.err) == (2, True)
    head, first, *_ = lobass("browse", "--in-selection", "best", *root).out.splitlines()
    assert head.split()[:3] == ["rank", "quality", "domain"]
    assert first.split()[:3] == ["1", "19", "chat"]
    assert lobass("scores", "--to", tmp_path / "s.csv", *root).exit_code == 0
    assert (tmp_path / "s.csv").read_text().splitlines()[1].endswith(',"not_scored","not_scored",0')
    assert lobass("compare", "best", "chance", "--json", *root).json["composition"][0]["quality"] == 15.5
    ran = lobass("export", "--selection", "best", "--to", tmp_path / "out", "--format", "trl", *root)
    assert ran.exit_code == 0
    release(project.store_path)
