"""Where the models of a trained reference lie in its folder.

models/NAME/                        one reference, or all of these:
models/NAME/seed-3/                 one of several references
models/NAME/seed-3/fold-0/          one of its K fold models, beside folds.parquet
models/NAME/seed-3/fold-0/epoch-1/  the model as it was after an epoch that was not chosen, where every epoch is kept
"""

from pathlib import Path


def seed_folders(folder: Path) -> dict[int, Path]:
    """The folder of each of several references, by its seed; empty where there is one reference."""
    return {int(number): path for number, path in _numbered(folder, "seed").items()}


def fold_folders(folder: Path) -> list[Path]:
    """The folders of one reference's models: its K fold models in their order, or itself."""
    return list(_numbered(folder, "fold").values()) or [folder]


def epoch_folders(folder: Path) -> dict[float, Path]:
    """The folders of one model's epochs that were kept beside the chosen one, by epoch."""
    return _numbered(folder, "epoch")


def model_folders(folder: Path) -> list[Path]:
    """Every folder that has the chosen weights of a model of the reference."""
    references = list(seed_folders(folder).values()) or [folder]
    return [model for reference in references for model in fold_folders(reference)]


def _numbered(folder: Path, kind: str) -> dict[float, Path]:
    numbered = {}
    for path in folder.glob(f"{kind}-*"):
        try:
            numbered[float(path.name.removeprefix(f"{kind}-"))] = path
        except ValueError:
            continue
    return dict(sorted(numbered.items()))
