"""A measure that is one entry of the table is found by every command, and in every file of scores."""

import json

import pyarrow.parquet as pq
import pytest

from lobass_core.learnability.measures import BUILT_IN, PROMPT_TOKENS, RESPONSE_TOKENS, Measure

NAME, COLUMN = "answer-share", "answer_share"


@pytest.fixture(autouse=True)
def added(monkeypatch):
    """The share of a row's tokens that are its response."""
    measure = Measure(
        name=NAME,
        label="answer share",
        unit="",
        formula="n_response_tokens / (n_response_tokens + n_prompt_tokens)",
        source="a test",
        higher_is_better=True,
        needs=(RESPONSE_TOKENS, PROMPT_TOKENS),
        compute=lambda rows: rows[RESPONSE_TOKENS] / (rows[RESPONSE_TOKENS] + rows[PROMPT_TOKENS]),
    )
    monkeypatch.setitem(BUILT_IN, NAME, measure)


def test_commands_and_files_have_it(lobass, selected, tmp_path):
    at = ("--project", selected.root)
    # Ten response tokens after prompts of five letters, "Ask 0" to "Ask 5".
    share = 10 / 15
    taken = lobass("select", *at, "--method", NAME, "--ratio", "0.5", "--name", "by-share", "--json")
    assert taken.exit_code == 0, taken
    assert (taken.json["spec"]["method"], taken.json["domains"][0]["threshold"]) == (NAME, pytest.approx(share))
    banded = lobass("select", *at, "--ratio", "1", f"--band={NAME}:0.9..", "--json").json
    assert (banded["n_kept"], banded["left_out"]) == (0, {"outside a band": 6})

    listed = lobass("browse", *at, "--sort", f"{NAME}-asc", f"--range={NAME}:0.6..0.7", "--json").json
    assert [row[COLUMN] for row in listed["rows"]] == [pytest.approx(share)] * 6

    assert lobass("scores", *at, "--to", tmp_path / "scores.parquet").exit_code == 0
    assert pq.read_table(tmp_path / "scores.parquet")[COLUMN].to_pylist() == [pytest.approx(share)] * 6
    for format, file in (("huggingface", "scores/train.parquet"), ("parquet", "train.parquet")):
        to = tmp_path / format
        assert lobass("export", *at, "--selection", "by-share", "--to", to, "--format", format).exit_code == 0
        assert pq.read_table(to / file)[COLUMN].to_pylist() == [pytest.approx(share)] * 3
        manifest = json.loads((to / "manifest.json").read_text())
        assert (manifest["formula"]["method"], manifest["formula"]["text"]) == (NAME, BUILT_IN[NAME].formula)
        replayed = lobass("export", "--replay", to / "manifest.json", *at, "--to", tmp_path / f"again-{format}")
        assert replayed.exit_code == 0, replayed

    both = lobass("compare", *at, "all", "by-share", "--json").json
    assert [side[COLUMN] for side in both["composition"]] == [pytest.approx(share)] * 2
