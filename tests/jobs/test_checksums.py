"""A file that is not what was written is never read as if it were."""

import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lobass_core.errors import RunError
from lobass_core.jobs import checksums
from lobass_core.jobs.checksums import check_file, checksum_path, is_good, require_good, write_checked
from lobass_core.jobs.run_files import read_parquet, write_batches, write_parquet
from lobass_core.jobs.run_folder import RunFolder
from tests.run_specs import A_SCORING


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "score", A_SCORING)


def test_the_checksum_is_one_that_sha256sum_reads(run: RunFolder) -> None:
    run.write_shard("base-00000", pa.table({"n": [1]}))
    done = subprocess.run(
        ["sha256sum", "-c", "base-00000.parquet.sha256"],
        cwd=run.shards_dir,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "base-00000.parquet: OK\n")


def test_batches_get_the_checksum_of_the_whole_file(run: RunFolder) -> None:
    table = pa.table({"n": range(5000)})
    assert write_batches(run.input_path, table.to_batches(max_chunksize=1000), table.schema) == 5000
    assert check_file(run.input_path).verdict == "good"
    assert read_parquet(run.input_path).equals(table)
    assert sorted(path.name for path in run.path.iterdir() if path.suffix == ".tmp") == []


@pytest.mark.parametrize("place", [0.0, 0.3, 0.7, 1.0])
def test_one_flipped_bit_is_found(run: RunFolder, place: float) -> None:
    path = run.write_shard("a", pa.table({"n": np.arange(1000)}))
    flip_bit(path, int(place * (path.stat().st_size * 8 - 1)))
    (checked,) = run.verify()
    assert (checked.verdict, checked.reason) == ("damaged", "its content does not match its checksum")
    with pytest.raises(RunError, match=r"a\.parquet of run r-0001 is damaged: its content does not match its checksum"):
        read_parquet(path)


def test_a_file_that_changes_after_it_was_good_is_looked_at_again(run: RunFolder) -> None:
    path = run.write_shard("a", pa.table({"n": [1]}))
    assert is_good(path)
    flip_bit(path, 100)
    assert not is_good(path)
    write_parquet(path, pa.table({"n": [2]}))
    assert read_parquet(path)["n"].to_pylist() == [2]


@pytest.mark.parametrize(
    "text", [b"", b"\xff\xfe", b"0" * 63 + b"  a.parquet\n", b"0" * 64, b"g" * 64 + b"  a.parquet"]
)
def test_a_damaged_checksum_file_trusts_nothing(run: RunFolder, text: bytes) -> None:
    path = run.write_shard("a", pa.table({"n": [1]}))
    checksum_path(path).write_bytes(text)
    assert (check_file(path).verdict, check_file(path).reason) == ("damaged", "its checksum file cannot be read")


def test_a_checksum_that_is_a_folder_trusts_nothing(run: RunFolder) -> None:
    path = run.write_shard("a", pa.table({"n": [1]}))
    checksum_path(path).unlink()
    checksum_path(path).mkdir()
    assert check_file(path).verdict == "damaged"


def test_a_file_without_a_checksum_is_unchecked_unless_the_store_recorded_one(run: RunFolder) -> None:
    path = run.write_shard("a", pa.table({"n": [1]}))
    good = check_file(path).sha256
    checksum_path(path).unlink()
    assert [checked.verdict for checked in run.verify()] == ["unchecked"]
    assert [checked.verdict for checked in run.verify({"a": good})] == ["good"]
    assert [checked.verdict for checked in run.verify({"a": "0" * 64})] == ["damaged"]
    require_good(path)


def test_a_kill_between_checksum_and_file_leaves_no_file_that_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.parquet"
    write_checked(path, b"the first")
    killed = RuntimeError("killed")

    def kill(unfinished: Path, target: Path) -> None:
        if target == path:
            raise killed
        replace(unfinished, target)

    replace = Path.replace
    monkeypatch.setattr(Path, "replace", kill)
    with pytest.raises(RuntimeError, match="killed"):
        write_checked(path, b"the second")
    assert (path.read_bytes(), checksums.check_file(path).verdict) == (b"the first", "damaged")


def test_verify_looks_at_every_table_of_a_run(run: RunFolder) -> None:
    paths = [
        run.input_path, run.known_path, run.folds_path, run.path / "tokens" / "00000.parquet",
        run.shards_dir / "a.parquet",
    ]  # fmt: skip
    for path in paths:
        write_parquet(path, pa.table({"n": [1]}))
    assert [checked.path for checked in run.verify()] == sorted(paths)
    for path in paths:
        flip_bit(path, 200)
    assert [checked.verdict for checked in run.verify()] == ["damaged"] * 5


def flip_bit(path: Path, number: int) -> None:
    data = bytearray(path.read_bytes())
    data[number // 8] ^= 1 << number % 8
    path.write_bytes(data)
