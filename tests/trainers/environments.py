"""The environments that trainers run in, a folder each under .trainers: `python -m tests.trainers.environments`.

Torch is installed once and shared: each environment finds it through a .pth file. What another version of `datasets`
needs lies in a folder that goes before the environment's own packages.
"""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".trainers"
TORCH = "torch>=2.11,<2.14"
# What the data path of the trainer imports, of all that its package asks for (CUDA kernels, dashboards, clouds).
PACKAGES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # trainer: (with their dependencies, without them)
    "trl": (("trl==1.16.0", "datasets==5.2.0", "transformers>=5.23,<5.25"), ()),
    "axolotl": (
        (
            "transformers==5.16.1",
            "accelerate==1.13.0",
            "datasets==4.8.4",
            "peft==0.20.0",
            "huggingface_hub==1.17.0",
            "tokenizers==0.23.1",
            "pydantic==2.12.5",
            "pillow",
        ),
        (
            "axolotl==0.19.0",
            "trl==1.9.0",
            "addict",
            "colorama",
            "distro",
            "llvmlite",
            "numba",
            "posthog==6.7.11",
            "six",
            "backoff",
            "termcolor",
        ),
    ),
    "llama-factory": (
        ("transformers==5.6.0", "datasets==4.0.0", "peft==0.18.1", "accelerate==1.11.0", "pydantic"),
        ("llamafactory==0.9.5", "trl==0.24.0", "omegaconf"),
    ),
}
NAMES = {"trl": "TRL 1.16", "axolotl": "Axolotl 0.19", "llama-factory": "LLaMA-Factory 0.9.5"}


@dataclass(frozen=True, slots=True)
class Environment:
    """A trainer with one version of `datasets`: the one among its packages, or one `beside` them with what it needs."""

    trainer: str
    datasets: str
    beside: tuple[str, ...] = ()

    @property
    def python(self) -> Path:
        return FOLDER / self.trainer / "bin" / "python"

    @property
    def beside_folder(self) -> Path | None:
        return FOLDER / f"{self.trainer}-datasets-{self.datasets}" if self.beside else None

    def __str__(self) -> str:
        return f"{self.trainer}-datasets-{self.datasets}"


# The oldest and the newest `datasets` that each allows. Axolotl 0.19 asks for one version exactly.
ENVIRONMENTS = (
    Environment(
        "trl",
        "4.7.0",
        (
            "datasets==4.7.0",
            "fsspec==2026.2.0",
            "dill==0.4.0",
            "multiprocess==0.70.18",
            "huggingface_hub==1.33.0",
            "httpx",
            "httpcore",
            "certifi",
            "requests",
            "urllib3",
            "charset-normalizer",
        ),
    ),
    Environment("trl", "5.2.0"),
    Environment("axolotl", "4.8.4"),
    Environment(
        "llama-factory",
        "2.16.0",
        (
            "datasets==2.16.0",
            "fsspec==2023.10.0",
            "dill==0.3.7",
            "multiprocess==0.70.15",
            "huggingface_hub==0.36.0",
            "transformers==4.57.6",
            "pyarrow==20.0.0",
            "pyarrow-hotfix",
            "numpy==1.26.4",
            "pandas==2.3.3",
            "pytz",
        ),
    ),
    Environment("llama-factory", "4.0.0"),
)


def install() -> None:
    """Make every environment that is not there as it is described here."""
    torch = FOLDER / "torch"
    _once(torch, (TORCH,), lambda: _target(torch, (TORCH,)))
    for trainer, (whole, alone) in PACKAGES.items():
        folder = FOLDER / trainer
        _once(folder, (TORCH, *whole, "--no-deps", *alone), lambda: _environment(folder, torch, whole, alone))  # noqa: B023
    for one in ENVIRONMENTS:
        if one.beside_folder:
            beside = one.beside_folder
            _once(beside, one.beside, lambda: _target(beside, one.beside))  # noqa: B023


def _once(folder: Path, packages: tuple[str, ...], make) -> None:
    """Make the folder, unless its stamp says that it holds these packages."""
    stamp, wanted = folder / ".installed", hashlib.sha256("\n".join(packages).encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"installing {folder.name} ...", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make()
    stamp.write_text(wanted)


def _environment(folder: Path, torch: Path, whole: tuple[str, ...], alone: tuple[str, ...]) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    (site_packages,) = (folder / "lib").glob("python*/site-packages")
    (site_packages / "torch.pth").write_text(f"{torch}\n")
    python = folder / "bin" / "python"
    _pip(python, *whole)
    if alone:
        _pip(python, "--no-deps", *alone)


def _target(folder: Path, packages: tuple[str, ...]) -> None:
    _pip(Path(sys.executable), "--no-deps", "--target", str(folder), "--upgrade", *packages)


def _pip(python: Path, *arguments: str) -> None:
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *arguments], check=True)


if __name__ == "__main__":
    install()
