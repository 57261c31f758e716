"""Learnability towards a target: rows like the target's rank high, whatever the pool holds besides."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lobass_core.errors import InputFileError, RequestError
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.learnability.measure_values import values_of
from lobass_core.project import Project
from lobass_core.specs import ImportSpec, ModelSpec, NamedReference, RenderSpec, TrainReferenceSpec
from lobass_core.store.scorings import find_scoring
from lobass_core.workflows import explore, score, train_reference
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.next_step import next_step
from lobass_core.workflows.references import score_spec
from lobass_core.workflows.status import status
from tests.filled_project import Row, fill
from tests.models import tiny_llama
from tests.worker.runs import work

WORDS = ("red", "blue", "green", "white", "black", "brown")


def sums(start: int, n: int) -> list[dict]:
    return [
        {"question": f"Add {i} to {i + 7}.", "answer": f"{i} + {i + 7} = {2 * i + 7}"} for i in range(start, start + n)
    ]


def colours(start: int, n: int) -> list[dict]:
    return [
        {"question": f"Paint house {i}.", "answer": f"We paint it {WORDS[i % 6]} and {WORDS[(i // 6) % 6]} today."}
        for i in range(start, start + n)
    ]


def write(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def pool(project: Project, tmp_path: Path, monkeypatch) -> Project:
    """40 sums and 40 sentences about colours; runs are worked on in this process."""
    for name, rows in (("sums", sums(0, 40)), ("colours", colours(0, 40))):
        import_file(project, ImportSpec(str(write(tmp_path / f"{name}.jsonl", rows)), domain=name, name=name))
    monkeypatch.setattr(train_reference, "launch", work)
    monkeypatch.setattr(score, "launch", work)
    return project


def spec(base: Path, name: str, **settings) -> TrainReferenceSpec:
    return TrainReferenceSpec(ModelSpec(str(base)), name, device="cpu", render=RenderSpec("plain"), **settings)


@pytest.mark.slow
def test_twenty_rows_of_one_domain_find_the_rest_of_it(pool: Project, tmp_path: Path):
    base = tiny_llama(tmp_path / "base")
    target = write(tmp_path / "target.jsonl", sums(100, 20))
    with target.open("a", encoding="utf-8") as file:
        file.write("not a record\n")
    trained = train_reference.train_reference(
        pool, spec(base, "towards-sums", target=str(target), epochs=6, batch_tokens=256)
    )
    assert trained.n_samples == 20
    assert trained.warnings == ("1 row of target could not be read and took no part in the training.",)
    train_reference.train_reference(pool, spec(base, "ref", epochs=2, batch_tokens=512))
    (listed,) = [one for one in train_reference.list_references(pool) if one.target]
    assert (listed.name, listed.target) == ("towards-sums", str(target))
    score.score(pool, score_spec(pool, base=str(base), reference="ref", target="towards-sums", device="cpu"))
    table = explore.score_table(pool)
    assert list(table.losses) == ["base", "reference", "reference@target"]
    wanted = table.domain_code == table.domains.index("sums")
    towards, plain = values_of(table, "target-learnability"), values_of(table, "learnability")
    assert auc(towards[wanted], towards[~wanted]) > 0.9
    # Learnability from the pool as a whole knows nothing of the target.
    assert auc(plain[wanted], plain[~wanted]) < auc(towards[wanted], towards[~wanted])


def auc(high, low) -> float:
    """How often a value of the first is above one of the second, ties as half."""
    return float(((high[:, None] > low).mean() + (high[:, None] >= low).mean()) / 2)


def test_a_target_may_be_a_dataset(pool: Project, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(train_reference, "launch", lambda _: None)
    run = train_reference.start(pool, spec(tmp_path, "towards-sums", target="sums"))
    assert [(one.name, one.n_rows) for one in run.spec.data] == [("sums", 40)]
    assert _n_input(run) == 40


def _n_input(run: RunFolder) -> int:
    return pq.read_metadata(run.input_path).num_rows


def test_what_is_no_target_is_refused(pool: Project, tmp_path: Path):
    with pytest.raises(RequestError, match="'poems' is neither a dataset nor a file") as caught:
        train_reference.start(pool, spec(tmp_path, "t", target="poems"))
    assert "sums, colours" in caught.value.do
    with pytest.raises(RequestError, match="on a target or on datasets"):
        spec(tmp_path, "t", target="sums", datasets=("colours",))
    with pytest.raises(InputFileError):
        train_reference.start(pool, spec(tmp_path, "t", target=str(write(tmp_path / "empty.jsonl", []))))


def test_new_rows_are_scored_with_the_target_too(project: Project):
    fill(project, [Row("one", "two"), Row("three", "four", base=None)])
    with project.store() as store:
        scoring = find_scoring(store.cursor())
    others = (NamedReference("reference@target", (ModelSpec("org/towards it"),), "it"),)
    scoring = replace(scoring, spec=replace(scoring.spec, others=others))
    step = next_step(project, scoring, status(project).domains, None, None, ())
    assert step.command.endswith("--base org/tiny --reference org/tuned --target 'org/towards it'")
