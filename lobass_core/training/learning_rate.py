"""A learning rate by method and model size, for whoever names none."""

import math

from lobass_core.specs import TrainMethod

# Customary for a model of 7 billion parameters: Stanford Alpaca's 2e-5, and 2e-4 for LoRA.
_LARGE = 7e9
_AT_LARGE: dict[TrainMethod, float] = {"full": 2e-5, "lora": 2e-4}
_HIGHEST: dict[TrainMethod, float] = {"full": 3e-3, "lora": 1e-2}


def default_learning_rate(method: TrainMethod, n_parameters: int) -> float:
    """Peak learning rate for a model of `n_parameters`, rounded to two digits.

    The rate grows as the square root of how much smaller the model is: 7B 2e-5, 1B 5.3e-5, 125M 1.5e-4, 1M 1.7e-3 for
    full training, ten times that for LoRA, and never above 3e-3 or 1e-2. Models above 7B get 7B's rate.
    """
    factor = math.sqrt(max(1.0, _LARGE / n_parameters))
    return float(f"{min(_HIGHEST[method], _AT_LARGE[method] * factor):.1e}")
