"""Quadrature against theory, and against the sampler."""

import numpy as np
import pytest
import torch

from sup.analysis.theory import feature_variance, linear_population_loss
from sup.model.activations import GELU, ReLU, StackedActivation
from sup.model.autoencoder import StackedAutoencoder, reconstruction_loss
from sup.model.inputs import Draws, Inputs, Purpose
from sup.model.quadrature import QuadratureInputs, nodes

CPU = torch.device("cpu")


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("p", [1.0, 0.3, 0.01])
def test_moments_of_the_inputs(n: int, p: float):
    x, present, weights = nodes(n)
    probability = weights * p ** present.sum(0) * (1 - p) ** (~present).sum(0)
    assert probability.sum().item() == pytest.approx(1)
    mean, square = (x * probability).sum(-1), (x**2 * probability).sum(-1)
    assert mean.tolist() == pytest.approx([p / 2] * n)
    assert (square - mean**2).tolist() == pytest.approx([feature_variance(p)] * n)


def quadrature_loss(W: torch.Tensor, activation, density: torch.Tensor, importance: torch.Tensor):
    models = StackedAutoencoder(W, StackedActivation([(activation, len(W))]))
    inputs = QuadratureInputs(W.shape[-1], density[:, None].expand(-1, W.shape[-1]))
    x = inputs(torch.empty(1, W.shape[-1], 1))[inputs.group_index]
    return reconstruction_loss(x, models(x), inputs.cost(importance, 1)), models


def test_linear_models_have_their_exact_loss():
    W = torch.randn(2, 1, 3, generator=torch.Generator().manual_seed(0))
    density, importance = torch.tensor([0.7, 0.05]), torch.tensor([[1.0, 0.5, 0.2]] * 2)
    loss, _ = quadrature_loss(W, torch.nn.Identity(), density, importance)
    exact = linear_population_loss(W, torch.zeros(2, 3), density, importance)
    assert loss.tolist() == pytest.approx(exact.tolist(), rel=1e-5)


@pytest.mark.parametrize("p", [1.0, 0.1])
def test_the_antipodal_pair_of_relu(p: float):
    r = 0.5
    loss, _ = quadrature_loss(
        torch.tensor([[[1.0, -1.0]]]), ReLU(), torch.tensor([p]), torch.tensor([[1.0, r]])
    )
    assert loss.item() == pytest.approx((1 + r) * p**2 / 6, rel=2e-3)  # min(x, y)^2 has a kink


def test_the_sampler_has_this_mean_loss_and_gradient():
    W = torch.randn(1, 1, 2, generator=torch.Generator().manual_seed(3))
    density, importance = torch.tensor([0.4]), torch.tensor([[1.0, 0.6]])
    exact, models = quadrature_loss(W, GELU(), density, importance)
    (gradient,) = torch.autograd.grad(exact.sum(), models.W)
    one, draws = torch.tensor([0]), Draws((0,), (2, 1_000_000), CPU)
    inputs = Inputs(one, density[:, None].expand(-1, 2), one)
    x = inputs(draws.uniform(Purpose.EVALUATION, 0))
    sampled = reconstruction_loss(x, models(x), inputs.cost(importance, x.shape[-1]))
    (noisy,) = torch.autograd.grad(sampled.sum(), models.W)
    assert sampled.item() == pytest.approx(exact.item(), rel=5e-3)
    assert torch.allclose(noisy, gradient, rtol=1e-2, atol=2e-3)


def test_each_feature_may_have_a_density_of_its_own():
    density = torch.tensor([[0.1, 1.0, 0.5]])
    inputs = QuadratureInputs(3, density)
    shares = inputs.probability * (inputs.x[0] > 0)[:, None]
    assert inputs.probability.sum().item() == pytest.approx(1)
    assert shares.sum(-1)[:, 0].tolist() == pytest.approx(density[0].tolist())


SHAPE = ("n_features=2", "n_hidden=1", "importance=relative", "data=quadrature", "steps=300")


def test_every_engine_trains_by_it(make_run, train_runs):
    grid = ("sparsity=[0,0.9]", "importance.ratio=[0.5,2]")
    (reference,) = train_runs(make_run(*SHAPE, *grid, "engine=eager"))
    for engine in ("autograd", "compiled"):
        (other,) = train_runs(make_run(*SHAPE, *grid, f"engine={engine}"))
        assert np.abs(reference["W"] - other["W"]).max() < 1e-5
    # Without noise the loss is the population's, and the last training loss is the held-out one.
    last = reference["training_loss"][..., -1].values
    assert last == pytest.approx(reference["loss"].values, rel=1e-3)


def test_it_decides_what_is_learned(make_run):
    from sup.sweep.plan import grouped

    assert len(grouped([make_run(*SHAPE), make_run(*SHAPE, "data=sampled")])) == 2
