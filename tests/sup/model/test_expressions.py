"""Expressions: arithmetic that a kernel is compiled from, and nothing else."""

from typing import Any

import pytest
import torch

import sup
from sup.model.activations import GELU, Linear, ReLU, Sigmoid, SiLU, Tanh
from sup.model.expressions import expressions_of
from sup.training.native.source import CPP, activation_source


class Stretched(torch.nn.Module):
    expressions = (
        "(1 + 2 * epsilon) * sigmoid(z) - epsilon",
        "(1 + 2 * epsilon) * sigmoid(z) * (1 - sigmoid(z))",
    )

    def __init__(self, epsilon):
        super().__init__()
        self.epsilon = epsilon

    def forward(self, z):
        return (1 + 2 * self.epsilon) * torch.sigmoid(z) - self.epsilon


class Written(Stretched):
    """One whose expressions are given."""

    def __init__(self, value, slope="1"):
        super().__init__(0.5)
        self.expressions = (value, slope)


@pytest.mark.parametrize(
    "activation",
    [Linear(), ReLU(), GELU(), GELU(approximate="tanh"), SiLU(), Sigmoid(), Tanh(), Stretched(0.1)],
)
def test_those_that_are_brought_are_value_and_slope(activation):
    z = torch.linspace(-8, 8, 999, dtype=torch.float64).view(1, 1, -1).requires_grad_()
    expected = activation(z)
    (by_z,) = torch.autograd.grad(expected.sum(), z)
    expressions = expressions_of(activation)
    assert expressions is not None
    y, slope = expressions(z.detach())
    assert torch.allclose(y, expected, rtol=1e-12, atol=1e-12)
    assert torch.allclose(slope, by_z, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "z.real",
        "z[0]",
        "z ** 2",
        "exp(z, z)",
        "exp(z=z)",
        "[z]",
        "'z'",
        "True",
        "z if z else 1",
        "0 < z < 1",
        "z; z",
        "(lambda: z)()",
        "z > 0",
        "(z > 0) * z",
        "-(z > 0)",
        "where(z, z, 0)",
        "where(z > 0 & z, z, 0)",
        "where((z > 0) < 1, z, 0)",
        "max(z > 0, 0)",
        "1e999 * z",
    ],
)
def test_nothing_else_may_be_in_one(text: str):
    with pytest.raises(ValueError, match="expression"):
        activation_source(Written(text))


def test_what_the_activation_does_not_have_is_named():
    with pytest.raises(ValueError, match="'slope', which the activation does not have"):
        expressions_of(Written("z * slope"))


def test_a_quotient_of_whole_numbers_is_no_whole_number():
    expressions = expressions_of(Written("1 / 2 * z"))
    assert expressions is not None
    assert expressions(torch.ones(1))[0] == 0.5
    assert expressions.written(CPP)[0] == "((Lanes(1.0) / Lanes(2.0)) * z)"


@pytest.mark.parametrize(
    ("value", "slope"), [("sigmoid(z)", "y * (1 - y)"), ("2 * sigmoid(z) - 0.5", "1")]
)
def test_wrong_ones_are_refused_before_anything_is_trained(value: str, slope: str):
    with pytest.raises(sup.SettingError, match="that are not its output and its slope"):
        sup.train(activation=Written(value, slope), steps=100)


def test_a_number_for_each_feature_is_not_taken_for_one_of_each_instance():
    gain = torch.tensor([0.5, 1.0, 2.0]).view(1, 3, 1)

    class Gained(torch.nn.Module):
        expressions = ("gain * z", "gain")

        def __init__(self):
            super().__init__()
            self.register_buffer("gain", gain)

        def forward(self, z):
            return self.gain * z

    shared: Any = {"seed": [0, 1, 2], "n_features": 3, "n_hidden": 2, "steps": 150}
    native = sup.train(activation=Gained(), engine="native", **shared)
    torchs = sup.train(activation=Gained(), engine="eager", **shared)
    assert abs(native["W"] - torchs["W"]).max() < 2e-5


def test_own_ones_are_trained_by_a_kernel_as_by_torch():
    shared: Any = {"activation_epsilon": [0, 0.25], "sparsity": [0, 0.9], "steps": 150}
    native = sup.train(activation=Stretched, engine="native", **shared)
    torchs = sup.train(activation=Stretched, engine="eager", **shared)
    assert abs(native["W"] - torchs["W"]).max() < 2e-5
    assert abs(native["W"][0] - native["W"][1]).max() > 0.01
    alone = sup.train(activation=Stretched, activation_epsilon=0.25, sparsity=0.9, steps=150)
    assert (alone["W"].values == native["W"].values[1, 1]).all()
