"""The population loss without samples, at kinks too."""

from math import prod

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sup.analysis.linear import linear_population_loss
from sup.model import population as module
from sup.model.activations import GELU, Linear, ReLU, Sigmoid, SoLU, Tanh
from sup.model.cubes import cut_cube, gauss
from sup.model.population import Population


def some_models(n: int, m: int, seed: int, count: int = 3):
    """Return weights, biases, densities and importances of some models."""
    generator = torch.Generator().manual_seed(seed)
    shapes = ((count, m, n), (count, n))
    W, b = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)
    density, importance = torch.rand(2, count, n, generator=generator, dtype=torch.float64)
    return 0.8 * W, 0.4 * b, density, importance


@pytest.mark.parametrize("p", [1.0, 0.1, 1e-4])
@pytest.mark.parametrize("r", [0.1, 10.0])
def test_relus_antipodal_pair_to_the_last_digit(p: float, r: float):
    W, b = torch.tensor([[[1.0, -1.0]]]).double(), torch.zeros(1, 2).double()
    density, importance = torch.tensor([[[p, p]], [[1.0, r]]], dtype=torch.float64)
    loss, *_ = Population.of(ReLU(), 2).loss_and_gradient(W, b, density, importance)
    assert loss.item() == pytest.approx((1 + r) * p**2 / 6, rel=1e-12)


@given(seed=st.integers(0, 2**31), n=st.integers(1, 3), m=st.integers(1, 3))
def test_linear_models_have_their_closed_form(seed: int, n: int, m: int):
    models = some_models(n, m, seed)
    loss, *_ = Population.of(Linear(), n).loss_and_gradient(*models)
    assert loss.tolist() == pytest.approx(linear_population_loss(*models).tolist(), rel=1e-11)


@settings(max_examples=8)
@given(seed=st.integers(0, 2**31), n=st.integers(1, 3))
def test_more_nodes_change_nothing_where_pieces_are_straight(seed: int, n: int):
    models = some_models(n, 2, seed)[:3]
    for activation in (ReLU(), nn.Hardtanh(-0.2, 0.5)) if n < 3 else (ReLU(),):
        population = Population.of(activation, n)
        with pytest.MonkeyPatch.context() as patch:
            found = population.squared_error(*models)
            patch.setattr(module, "STRAIGHT", 5)
            assert torch.allclose(found, population.squared_error(*models), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("offset", [0.0, 1e-3, -0.3])
def test_kinks_across_or_along_an_axis(sign: int, offset: float):
    relu, sure = Population.of(ReLU(), 2), torch.ones(1, 2).double()
    pair = torch.tensor([[[sign, -sign]]]).double()
    error = relu.squared_error(pair, 0 * sure, sure)
    assert error.tolist() == [pytest.approx([1 / 6] * 2, rel=1e-13)]  # E min(x, y)^2
    error = relu.squared_error(sign * torch.eye(2)[None].double(), offset * sure, sure)
    exact = offset**2 * (1 + min(offset, 0)) + max(-offset, 0) ** 3 / 3
    assert error.tolist() == [pytest.approx([exact] * 2, rel=1e-12, abs=1e-16)]


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("activation", [Linear(), ReLU(), GELU(), SoLU(), nn.ELU(alpha=2)])
def test_the_loss_is_that_of_the_squared_errors(activation, n: int):
    W, b, density, importance = some_models(n, 2, 9)
    population = Population.of(activation, n)
    loss, *_ = population.loss_and_gradient(W, b, density, importance)
    error = population.squared_error(W, b, density)
    assert (importance * error).sum(-1).tolist() == pytest.approx(loss.tolist(), rel=1e-13)


@pytest.mark.parametrize("activation", [GELU(), Sigmoid(), Tanh(), SoLU(), nn.ELU(alpha=2)])
@pytest.mark.parametrize("n", [2, 3])
def test_smooth_activations_converge(activation, n: int, monkeypatch: pytest.MonkeyPatch):
    W, b, density, _ = some_models(n, n - 1, 0, 6)
    W *= 1.5 / W.norm(dim=-2, keepdim=True)  # longer than all but sigmoid's are trained to be
    population = Population.of(activation, n)
    found = population.squared_error(W, b, density)
    monkeypatch.setitem(module.SMOOTH, n, (0, 2 * module.SMOOTH[n][1]))
    monkeypatch.setitem(module.PIECE, n, (0, module.PIECE[n][1] + 4))
    assert (found / population.squared_error(W, b, density) - 1).abs().max() < 1e-10


@settings(max_examples=20)
@given(seed=st.integers(0, 2**31), n=st.integers(1, 2))
def test_a_kink_anywhere_is_integrated_exactly(seed: int, n: int):
    W, b, density, importance = some_models(n, 1, seed)
    for activation in (ReLU(), nn.Hardtanh(-0.2, 0.5), nn.LeakyReLU(0.2)):
        loss, *_ = Population.of(activation, n).loss_and_gradient(W, b, density, importance)
        expected = by_midpoints(activation, W, b, density, importance)
        assert loss.tolist() == pytest.approx(expected.tolist(), rel=2e-5, abs=1e-9)


def by_midpoints(activation, W, b, density, importance, count: int = 600):
    """Integrate over a grid of midpoints of each subset's cube."""
    n = W.shape[-1]
    axis = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    total = torch.zeros(len(W), dtype=torch.float64)
    for number in range(2**n):
        present = [bool(number >> k & 1) for k in range(n)]
        axes = [axis if here else torch.zeros(1).double() for here in present]
        x = torch.stack([one.flatten() for one in torch.meshgrid(*axes, indexing="ij")])
        error = activation(W.mT @ (W @ x) + b[..., None]) - x
        chance = torch.where(torch.tensor(present), density, 1 - density).prod(-1)
        total += chance * (importance * error.square().mean(-1)).sum(-1)
    return total


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(
    "activation",
    [ReLU(), GELU(), Sigmoid(), Tanh(), SoLU(), nn.ELU(alpha=2), nn.Hardtanh(-0.2, 0.5)],
)
def test_the_gradient_is_that_of_the_loss(activation, n: int):
    W, b, density, importance = some_models(n, 2, 5)
    population = Population.of(activation, n)
    loss, dW, db = population.loss_and_gradient(W, b, density, importance)
    assert (loss > 0).all()
    generator = torch.Generator().manual_seed(1)
    V, v = (1e-5 * torch.randn(one.shape, generator=generator).double() for one in (W, b))
    above, below = (
        population.loss_and_gradient(W + sign * V, b + sign * v, density, importance)[0]
        for sign in (1, -1)
    )
    expected = (dW * V).sum((-2, -1)) + (db * v).sum(-1)
    assert ((above - below) / 2).tolist() == pytest.approx(expected.tolist(), rel=1e-5, abs=1e-13)


@pytest.mark.parametrize("activation", [GELU(), Sigmoid(), Tanh(), SoLU(), nn.ELU(alpha=2)])
@pytest.mark.parametrize("n", [2, 3])
def test_coarse_nodes_are_good_enough_to_choose_by(activation, n: int):
    models = some_models(n, 2, 7)
    fine = Population.of(activation, n)
    coarse = Population(activation, fine.smoothness, fine=False)
    losses = [one.loss_and_gradient(*models)[0].tolist() for one in (fine, coarse)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_a_model_never_notices_how_many_there_are():
    models = some_models(2, 1, 3, 2000)
    population = Population.of(ReLU(), 2)
    whole, _, _ = population.loss_and_gradient(*models)
    part, _, _ = population.loss_and_gradient(*(each[1990:1991] for each in models))
    assert part.item() == pytest.approx(whole[1990].item(), rel=1e-13)


@given(powers=st.lists(st.integers(0, 3), min_size=1, max_size=3))
def test_polynomials_have_their_exact_mean_wherever_a_cube_is_cut(powers: list[int]):
    slopes = torch.tensor([[[0.7, -1.2, 0.4][: len(powers)]]]).double()
    x, share = cut_cube(slopes, torch.full((1, 1), 0.1).double(), (0.0, 0.3), gauss(2))
    value = torch.stack([one**power for one, power in zip(x[0, 0], powers, strict=True)]).prod(0)
    exact = prod(1 / (power + 1) for power in powers)
    assert (value * share[0, 0]).sum().item() == pytest.approx(exact, rel=1e-12)


def test_pieces_of_a_cube_add_up_to_it():
    slopes = torch.tensor([[[0.0, 0.5, -2.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]]).double()
    start = torch.tensor([[0.3, -1.0, 0.0]]).double()
    at, weight = torch.tensor([0.5]).double(), torch.tensor([1.0]).double()
    x, share = cut_cube(slopes, start, (0.0, 0.25), (at, weight))
    assert share.sum(-1).flatten().tolist() == pytest.approx([1, 1, 1])
    assert ((x >= 0) & (x <= 1)).all()
