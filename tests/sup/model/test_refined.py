"""Population losses where the fine nodes are too few, and what is said of the rest."""

import pytest
import torch
from torch import nn

from sup.model import population as module
from sup.model.activations import GELU, Activation, ReLU, Sigmoid, StackedActivation, Tanh
from sup.model.autoencoder import StackedAutoencoder
from sup.model.families.mixing import NormalisedSoLU
from sup.model.families.smooth import Swish
from sup.model.families.straight import JumpReLU
from sup.model.population import Population
from sup.model.refined import refined_error
from sup.training.evaluation import Evaluation, evaluate


def some_models(n: int, norm: float, count: int = 40):
    """Return weights of columns of a norm, biases, and densities, in float64."""
    generator = torch.Generator().manual_seed(n)
    W = torch.randn(count, n - 1, n, generator=generator).double()
    b, density = (torch.rand(count, n, generator=generator).double() for _ in range(2))
    return norm * W / W.norm(dim=1, keepdim=True), b - 0.5, density


def evaluated(activation: Activation, W, b, density) -> Evaluation:
    models = StackedAutoencoder(W, StackedActivation([(activation, len(W))]))
    models.b.data.copy_(b)
    kinds = [(activation, torch.arange(len(W)))]
    return evaluate(models, density, torch.ones_like(b), lambda device, dtype: kinds)


@pytest.mark.parametrize(
    ("activation", "n", "norm", "along", "off", "most"),
    [
        (Sigmoid(), 3, 4.0, 56, 1e-8, 1e-6),
        (Swish(128.0), 2, 1.0, 400, 1e-7, 1e-5),
        (Swish(16.0), 3, 1.0, 56, 1e-5, 1e-3),
        (NormalisedSoLU(), 2, 1.0, 600, 1e-3, 1e-2),
    ],
)
def test_losses_are_those_of_much_finer_nodes_and_no_further_off_than_is_said(
    activation, n, norm, along, off, most, monkeypatch
):
    models = some_models(n, norm)
    found = evaluated(activation, *models)
    monkeypatch.setitem(module.SMOOTH, n, (along, along))
    exact = Population.of(activation, n).squared_error(*models).sum(-1)
    assert ((found.loss / exact - 1).abs() < off).all()
    within = (found.loss - exact).abs() <= 2 * found.loss_error + 1e-9 * exact
    assert within.double().mean() > 0.95
    assert (found.loss_error < most * exact).all()


@pytest.mark.parametrize("activation", [ReLU(), JumpReLU(0.3), nn.Hardtanh(-0.2, 0.5)])
def test_nothing_is_off_between_kinks_that_are_straight(activation):
    assert (evaluated(activation, *some_models(2, 1.0)).loss_error == 0).all()


def test_only_those_models_get_more_nodes_that_need_them(monkeypatch):
    seen: list[tuple[int, int]] = []

    def counted(self, W, *given):
        seen.append((self.step, len(W)))
        return original(self, W, *given)

    original = Population.squared_error
    monkeypatch.setattr(Population, "squared_error", counted)
    W, b, density = some_models(2, 1.0)
    W[7] *= 60
    error, change = refined_error(Population.of(Tanh(), 2), W, b, density)
    assert seen[:3] == [(0, 40), (1, 40), (2, 1)]
    assert (change[7].abs() <= 1e-3 * error[7]).all()
    assert (change.abs().sum(-1) <= 1e-7 * error.sum(-1) + 1e-12)[torch.arange(40) != 7].all()


def test_a_model_never_notices_which_others_need_more_nodes():
    W, b, density = some_models(2, 1.0)
    W[7] *= 60
    population = Population.of(GELU(), 2)
    together = refined_error(population, W, b, density)
    alone = refined_error(population, W[3:4], b[3:4], density[3:4])
    for both, one in zip(together, alone, strict=True):
        assert torch.allclose(both[3:4], one, rtol=1e-12, atol=1e-15)
