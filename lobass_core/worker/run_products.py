"""Which library multiplies a run's matrices: settled once, kept in the run folder, taken again by a resume."""

from dataclasses import dataclass

import torch

from lobass_core.jobs.documents import read_json, replace_text, to_document, to_json
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.scoring.products import Library, fastest_library, has_onednn

PRODUCTS = "products.json"


@dataclass(frozen=True, slots=True)
class RunProducts:
    """The run's library, and the ones that an earlier part of it was computed by."""

    library: Library
    earlier: tuple[Library, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of a run that two libraries computed."""
        if not self.earlier:
            return ()
        return (
            "This run started with oneDNN matrix products, but the torch that resumed it has no oneDNN, so the rest "
            "was computed with MKL. Both are equally precise, but the last digits differ from those of an "
            "uninterrupted run.",
        )


def settle_products(run: RunFolder, device: torch.device, dtype: torch.dtype) -> RunProducts:
    """The library that the run began with, or the fastest for a run that begins.

    Raises:
        RunError: products.json of the run cannot be read.
    """
    path = run.path / PRODUCTS
    try:
        settled = to_document(read_json(path), RunProducts, path)
    except FileNotFoundError:
        settled = RunProducts(fastest_library(device, dtype))
    else:
        if settled.library != "onednn" or has_onednn():
            return settled
        settled = RunProducts("mkl", ("onednn",))
    replace_text(path, to_json(settled, indent=1))
    return settled
