"""The optimum of small models, against known answers and against random search."""

import numpy as np
import pytest
import torch
from torch import nn

from sup.analysis.candidates import structures
from sup.analysis.linear import feature_variance, linear_optimum
from sup.analysis.minimise import minimise
from sup.analysis.optimum import lone_from, loss_gap, optimum, population_loss, superposition_onset
from sup.analysis.phases import extra_share
from sup.analysis.search import Search, best_of_cells
from sup.model.activations import GELU, Linear, ReLU, Sigmoid, SiLU, SoLU, Tanh
from sup.model.population import Population

SEVEN = (Linear(), ReLU(), GELU(), SiLU(), Sigmoid(), Tanh(), SoLU())


def pairs(density, ratio):
    """Return densities and importances ``[cell, 2]`` of two features, the first one's being 1."""
    density, ratio = np.broadcast_arrays(np.asarray(density, float), np.asarray(ratio, float))
    p, r = torch.tensor(density.ravel()), torch.tensor(ratio.ravel())
    return p[:, None].expand(-1, 2).contiguous(), torch.stack([torch.ones_like(r), r], -1)


def weaker_share(found) -> np.ndarray:
    share = extra_share(found.W.numpy())
    return np.minimum(share, 1 - share)


@pytest.mark.parametrize("activation", SEVEN)
def test_two_features_can_change_places(activation):
    p, r = np.geomspace(1, 0.01, 6)[None], np.geomspace(0.1, 1, 6)[:, None]
    below = optimum(activation, 1, *pairs(p, r)).loss.view(6, 6)
    above = optimum(activation, 1, *pairs(p, 1 / r)).loss.view(6, 6)
    assert torch.allclose(below, torch.tensor(r) * above, rtol=1e-6, atol=0)


def test_relus_superposition_begins_where_it_does():
    ratio = torch.tensor([0.1, 0.5, 0.9, 1.0])
    onset = superposition_onset(ReLU(), ratio).tolist()
    assert onset == pytest.approx([0.181, 0.4846, 0.716, 1.0], abs=6e-4)


def critical_ratio(p: float) -> float:
    """Return the r beyond which ReLU's first feature alone is unstable, to a first order.

    To ``W = (1 + a/2, -1)`` times a small e, with ``b_1 = d e``, the first output is off by
    ``e (d - x_2 + a x_1)`` where x_1 is present, and by ``e max(d - x_2, 0)`` where it is not; the
    second gains ``r v e^2``. The best a is ``-3/2 (d - p/2)``.
    """
    v, d = feature_variance(p), np.linspace(0, 1, 100_001)
    present = v + (d - p / 2) ** 2 / 4
    absent = (1 - p) * d**2 + p * d**3 / 3
    return float((p * present + (1 - p) * absent).min() / v)


@pytest.mark.parametrize(("p", "expected"), [(0.571, 0.63258), (0.9, 0.94187)])
def test_one_alone_is_unstable_beyond_a_critical_ratio(p: float, expected: float):
    assert critical_ratio(p) == pytest.approx(expected, abs=1e-5)
    trace = 1e-4
    cells = pairs(p, critical_ratio(p) * np.array([0.999, 1.001]))
    population = Population.of(ReLU(), 2)

    def with_a_trace(point, problem):
        W = torch.stack([point[:, 0], torch.full_like(point[:, 0], -trace)], -1)[:, None]
        own = (each[problem] for each in cells)
        loss, dW, db = population.loss_and_gradient(W, point[:, 1:], *own)
        return loss, torch.cat([dW[:, :, 0], db], -1)

    start = torch.tensor([[1.0, trace / 2, p / 2]] * 2, dtype=torch.float64)
    _, loss = minimise(with_a_trace, start, 100, 1e-16)
    gain = 1 - loss / (cells[1][:, 1] * feature_variance(p))
    assert gain[0] < -1e-4 * trace**2
    assert gain[1] > 1e-4 * trace**2


def test_at_equal_importance_relus_pair_always_wins():
    p = np.array([0.999, 0.9, 0.5, 0.1, 0.01])
    found = optimum(ReLU(), 1, *pairs(p, 1))
    assert (weaker_share(found) > 0.1).all()
    assert (found.loss < feature_variance(torch.tensor(p))).all()
    # Far below the candidate of unit weights near p = 1, and like it where features are rare.
    assert (found.loss / torch.tensor(p**2 / 3))[-1].item() == pytest.approx(1, rel=1e-2)


@pytest.mark.parametrize(
    ("activation", "loss", "weight", "critical"),
    [(GELU(), 0.043575, 1.10522, 15.97), (SiLU(), 0.094586, 1.14613, 6.416)],
)
def test_the_limit_of_rare_features(activation, loss: float, weight: float, critical: float):
    p = 1e-6
    found = optimum(activation, 1, *pairs(p, [1, 0.999 * critical, 1.001 * critical]))
    assert found.loss[0].item() / p == pytest.approx(loss, abs=1.5e-6)
    assert found.W[0].abs().flatten().tolist() == pytest.approx([weight] * 2, abs=1e-5)
    assert found.W[0].prod() < 0
    share = weaker_share(found)
    assert share[1] > 0.1
    assert share[2] < 1e-6


def test_solu_leaves_a_feature_out_altogether():
    found = optimum(SoLU(), 1, *pairs(0.1, 0.01))
    assert found.loss.item() == pytest.approx(0.01 * 0.1 / 3, rel=1e-6)


class Leaning(nn.Module):
    """A user's own activation, which brings neither a pullback nor expressions."""

    def forward(self, z):
        return torch.where(z > 0.1, z, 0.2 * z + 0.08)


@pytest.mark.parametrize("activation", [*SEVEN[1:], nn.Hardtanh(), Leaning(), nn.ELU()])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 1), (3, 2)])
def test_no_random_search_finds_better(activation, n: int, m: int):
    generator = torch.Generator().manual_seed(n)
    density = 10 ** (-2 * torch.rand(2, 1, generator=generator).double()).expand(-1, n)
    importance = 10 ** (2 * torch.rand(2, n, generator=generator).double() - 1)
    found = optimum(activation, m, density, importance)
    search = Search(Population.of(activation, n), m, density, importance)
    start = 1.5 * torch.randn(40, m * n + n, generator=generator).double()
    cell = torch.arange(2).repeat_interleave(20)
    _, value, _ = best_of_cells(*search.minimised(start, cell, 25, 1e-7), cell, 1)
    assert (found.loss <= value * search.scale * (1 + 1e-6)).all()
    own = population_loss(activation, found.W, found.b, density, importance)
    assert torch.allclose(own, found.loss, rtol=1e-9)


def test_a_linear_optimum_of_any_size_is_the_projector_on_the_most_valuable():
    generator = torch.Generator().manual_seed(0)
    density, importance = torch.rand(2, 4, 9, generator=generator, dtype=torch.float64)
    found = optimum(Linear(), 3, density, importance)
    own = population_loss(Linear(), found.W, found.b, density, importance)
    assert torch.allclose(own, found.loss)
    assert torch.equal(found.loss, linear_optimum(3, density, importance))
    common = optimum(Linear(), 1, *pairs(0.3, [0.5, 1, 2]))
    assert common.loss.tolist() == pytest.approx(
        (np.array([0.5, 1, 1]) * feature_variance(0.3)).tolist()
    )
    assert extra_share(common.W.numpy()).tolist() == [0, 0, 1]  # of equals the first
    # The search, which knows nothing of it, finds the same.
    search = Search(Population.of(Linear(), 3), 2, density[:, :3], importance[:, :3])
    _, value = search.best()
    assert torch.allclose(value, linear_optimum(2, density[:, :3], importance[:, :3]), rtol=1e-9)


def test_dimensions_to_spare_are_left_empty():
    density, importance = pairs(0.3, 0.7)
    for activation in (GELU(), Linear()):
        found = optimum(activation, 4, density, importance)
        assert found.W.shape == (1, 4, 2)
        assert found.loss.item() <= optimum(activation, 2, density, importance).loss.item() + 1e-12


def test_four_features_are_too_many_to_search():
    density = importance = torch.ones(1, 4)
    with pytest.raises(ValueError, match="4 features"):
        optimum(ReLU(), 2, density, importance)


def test_a_gap_is_relative_and_none_where_there_is_no_loss():
    density, importance = pairs(0.5, [1, 1, 1])
    gap = loss_gap(torch.tensor([2.0, 1, 1]), torch.tensor([1.0, 1, 1e-20]), density, importance)
    assert gap[:2].tolist() == [1, 0]
    assert gap[2].isnan()


def test_what_cannot_be_represented_costs_nothing_to_leave():
    found = optimum(ReLU(), 1, torch.full((1, 2), 0.5), torch.zeros(1, 2))
    assert found.loss.item() == 0


def test_structures_hold_every_pair_and_the_triangle_once():
    def has(found, *columns):
        wanted = torch.tensor(columns).double().T
        gram = wanted.mT @ wanted
        return ((found.mT @ found - gram).abs().amax((-2, -1)) < 1e-6).sum().item()

    two, three = structures(1, 2), structures(2, 3)
    for pair in ((0, 0), (1, 0), (0, 1), (1, 1), (1, -1)):
        assert has(two, *((float(weight),) for weight in pair)) == 1
    half, high = 0.5, 0.75**0.5
    assert has(three, (1.0, 0.0), (-half, high), (-half, -high)) == 1
    assert has(three, (1.0, 0.0), (0.0, 1.0), (0.0, -1.0)) == 1


@pytest.mark.parametrize(
    ("activation", "corner"), [(GELU(), 15.97), (SiLU(), 6.416), (ReLU(), np.inf)]
)
def test_from_where_on_the_extra_feature_is_alone(activation, corner: float):
    """The limits of rare features; of ReLU pairs are best however unequal."""
    assert lone_from(activation, 1e-5, 100.0) == pytest.approx(corner, rel=2e-3)
