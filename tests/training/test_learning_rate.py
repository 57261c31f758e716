"""The default rate falls with the size of the model and knows the method."""

import pytest

from lobass_core.training.learning_rate import default_learning_rate


@pytest.mark.parametrize(
    ("method", "n_parameters", "rate"),
    [
        ("full", 70_000_000_000, 2e-5),
        ("full", 7_000_000_000, 2e-5),
        ("full", 1_000_000_000, 5.3e-5),
        ("full", 125_000_000, 1.5e-4),
        ("full", 1_000_000, 1.7e-3),
        ("full", 264_128, 3e-3),
        ("lora", 7_000_000_000, 2e-4),
        ("lora", 1_000_000_000, 5.3e-4),
        ("lora", 264_128, 1e-2),
    ],
)
def test_default_learning_rate(method, n_parameters, rate):
    assert default_learning_rate(method, n_parameters) == pytest.approx(rate, rel=1e-9)
