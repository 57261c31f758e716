"""The model in memory: the one asked for last, and the base that its adapters share."""

import torch

from lobass_core.scoring.adapters import replaces_base_weights
from lobass_core.scoring.models import LoadedModel, load_model, with_adapter
from lobass_core.scoring.products import Library, compute_by
from lobass_core.worker.preparation import ModelTask


class ModelCache:
    """Loads models one after another; an adapter goes onto the base's weights if those are there."""

    def __init__(self, dtype: str, device: torch.device, library: Library) -> None:
        self.dtype, self.device, self.library = dtype, device, library
        self._base: LoadedModel | None = None
        self._base_weights = ""

    def take(self, task: ModelTask) -> LoadedModel:
        """The model of that task, ready to score.

        Raises:
            ModelError: it cannot be loaded.
        """
        base = self._base if self._base_weights == task.fingerprint.weights else None
        if base and task.fingerprint.adapter and not replaces_base_weights(task.files):
            return self._computing(with_adapter(base, task.files, task.label))
        self._base = None
        loaded = self._computing(load_model(task.spec, self.dtype, self.device, task.files))
        if not task.fingerprint.adapter:
            self._base, self._base_weights = loaded, task.fingerprint.weights
        return loaded

    def _computing(self, loaded: LoadedModel) -> LoadedModel:
        compute_by(loaded.model, self.library)
        return loaded
