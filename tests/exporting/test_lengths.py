"""Lengths of rows that were cut when they were scored: known where the kept tokens tell, else said to be unknown."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.exporting.lengths import Lengths
from lobass_core.jobs.token_files import KeptLengths, TokenFiles

RENDER = "rend0000rend0000"


def _kept(n_prompt: int, n_response: int, limit: int) -> tuple[dict, int]:
    """A row as scoring keeps it (a token a letter and a BOS), and how many tokens it lost."""
    text = "^" + "p" * (n_prompt - 1) + "r" * n_response
    n = len(text)
    if n <= limit:
        kept = list(range(n))
    elif n_prompt < limit:
        kept = list(range(limit))
    else:
        end = min(n_prompt + limit // 2, n)
        kept = [0, *range(end - (limit - 1), end)]
    row = {
        "sample_id": f"{n_prompt}-{n_response}",
        "render_fp": RENDER,
        "text": text,
        "token_ids": [ord(text[place]) for place in kept],
        "token_starts": kept,
        "token_ends": [place + 1 for place in kept],
        "response_mask": [place >= n_prompt for place in kept],
    }
    return row, n - len(kept)


@pytest.mark.parametrize(
    ("n_prompt", "n_response", "total", "first", "at_least"),
    [
        (5, 3, 8, 5, 5),  # fits
        (5, 40, 45, 5, 5),  # the end of the answer is gone
        (30, 4, 34, 30, 30),  # the prompt lost its start, the answer is whole
        (30, 60, 90, -1, 16),  # the prompt lost its start and the answer its end: how much of each is not known
        (15, 60, 75, 15, 15),  # one token of the answer is left
    ],
)
def test_what_the_kept_tokens_tell(tmp_path, n_prompt, n_response, total, first, at_least):
    row, n_dropped = _kept(n_prompt, n_response, limit=16)
    folder = tmp_path / "r-0001" / "tokens"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([row]), folder / "00000.parquet")
    files = TokenFiles(tmp_path, RENDER, [row["sample_id"]])
    cut = {row["sample_id"]} if n_dropped else set()
    found = Lengths.measured(files.lengths([row["sample_id"]], cut), np.array([n_dropped]), np.array([1]), 16)
    assert (found.total[0], found.first[0], found.first_at_least[0]) == (total, first, at_least)
    assert found.kept_total[0] == len(row["token_ids"])


def test_an_answer_that_was_cut_off_begins_after_what_was_kept():
    kept = KeptLengths(*(np.array([value]) for value in (16, 3, 3, 6, 1)), lost_start=np.array([False]))
    for n_answers, last, at_least in ((1, 3, 3), (2, -1, 16)):
        found = Lengths.measured(kept, np.array([40]), np.array([n_answers]), 16)
        assert (found.first[0], found.last[0], found.last_at_least[0]) == (3, last, at_least)


def test_answers_are_found_by_the_mask(tmp_path):
    mask = [False, False, True, True, False, True, False]
    folder = tmp_path / "r-0001" / "tokens"
    folder.mkdir(parents=True)
    row = {"sample_id": "a", "render_fp": RENDER, "token_ids": [1] * 7, "response_mask": mask}
    pq.write_table(pa.Table.from_pylist([row, row | {"sample_id": "b", "render_fp": "other"}]), folder / "0.parquet")
    files = TokenFiles(tmp_path, RENDER, ["a", "b", "c"])
    found = files.lengths(["c", "a", "b"])
    assert found.n_tokens.tolist() == [-1, 7, -1]
    assert (found.first[1], found.last_answer[1], found.end[1]) == (2, 5, 6)
    assert [kept and kept.response_mask for kept in files.read(["b", "a"])] == [None, mask]
