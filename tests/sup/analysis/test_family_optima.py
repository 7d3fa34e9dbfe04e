"""The optimum of two features in one dimension, along the parameters of families."""

import math

import pytest
import torch

from sup.analysis.optimum import optimum, population_loss
from sup.config.activations import ACTIVATIONS
from sup.config.options import part_of
from sup.model.activations import ReLU, Sigmoid
from sup.model.families.smooth import UnitTanh
from sup.model.families.straight import HardSigmoid, JumpReLU, LeakyReLU
from sup.model.population import Population

DENSITY = torch.tensor([[0.1, 0.1], [0.6, 0.6]], dtype=torch.float64)
IMPORTANCE = torch.tensor([[1.0, 0.9], [1.0, 0.5]], dtype=torch.float64)


def best(activation) -> torch.Tensor:
    return optimum(activation, 1, DENSITY, IMPORTANCE).loss


def test_ends_of_a_leak_are_relu_and_linear():
    v = DENSITY[:, 0] / 3 - DENSITY[:, 0] ** 2 / 4
    assert torch.allclose(best(LeakyReLU(1.0)), v * IMPORTANCE[:, 1], rtol=1e-6)
    assert torch.allclose(best(LeakyReLU(0.0)), best(ReLU()), rtol=1e-9)
    assert torch.allclose(best(JumpReLU(0.0)), best(ReLU()), rtol=1e-9)


def test_a_leak_costs_the_more_the_larger_it_is():
    losses = torch.stack([best(LeakyReLU(slope)) for slope in (0.0, 0.2, 0.5, 1.0)])
    assert (losses.diff(dim=0) > -1e-12).all()
    assert (losses.diff(dim=0)[:, 0] > 1e-4).all()


def test_stretching_a_sigmoid_helps_it():
    assert (best(Sigmoid(0.1)) < best(Sigmoid()) - 1e-5).all()
    assert (best(Sigmoid(1.0)) < best(Sigmoid(0.1)) - 1e-5).any()


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_none_is_better_nearby(name: str):
    activation = part_of("activation", name).make()
    found = optimum(activation, 1, DENSITY, IMPORTANCE)
    assert found.W.shape == (2, 1, 2)
    noise = torch.randn(64, 2, 4, generator=torch.Generator().manual_seed(0)).double()
    noise *= torch.logspace(-4, 0, 64)[:, None, None]
    W = (found.W + noise[..., None, :2]).flatten(0, 1)
    b = (found.b + noise[..., 2:]).flatten(0, 1)
    around = (DENSITY.repeat(64, 1), IMPORTANCE.repeat(64, 1))
    loss = population_loss(activation, W, b, *around).view(64, 2)
    assert (loss >= found.loss * (1 - 1e-8)).all()


def test_a_sigmoid_of_twice_the_input_has_the_same_optimum():
    assert torch.allclose(best(UnitTanh()), best(Sigmoid()), rtol=1e-7)


@pytest.mark.parametrize("activation", [JumpReLU(0.3), HardSigmoid()])
def test_loss_is_exact_across_kinks_that_are_not_at_0(activation):
    W = torch.tensor([[[1.1, -0.9]]], dtype=torch.float64)
    b = torch.tensor([[0.05, -0.02]], dtype=torch.float64)
    density, importance = torch.ones(1, 2).double(), torch.ones(1, 2).double()
    population = Population.of(activation, 2)
    loss, _, by_b = population.loss_and_gradient(W, b, density, importance)
    at = (torch.arange(500).double() + 0.5) / 500
    x = torch.cartesian_prod(at, at).T[None]
    y = activation(W.mT @ (W @ x) + b[..., None])
    assert loss.item() == pytest.approx((y - x).square().mean(-1).sum().item(), rel=2e-3)
    moved = [population_loss(activation, W, b + h, density, importance) for h in (1e-4, -1e-4)]
    slope = ((moved[0] - moved[1]) / 2e-4).item()
    assert by_b.sum().item() == pytest.approx(slope, rel=1e-5)
    assert not math.isclose(slope, 0)
