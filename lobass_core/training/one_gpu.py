"""Keep a training to one GPU: Trainer spreads itself over every one it sees, and each would get a batch of its own."""

import os

import torch

VISIBLE = "CUDA_VISIBLE_DEVICES"


def one_gpu(name: str) -> str:
    """Hide all GPUs but the named one from this process, and give the name that the device has from then on.

    "auto" and "cuda" mean the first. It must come before anything else uses CUDA. Names of other devices, of GPUs that
    are not there, and of the only one are given back as they are.
    """
    kind, _, number = name.partition(":")
    n_gpus = torch.cuda.device_count()
    index = int(number) if number.isdigit() else 0
    if kind not in ("auto", "cuda") or n_gpus < 2 or index >= n_gpus:
        return name
    visible = [entry.strip() for entry in os.environ.get(VISIBLE, "").split(",") if entry.strip()]
    os.environ[VISIBLE] = visible[index] if visible else str(index)
    return "cuda"
