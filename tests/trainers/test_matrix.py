"""The rows that each trainer really keeps, in an environment of its own, are those that the preflight promised."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lobass_core.workflows import export_check
from tests.trainers.cells import Cell, compare
from tests.trainers.environments import ENVIRONMENTS, FOLDER, Environment
from tests.trainers.exports import FORMATS, Exported, exports_of, matrix_tokenizer, write_model
from tests.trainers.shapes import SHAPES
from tests.worker.runs import work

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(1500)]

CELLS = FOLDER / "cells"
SCRIPTS = Path(__file__).parent
# A few steps of training with what was read, where the trainer trains on a CPU.
TRAINED = ("plain", "pairs")
# LLaMA-Factory has templates of its own, and learns the line break after an answer with the answer.
OWN_TEMPLATES = ("llama-factory", "alpaca", "sharegpt")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def exports(tmp_path_factory, model) -> Iterator[list[Exported]]:
    """Every shape in every format, each compared with the tokens that were scored before it took its place."""
    folder = tmp_path_factory.mktemp("exports")
    found: list[Exported] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_check, "launch", work)
        for number, shape in enumerate(SHAPES):
            with exports_of(shape, model / "bare", folder / f"{number}") as exported:
                found += exported
    yield found


@pytest.fixture(scope="module", params=ENVIRONMENTS, ids=str)
def environment(request) -> Environment:
    if not (FOLDER / request.param.trainer / ".installed").is_file():
        pytest.skip("`make trainers` installs the trainers")
    return request.param


@pytest.fixture(scope="module")
def kept(environment, exports, model, tmp_path_factory) -> dict[tuple[str, str], Path]:
    """(shape, format) -> the file with the rows that the trainer kept, or with its error."""
    folder = tmp_path_factory.mktemp(str(environment))
    jobs, found = [], {}
    for number, one in enumerate(one for one in exports if one.format in FORMATS[environment.trainer]):
        to = folder / f"{number}.parquet"
        found[one.shape, one.format] = to
        jobs.append(_job(one, environment, model, folder / f"work-{number}", to))
    (folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    script = SCRIPTS / f"{environment.trainer.replace('-', '_')}_rows.py"
    environ = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "home"), "TOKENIZERS_PARALLELISM": "false"}
    environ["PYTHONPATH"] = str(environment.beside_folder or "")
    with (folder / "log").open("w") as log:
        command = [str(environment.python), str(script), str(folder / "jobs.json")]
        done = subprocess.run(command, env=environ, cwd=folder, stdout=log, stderr=log, timeout=1200, check=False)
    assert done.returncode == 0, (folder / "log").read_text()[-3000:]
    return found


def _job(one: Exported, environment: Environment, model: Path, work: Path, to: Path) -> dict:
    return {
        "format": one.format,
        "kind": one.kind,
        "folder": str(one.folder),
        "file": one.file,
        "builder": "parquet" if one.file.endswith(".parquet") else "json",
        "cutoff": one.cutoff,
        # The export brings the template to TRL and Axolotl; LLaMA-Factory makes its own of the model's.
        "model": str(model / ("chat" if environment.trainer == "llama-factory" else "bare")),
        "steps": one.shape in TRAINED,
        "work": str(work),
        "to": str(to),
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_kept_are_rows_promised(environment, exports, kept, shape):
    tokenizer = matrix_tokenizer()
    breaks = frozenset(token for token in range(len(tokenizer)) if tokenizer.decode([token]).isspace())
    found = [one for one in exports if one.shape == shape and (shape, one.format) in kept]
    assert found
    for one in found:
        path = kept[shape, one.format]
        error = path.with_suffix(".error")
        assert not error.exists(), f"{one.format}: {error.read_text()[-3000:]}"
        rows = pq.read_table(path).to_pylist()
        cell = _cell(environment, one, rows, breaks)
        _record(cell)
        assert 0 <= cell.n_kept - cell.n_promised <= cell.n_unknown, cell
        if one.format in OWN_TEMPLATES:
            _answers_are_learnt(one, rows, tokenizer)
            continue
        if one.without_template:
            continue
        assert cell.n_same_tokens == cell.n_kept - cell.n_otherwise_said, cell
        # TRL without train.py learns all that follows the prompt, the line break after the answer too.
        says_more = any("it also trains on" in note for note in one.notes)
        assert says_more or cell.n_as_scored == cell.n_same_tokens, cell


def _cell(environment: Environment, one: Exported, rows: list[dict], breaks: frozenset[int]) -> Cell:
    said = [int(match.group(1).replace(",", "")) for note in one.notes if (match := _OTHERWISE.match(note))]
    n_same, n_as_scored, n_and_break = compare(one, rows, breaks)
    return Cell(
        trainer=environment.trainer,
        datasets=environment.datasets,
        shape=one.shape,
        format=one.format,
        n_selected=one.n_selected,
        n_written=one.n_written,
        n_promised=one.n_promised,
        n_unknown=one.n_unknown,
        n_kept=len(rows),
        n_same_tokens=n_same,
        n_as_scored=n_as_scored,
        n_and_break=n_and_break,
        n_otherwise_said=sum(said),
    )


_OTHERWISE = re.compile(r"\w+.* renders ([\d,]+) rows? differently")


def _record(cell: Cell) -> None:
    """For the table in docs/exports.md."""
    CELLS.mkdir(parents=True, exist_ok=True)
    name = f"{cell.trainer}-{cell.datasets}-{cell.shape}-{cell.format}.json".replace(" ", "-")
    (CELLS / name).write_text(json.dumps(asdict(cell)), encoding="utf-8")


def _answers_are_learnt(one: Exported, rows: list[dict], tokenizer) -> None:
    """Every text that was scored of a row is among what is learnt of it: nothing is lost beside a tool call."""
    if "long" in one.shape:
        return  # cut, as the preflight says
    learnt = [_learnt(row["labels"], tokenizer) for row in rows]
    for row in one.kept:
        wanted = _texts(_learnt(row.labels, tokenizer))
        assert any(all(text in made for text in wanted) for made in learnt), (one.format, wanted)


def _learnt(labels: list[int], tokenizer) -> str:
    return tokenizer.decode([token for token in labels if token != -100])


def _texts(scored: str) -> list[str]:
    """The texts and the arguments of the answers, without what a template puts around them."""
    pieces = [piece for answer in scored.split("<|im_end|>") for piece in answer.split('\n{"name": "')]
    marked = '"arguments": '
    return [piece.split(marked)[-1].removesuffix("}") if marked in piece else piece for piece in pieces]
