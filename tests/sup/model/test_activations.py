"""The seven activations against their definitions, and the independence of instances."""

import math

import pytest
import torch

from sup.config.options import part_of
from sup.model.activations import SoLU, StackedActivation, Tanh

DEFINITIONS = {
    "linear": lambda z: z,
    "relu": lambda z: max(z, 0),
    "gelu": lambda z: z * (1 + math.erf(z / math.sqrt(2))) / 2,
    "silu": lambda z: z / (1 + math.exp(-z)),
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
}


def configured(name: str):
    return part_of("activation", name).make()


@pytest.mark.parametrize("name", DEFINITIONS)
def test_elementwise_definitions(name: str):
    z = torch.linspace(-4, 4, 33, dtype=torch.float64).reshape(1, 33, 1)
    expected = [DEFINITIONS[name](value) for value in z.flatten().tolist()]
    assert configured(name)(z).flatten().tolist() == pytest.approx(expected, abs=1e-12)


def test_solu_is_a_softmax_over_the_features_of_one_sample_of_one_instance():
    z = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for k in range(3):
        for sample in range(5):
            column = z[k, :, sample]
            weights = column.exp() / column.exp().sum()
            assert torch.allclose(configured("solu")(z)[k, :, sample], column * weights)


def test_a_stack_gives_each_instance_its_own_activation():
    z = torch.randn(5, 4, 6, generator=torch.Generator().manual_seed(1))
    solu, tanh = SoLU(), Tanh()
    stacked = StackedActivation([(solu, 2), (tanh, 3)])(z)
    assert torch.equal(stacked, torch.cat([solu(z[:2]), tanh(z[2:])]))
