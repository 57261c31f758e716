"""The last layer reads what the head reads, in every family; layers below read everything."""

import numpy as np
import pytest
import torch

from lobass_core.scoring.engine import Engine
from lobass_core.scoring.last_layer import only_at, position_wise
from lobass_core.scoring.output_head import find_output_head
from tests.models import ARCHITECTURES, tiny_model
from tests.token_tables import loaded, random_table


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_family_with_a_fast_path_has_its_mlp_found(architecture: str):
    model = tiny_model(architecture)
    if find_output_head(model) is None:
        pytest.skip("this family takes the plain path")
    names = {id(module): name.rpartition(".")[2] for name, module in model.base_model.named_modules()}
    found = {names[id(module)] for module in position_wise(model.base_model)}
    assert found & {"mlp", "fc1"} and found & {"o_proj", "out_proj", "dense", "c_proj"}


def test_positions_that_predict_nothing_stay_out_of_the_last_mlp():
    model = tiny_model("llama")
    table = random_table([30, 20, 10], seed=2)
    seen: list[list[int]] = [[] for _ in model.model.layers]
    for place, layer in enumerate(model.model.layers):
        layer.mlp.up_proj.register_forward_hook(
            lambda _, inputs, __, place=place: seen[place].append(inputs[0].numel())
        )
    list(Engine(loaded(model), table, 512).score(np.arange(3)))
    width = model.config.hidden_size
    assert sum(seen[-1]) == int(table.n_response_tokens.sum()) * width
    assert sum(seen[0]) >= int((table.lengths - 1).sum()) * width > sum(seen[-1])


def test_afterwards_the_model_is_as_before():
    model = tiny_model("llama")
    ids = torch.arange(5, 25).unsqueeze(0)
    with torch.inference_mode():
        before = model(input_ids=ids).logits
        with only_at(model.model, torch.tensor([3, 19])):
            narrowed = model(input_ids=ids).logits
        after = model(input_ids=ids).logits
    assert torch.equal(before, after)
    assert not torch.allclose(narrowed[0, 5], before[0, 5])
    torch.testing.assert_close(narrowed[0, [3, 19]], before[0, [3, 19]])
