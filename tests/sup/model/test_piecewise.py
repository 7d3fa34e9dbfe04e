"""Nodes that are cut at the kinks give the exact mean of what has kinks, wherever they are."""

from math import prod

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sup.model.piecewise import NODES, pieces, single_nodes, subset_nodes

SEEDS = st.integers(0, 2**31)


@given(seed=SEEDS, cuts=st.integers(1, 9))
def test_functions_with_a_kink_at_each_cut(seed: int, cuts: int):
    generator = torch.Generator().manual_seed(seed)
    at = torch.rand(3, cuts, generator=generator, dtype=torch.float64) * 3 - 1
    at[0, 0] = torch.nan
    x, weight = pieces(at, 2)
    kinked = (x[..., None] - at[:, None]).clamp_min(0).square().nansum(-1)
    outside, inside = (1 - at).clamp_min(0), (-at).clamp_min(0)
    exact = (outside**3 - inside**3).nansum(-1) / 3
    assert (kinked * weight).sum(-1).tolist() == pytest.approx(exact.tolist(), rel=1e-12)
    assert weight.sum(-1).tolist() == pytest.approx([1] * 3)
    assert (x.diff(dim=-1) >= 0).all()


def mean_of(f, G: torch.Tensor, b: torch.Tensor, subset: list[int]) -> torch.Tensor:
    """Return the mean squared error of each feature, ``[instance, feature]``."""
    total = torch.zeros_like(b)
    for x, weight in subset_nodes(G, b, subset, 500):
        assert weight.shape == (len(b), x.shape[-1])
        total += ((f(G @ x + b[..., None]) - x).square() * weight[:, None]).sum(-1)
    return total


@given(seed=SEEDS, size=st.integers(1, 3))
def test_relu_has_its_exact_error_wherever_its_kinks_are(seed: int, size: int):
    generator = torch.Generator().manual_seed(seed)
    W = torch.randn(2, 2, 3, generator=generator, dtype=torch.float64)
    b = torch.randn(2, 3, generator=generator, dtype=torch.float64) / 2
    G, subset = W.mT @ W, [0, 2, 1][:size]
    with pytest.MonkeyPatch.context() as patch:
        found = [mean_of(torch.relu, G, b, subset)]
        patch.setitem(NODES, size, (7,) * size)
        found.append(mean_of(torch.relu, G, b, subset))
    # Exact in each piece, so that more nodes change nothing.
    assert torch.allclose(*found, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("axes", [[0, 1], [1, 0]])
@pytest.mark.parametrize("offset", [0.0, 1e-3, -0.3])
def test_kinks_across_or_along_an_axis(axes: list[int], offset: float):
    pair = torch.tensor([[[1.0, -1.0], [-1.0, 1.0]]], dtype=torch.float64)
    error = mean_of(torch.relu, pair, torch.zeros(1, 2).double(), axes)
    assert error.tolist() == [pytest.approx([1 / 6] * 2, rel=1e-13)]  # E min(x, y)^2
    alone = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]], dtype=torch.float64)
    error = mean_of(torch.relu, alone, torch.full((1, 2), offset, dtype=torch.float64), axes)
    exact = offset**2 * (1 + min(offset, 0)) + max(-offset, 0) ** 3 / 3
    assert error.tolist() == [pytest.approx([exact] * 2, rel=1e-12, abs=1e-16)]


@given(powers=st.lists(st.integers(0, 3), min_size=1, max_size=3))
def test_polynomials_have_their_exact_mean(powers: list[int]):
    G, b = torch.eye(4)[None].double(), torch.full((1, 4), -0.3).double()
    subset = [3, 0, 2][: len(powers)]
    total = 0.0
    for x, weight in subset_nodes(G, b, subset, 2000):
        value = torch.stack([x[0, k] ** power for k, power in zip(subset, powers, strict=True)])
        total += (value.prod(0) * weight[0]).sum().item()
        assert (x[0, 1] == 0).all()
    assert total == pytest.approx(prod(1 / (power + 1) for power in powers), rel=1e-12)


STEEP = {
    "gelu": torch.nn.functional.gelu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "solu": lambda z: z * torch.softmax(z, -2),
}


@pytest.mark.parametrize("name", STEEP)
def test_smooth_activations_converge(name: str, monkeypatch: pytest.MonkeyPatch):
    generator = torch.Generator().manual_seed(0)
    for n, size in ((2, 2), (3, 3)):
        W = torch.randn(20, n - 1, n, generator=generator, dtype=torch.float64)
        W *= 1.5 / W.norm(dim=-2, keepdim=True)  # longer than all but sigmoid's are trained to be
        b = torch.randn(20, n, generator=generator, dtype=torch.float64)
        coarse = mean_of(STEEP[name], W.mT @ W, b, list(range(size)))
        monkeypatch.setitem(NODES, size, {2: (24, 24), 3: (10, 8, 8)}[size])
        fine = mean_of(STEEP[name], W.mT @ W, b, list(range(size)))
        monkeypatch.undo()
        assert (coarse / fine - 1).abs().max() < 1e-5


def test_single_features_of_a_larger_model():
    generator = torch.Generator().manual_seed(0)
    W = torch.randn(3, 2, 6, generator=generator, dtype=torch.float64)
    b = torch.randn(3, 6, generator=generator, dtype=torch.float64) / 2
    G = W.mT @ W
    x, weight = single_nodes(W.square().sum(-2), b, range(2, 5), 12)
    assert ((x > 0).sum(1) == 1).all()
    error = ((G @ x + b[..., None]).relu() - x).square().unflatten(-1, (3, -1))
    means = (error * weight[:, None]).sum(-1)
    for k in range(3):
        exact = mean_of(torch.relu, G, b, [2 + k])
        own = means[:, 2 + k, k]
        assert own.tolist() == pytest.approx(exact[:, 2 + k].tolist(), rel=1e-12)
        assert torch.allclose(means[..., k], exact, rtol=1e-3, atol=1e-5)
