"""Quadrature against theory, and against the sampler."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sup.analysis.minimise import minimise
from sup.analysis.optimum import loss_gap, optimum, population_loss
from sup.analysis.theory import linear_population_loss
from sup.model.activations import GELU, Linear, ReLU, StackedActivation
from sup.model.autoencoder import StackedAutoencoder, reconstruction_loss
from sup.model.closed_form import loss_and_gradient
from sup.model.inputs import Draws, Inputs, Purpose
from sup.model.quadrature import NODES, QuadratureInputs, nodes

CPU = torch.device("cpu")


@given(
    powers=st.sampled_from([1, 2, 3]).flatmap(lambda n: st.tuples(*[st.integers(0, 3)] * n)),
    p=st.floats(0.001, 1),
)
def test_polynomials_have_their_exact_mean(powers: tuple[int, ...], p: float):
    n = len(powers)
    x, present, weights = nodes(n)
    density = torch.tensor(p, dtype=torch.float64)
    probability = weights * torch.where(present, density, 1 - density).prod(0)
    value = torch.stack([one**power for one, power in zip(x, powers, strict=True)]).prod(0)
    exact = math.prod(p / (power + 1) if power else 1 for power in powers)
    assert (value * probability).sum().item() == pytest.approx(exact, rel=1e-11)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_highest_degree_that_is_exact(n: int):
    x, present, weights = nodes(n)
    for size in range(1, n + 1):
        here = torch.arange(n) < size
        own = weights * (present == here[:, None]).all(0)
        top = 2 * NODES[n][size - 1] - size
        for power in (top, top - 1):
            assert (x[0] ** power * own).sum().item() == pytest.approx(1 / (power + 1), rel=1e-10)


def quadrature_loss(W: torch.Tensor, activation, density: torch.Tensor, importance: torch.Tensor):
    models = StackedAutoencoder(W, StackedActivation([(activation, len(W))]))
    inputs = QuadratureInputs(W.shape[-1], density[:, None].expand(-1, W.shape[-1]))
    x = inputs(torch.empty(1, W.shape[-1], 1, dtype=torch.int64))[inputs.group_index]
    return reconstruction_loss(x, models(x), inputs.cost(importance, 1)), models


@given(
    seed=st.integers(0, 2**31),
    n=st.integers(1, 3),
    m=st.integers(1, 3),
    density=st.tuples(*[st.floats(0.01, 1)] * 2),
)
def test_linear_models_have_their_exact_loss(seed: int, n: int, m: int, density):
    generator = torch.Generator().manual_seed(seed)
    W = torch.randn(2, m, n, generator=generator)
    importance = torch.rand(2, n, generator=generator)
    loss, _ = quadrature_loss(W, Linear(), torch.tensor(density), importance)
    exact = linear_population_loss(W, torch.zeros(2, n), torch.tensor(density)[:, None], importance)
    assert loss.tolist() == pytest.approx(exact.tolist(), rel=2e-5, abs=1e-7)


@pytest.mark.parametrize("p", [1.0, 0.1])
def test_the_antipodal_pair_of_relu(p: float):
    r = 0.5
    loss, _ = quadrature_loss(
        torch.tensor([[[1.0, -1.0]]]), ReLU(), torch.tensor([p]), torch.tensor([[1.0, r]])
    )
    assert loss.item() == pytest.approx((1 + r) * p**2 / 6, rel=1e-6)  # min(x, y)^2 has a kink


def test_what_is_reached_on_the_nodes_is_the_least_population_loss():
    """The nodes are off by more than that across a kink, but not by where the loss is least."""
    grid = torch.cartesian_prod(torch.logspace(0, -2, 6), torch.logspace(-1, 1, 6))
    inside = torch.tensor([(1.0, 1.0), (0.7, 0.9), (0.4, 0.4), (0.05, 0.5)])
    p, r = torch.cat([inside, grid]).double().T
    density, importance = p[:, None].expand(-1, 2), torch.stack([torch.ones_like(r), r], -1)
    inputs, scale = QuadratureInputs(2, density), (importance * density / 3).sum(-1)

    def by_nodes(point: torch.Tensor, cell: torch.Tensor):
        cost = inputs.cost(importance, 1)[cell] / scale[cell, None, None]
        x = inputs.x.expand(len(cell), -1, -1)
        given = (point[:, None, :2], point[:, 2:], x, cost, ReLU())
        loss, dW, db = loss_and_gradient(*given)
        return loss, torch.cat([dW.flatten(1), db], -1)

    best = optimum(ReLU(), 1, density, importance)
    start = torch.cat([best.W.flatten(1), best.b], -1)
    reached, _ = minimise(by_nodes, start, 200, 1e-13)
    loss = population_loss(ReLU(), reached[:, None, :2], reached[:, 2:], density, importance)
    gap = loss_gap(loss, best.loss, density, importance)
    assert (gap > -1e-9).all()
    assert gap.max() < 3e-4
    assert gap[: len(inside)].max() < 1e-4  # not where a phase ends
    assert gap.median() < 1e-5


def test_the_sampler_has_this_mean_loss_and_gradient():
    W = torch.randn(1, 1, 2, generator=torch.Generator().manual_seed(3))
    density, importance = torch.tensor([0.4]), torch.tensor([[1.0, 0.6]])
    exact, models = quadrature_loss(W, GELU(), density, importance)
    (gradient,) = torch.autograd.grad(exact.sum(), models.W)
    one, draws = torch.tensor([0]), Draws((0,), (2, 1_000_000), CPU)
    inputs = Inputs(one, density[:, None].double().expand(-1, 2), one)
    x = inputs(draws.words(Purpose.EVALUATION, 0))
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
