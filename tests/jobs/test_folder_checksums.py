"""A model that was trained here is what the training saved, or named."""

import subprocess
from pathlib import Path

import pyarrow as pa
import pytest

from lobass_core.jobs.folder_checksums import SUMS, read_sums, verify_folder, write_sums
from lobass_core.jobs.run_files import write_parquet
from tests.jobs.test_checksums import flip_bit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fold-0").mkdir()
    (tmp_path / "fold-0" / "model.safetensors").write_bytes(bytes(range(200)))
    (tmp_path / "recipe.json").write_text("{}")
    write_parquet(tmp_path / "folds.parquet", pa.table({"fold": [0, 1]}))
    write_sums(tmp_path)
    return tmp_path


def verdicts(folder: Path) -> dict[str, str]:
    return {str(checked.path.relative_to(folder)): checked.verdict for checked in verify_folder(folder)}


def test_sha256sum_reads_the_list(folder: Path) -> None:
    done = subprocess.run(["sha256sum", "-c", SUMS], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "fold-0/model.safetensors: OK\nrecipe.json: OK\n")
    assert sorted(read_sums(folder)) == [folder / "fold-0" / "model.safetensors", folder / "recipe.json"]


def test_a_damaged_a_missing_and_a_new_file(folder: Path) -> None:
    assert set(verdicts(folder).values()) == {"good"}
    flip_bit(folder / "folds.parquet", 300)
    flip_bit(folder / "fold-0" / "model.safetensors", 300)
    (folder / "recipe.json").unlink()
    (folder / "notes.txt").write_text("mine")
    assert verdicts(folder) == {
        "fold-0/model.safetensors": "damaged",
        "folds.parquet": "damaged",
        "recipe.json": "damaged",
        "notes.txt": "unchecked",
    }


def test_a_table_that_an_update_of_the_store_extends_stays_good(folder: Path) -> None:
    write_parquet(folder / "folds.parquet", pa.table({"fold": [0, 1, 1]}))
    assert verdicts(folder)["folds.parquet"] == "good"


def test_a_model_from_elsewhere_is_unchecked(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    assert verdicts(tmp_path) == {"model.safetensors": "unchecked"}
